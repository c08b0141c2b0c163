"""What another version of the toolkit makes of a model that is refused; see `make test-versions`."""

from __future__ import annotations

import onnx
import pytest
from models import NO_RULES, x_xt_in_a_chain

from rkmend.records import Status
from rkmend.toolkit.environments import ensure

pytestmark = [pytest.mark.toolkit, pytest.mark.versions]


@pytest.fixture(scope="module", autouse=True)
def newer():
    """A version that does not die of a tensor times itself."""
    return ensure("2.5.0")


def test_a_version_that_converts_is_offered_and_not_used(convert, tmp_path):
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", rules=NO_RULES)
    assert result.status is Status.REFUSED and result.toolkit.version == "2.3.2"
    (note,) = [note for note in result.notes if "--toolkit 2.5.0" in note]
    assert "librknnrt" in note and "rknn" not in result.files


def test_nothing_is_offered_where_the_asked_one_does(convert, tmp_path):
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.status is Status.MENDED and not any("--toolkit" in note for note in result.notes)
