"""The table of before and after."""

from __future__ import annotations

import onnx
import pytest
from graphs import relu
from page_results import conversion, layer, verdict

from rkmend.records import OutputCheck, Status, Tail
from rkmend.report.page.compare import comparisons
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome, OutputAgreement


@pytest.fixture
def path(tmp_path):
    onnx.save(relu(), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def rows(path, status: Status, **more) -> dict[str, tuple[str | None, str | None, bool | None]]:
    told = comparisons(conversion(path, status, **more))
    assert all(row.what.en for row in told)
    return {row.key: (row.before and row.before.en, row.after and row.after.en, row.better) for row in told}


SLOW = verdict(layers=(layer("Conv", "Conv:a", 2_000), layer("Relu", "Relu:b", 0, "CPU")))
FAST = verdict(layers=(layer("Conv", "Conv:a", 1_000),))


def test_a_failure_that_was_mended(path):
    found = rows(path, Status.MENDED, first_verdict=verdict(Outcome.ABORTED), verdict=FAST)
    assert found["converts"] == ("no: the toolkit's native code ended its process", "yes", True)
    assert found["cycles"] == (None, "1,000", None)
    assert found["cpu_operators"] == (None, "0", None)
    assert found["internal_memory"] == (None, "100 KB", None)


def test_less_is_better(path):
    found = rows(path, Status.MENDED, first_verdict=SLOW, verdict=FAST)
    assert found["cycles"] == ("2,000", "1,000", True)
    assert found["cpu_operators"] == ("1", "0", True)
    assert found["moved"] == ("16 KB", "8 KB", True)
    assert found["internal_memory"] == ("100 KB", "100 KB", None)
    assert rows(path, Status.MENDED, first_verdict=FAST, verdict=SLOW)["cycles"][2] is False


def test_idle_cores_count(path):
    options = BuildOptions(single_core_mode=True)
    found = rows(path, Status.CONVERTED, first_verdict=FAST, options=options)
    assert found["chip_cycles"] == ("3,000", "3,000", None)  # an rk3588 has three
    assert "chip_cycles" not in rows(path, Status.CONVERTED, first_verdict=FAST)


def test_a_refusal_has_no_after(path):
    found = rows(path, Status.REFUSED, first_verdict=SLOW, verdict=FAST)
    assert found["converts"] == ("yes", "no", None)
    assert found["cycles"] == ("2,000", None, None)


def test_a_head_converts_in_part(path):
    tail = Tail(("relu", "other"), (), (), "why")
    found = rows(path, Status.PARTIAL, first_verdict=verdict(Outcome.REJECTED), verdict=FAST, tail=tail)
    assert found["converts"][1] == "in part: 2 operators are left for the CPU"


def test_agreement_is_that_of_the_worst_output(path):
    def seen(cosine: float) -> OutputAgreement:
        return OutputAgreement("y", "zeros", cosine, max_abs=1.0, max_rel=0.1, reference_max=10.0)

    wrong = verdict(Outcome.WRONG, layers=SLOW.layers, agreement=(seen(0.5), seen(0.9)))
    check = OutputCheck("y", 0.9999, 0.1, 0.01, FP16, True, (seen(0.9999),))
    found = rows(path, Status.MENDED, first_verdict=wrong, verdict=FAST, verification=(check,))
    assert found["agreement"] == ("0.500000", "0.999900", True)


def test_nothing_was_tried(path):
    assert rows(path, Status.ENVIRONMENT) == {}
