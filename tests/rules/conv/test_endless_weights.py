"""Kernels with more taps than three banks hold, on rk3576."""

from __future__ import annotations

import onnx
import pytest

from one_operator import mended, noise, one
from rkmend.checking import check
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial

CASES = {
    "transposed": (
        "RKM121",
        one("ConvTranspose", [1, 5, 8, 8], {"w": noise([5, 16, 27, 27])}, pads=[12] * 4),
    ),
    "dilated": ("RKM121", one("Conv", [1, 1, 66, 66], {"w": noise([2, 1, 31, 31])}, dilations=[2, 2])),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, target=load_target("rk3576"), hangs=True)


@pytest.mark.parametrize(
    ("operator", "channels", "kernel", "more", "ends"),
    [
        ("ConvTranspose", 5, [25, 26], {}, True),
        ("ConvTranspose", 5, [26, 26], {}, False),
        ("ConvTranspose", 12, [26, 26], {}, True),
        ("ConvTranspose", 9, [29, 29], {}, False),
        ("Conv", 1, [31, 31], {"dilations": [2, 2]}, False),
        ("Conv", 1, [31, 31], {}, True),
    ],
)
def test_what_never_ends(operator, channels, kernel, more, ends, tmp_path):
    path = tmp_path / "conv.onnx"
    shape = [channels, 16, *kernel] if operator == "ConvTranspose" else [2, channels, *kernel]
    onnx.save(one(operator, [1, channels, 70, 70], {"w": noise(shape)}, **more), path)
    for target, said in (("rk3576", not ends), ("rk3588", False)):
        assert ("RKM121" in {found.code for found in check(path, target).findings}) == said


def test_a_transposed_one_of_few_outputs_is_left_alone():
    """Of 3 to 12 outputs 9 of 9 converted."""
    proto = one("ConvTranspose", [1, 5, 8, 8], {"w": noise([5, 12, 27, 27])}, pads=[12] * 4)
    assert mended("RKM121", proto, load_target("rk3576")) is None


@pytest.mark.parametrize(
    ("outputs", "kernel", "ends"),
    [
        (32, [25, 25], True),
        (32, [25, 26], False),
        (33, [25, 25], False),
        (48, [24, 24], True),
        (48, [24, 25], False),
    ],
)
def test_more_outputs_leave_less(outputs, kernel, ends):
    """As trials ended."""
    proto = one("ConvTranspose", [1, 4, 20, 20], {"w": noise([4, outputs, *kernel])}, pads=[12] * 4)
    assert (mended("RKM121", proto, load_target("rk3576")) is None) is ends
