"""Kernels with more taps than the banks for weights hold, on rk3576."""

from __future__ import annotations

import onnx
import pytest

from one_operator import mended, noise, one
from rkmend.checking import check
from rkmend.targets import load_target
from rule_bench import check_trial, rewrite_and_trial

RK3576 = load_target("rk3576")
CASES = {
    "transposed": (
        "RKM121",
        one("ConvTranspose", [1, 5, 8, 8], {"w": noise([5, 17, 27, 27])}, pads=[12] * 4),
    ),
    "dilated": ("RKM121", one("Conv", [1, 1, 66, 66], {"w": noise([16, 1, 31, 31])}, dilations=[2, 2])),
    "grouped": (
        "RKM121",
        one("Conv", [1, 2, 60, 60], {"w": noise([48, 1, 25, 25])}, dilations=[2, 2], group=2),
    ),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, target=RK3576, hangs=True)
SHORT = one("Conv", [1, 3, 62, 62], {"w": noise([64, 3, 18, 18])}, dilations=[2, 2])


@pytest.mark.toolkit
def test_trial_in_int8(bench, tmp_path):
    check_trial(bench, "RKM121", SHORT, tmp_path, target=RK3576.computing_in("int8"))


def test_only_rk3576_is_affected(tmp_path):
    path = tmp_path / "conv.onnx"
    onnx.save(CASES["dilated"][1], path)
    for target in ("rk3576", "rk3588"):
        codes = {found.code for found in check(path, target).findings}
        assert ("RKM121" in codes) == (target == "rk3576")


# operator, channels, outputs, groups, kernel, dtype; whether it converts
TRIALS = [
    ("Conv", 2, 15, 1, (28, 28), "fp16", True),
    ("Conv", 2, 15, 1, (29, 29), "fp16", False),
    ("Conv", 20, 16, 1, (27, 28), "fp16", True),
    ("Conv", 2, 16, 1, (28, 28), "fp16", False),
    ("Conv", 20, 32, 1, (25, 25), "fp16", True),
    ("Conv", 20, 32, 1, (26, 25), "fp16", False),
    ("Conv", 6, 48, 3, (24, 24), "fp16", True),
    ("Conv", 6, 48, 3, (25, 26), "fp16", False),
    ("Conv", 2, 4, 2, (26, 26), "fp16", True),
    ("Conv", 8, 8, 8, (29, 29), "fp16", True),  # depth-wise
    ("Conv", 2, 33, 1, (22, 27), "fp16", True),
    ("Conv", 2, 64, 1, (29, 20), "fp16", False),
    ("Conv", 2, 128, 1, (23, 23), "fp16", True),
    ("Conv", 2, 128, 1, (23, 24), "fp16", False),
    ("Conv", 2, 256, 1, (22, 24), "fp16", True),
    ("Conv", 2, 256, 1, (23, 23), "fp16", False),
    ("Conv", 2, 256, 1, (24, 24), "fp16", True),  # nine banks for each four groups
    ("Conv", 2, 256, 1, (20, 28), "fp16", False),
    ("ConvTranspose", 4, 12, 1, (31, 31), "fp16", True),
    ("ConvTranspose", 4, 13, 1, (31, 31), "fp16", False),
    ("ConvTranspose", 5, 16, 1, (27, 27), "fp16", True),
    ("ConvTranspose", 4, 128, 1, (23, 24), "fp16", False),
    ("ConvTranspose", 4, 64, 2, (25, 25), "fp16", True),
    ("Conv", 2, 32, 1, (19, 20), "int8", True),
    ("Conv", 2, 32, 1, (20, 20), "int8", False),
    ("Conv", 2, 64, 1, (17, 18), "int8", True),
    ("Conv", 8, 64, 1, (18, 18), "int8", False),
    ("Conv", 9, 64, 1, (18, 18), "int8", True),
    ("Conv", 16, 64, 1, (24, 24), "int8", True),
    ("Conv", 16, 64, 1, (25, 25), "int8", False),
    ("Conv", 3, 64, 1, (16, 24), "int8", True),  # three banks for each group
    ("Conv", 3, 64, 1, (16, 22), "int8", False),
    ("Conv", 3, 16, 1, (27, 28), "int8", True),
    ("Conv", 2, 16, 1, (31, 31), "int8", False),
    ("ConvTranspose", 4, 128, 1, (13, 22), "int8", True),
    ("ConvTranspose", 4, 256, 1, (13, 22), "int8", False),
    ("ConvTranspose", 17, 64, 1, (18, 18), "int8", False),
    ("ConvTranspose", 25, 64, 1, (18, 18), "int8", True),
    ("ConvTranspose", 32, 64, 1, (18, 18), "int8", True),
]


@pytest.mark.parametrize(("operator", "channels", "outputs", "groups", "kernel", "dtype", "converts"), TRIALS)
def test_as_trials_ended(operator, channels, outputs, groups, kernel, dtype, converts):
    if operator == "Conv":
        shape, size, more = [outputs, channels // groups, *kernel], 64, {"dilations": [2, 2]}
    else:
        shape, size, more = [channels, outputs // groups, *kernel], 20, {"pads": [6] * 4}
    proto = one(operator, [1, channels, size, size], {"w": noise(shape)}, group=groups, **more)
    assert (mended("RKM121", proto, RK3576.computing_in(dtype)) is None) is converts


def test_kernels_that_the_toolkit_cuts_are_left_alone():
    proto = one("Conv", [1, 1, 66, 66], {"w": noise([16, 1, 31, 31])})
    assert mended("RKM121", proto, RK3576) is None
