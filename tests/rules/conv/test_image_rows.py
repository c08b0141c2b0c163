"""Convs on images with long rows."""

from __future__ import annotations

import pytest
from graphs import model, node, value

from one_operator import mended, noise, one
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial

RK3562, RK3588 = load_target("rk3562"), load_target("rk3588")


def image(channels, rows, columns, kernel, kernels=8, **more):
    weight = noise([kernels, channels // more.get("group", 1), *kernel])
    return one("Conv", [1, channels, rows, columns], {"w": weight}, **more)


def behind(operator, *, read_twice=False):
    nodes = [node(operator, "x v", "z", "first"), node("Conv", "z w", "y", "conv")]
    outputs = [value("y", None)]
    if read_twice:
        nodes.append(node("Sigmoid", "x", "other", "sigmoid"))
        outputs.append(value("other", None))
    constants = {"v": noise([1, 3, 1, 1]), "w": noise([8, 3, 3, 3])}
    return model(nodes, [value("x", [1, 3, 8, 4600])], outputs, constants)


CASES = {
    "long": ("RKM125", image(3, 8, 4096, [4, 4], strides=[2, 2], pads=[1, 1, 1, 1])),
    "window": ("RKM125", image(1, 16, 1800, [16, 16], 32, strides=[16, 16])),
    "scaled": ("RKM125", behind("Mul")),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, target=RK3562)


DILATED = {"dilated": ("RKM125", image(3, 160, 320, [18, 18], dilations=[6, 6], strides=[7, 7]))}
test_rewrite_of_dilated, test_trial_of_dilated = rewrite_and_trial(DILATED)


@pytest.mark.parametrize(
    ("proto", "dtype", "fails"),
    [
        (image(3, 64, 4095, [6, 1]), "fp16", False),
        (image(3, 8, 4096, [3, 1]), "int8", True),
        (image(3, 64, 2384, [12, 1]), "fp16", False),
        (image(3, 64, 2385, [12, 1]), "fp16", True),
        (image(3, 64, 3584, [16, 1]), "int8", False),
        (image(3, 64, 3585, [16, 1]), "int8", True),
        (image(3, 64, 1792, [16, 3], 64), "fp16", False),
        (image(3, 64, 1536, [16, 3], 86), "fp16", False),
        (image(3, 64, 1537, [16, 3], 1024), "fp16", True),
        (image(4, 64, 1360, [3, 3], dilations=[10, 1]), "fp16", False),
        (image(4, 64, 1361, [3, 3], dilations=[10, 1]), "fp16", True),
        (image(3, 10, 2864, [16, 3], pads=[3, 0, 3, 0]), "fp16", False),
        (image(3, 10, 2865, [16, 3], pads=[3, 0, 3, 0]), "fp16", True),
        (image(2, 8, 4096, [3, 3]), "fp16", False),
        (image(4, 8, 4600, [3, 3], 4, group=4), "fp16", False),
        (image(4, 8, 4600, [3, 3], 8, group=4), "fp16", True),
        (image(3, 8, 4600, [1, 1]), "fp16", False),
        (image(3, 40, 4200, [17, 17]), "fp16", False),
        (image(3, 80, 4200, [3, 3], dilations=[32, 1]), "fp16", False),
        (image(3, 60, 4200, [3, 3], pads=[0, 0, 16, 0]), "fp16", False),
        (behind("Div"), "fp16", True),
        (behind("Add"), "fp16", False),
        (behind("Mul", read_twice=True), "fp16", False),
    ],
)
def test_what_fits(proto, dtype, fails):
    """As trials ended, those on either side of each limit."""
    assert (mended("RKM125", proto, RK3562.computing_in(dtype)) is not None) is fails


def dilated(channels, columns, kernel, dilation, kernels=16, **more):
    rows = (kernel - 1) * dilation + 5
    return image(channels, rows, columns, [kernel] * 2, kernels, dilations=[dilation, dilation], **more)


@pytest.mark.parametrize(
    ("proto", "dtype", "fails"),
    [
        (dilated(3, 336, 9, 4), "fp16", False),
        (dilated(3, 337, 9, 4), "fp16", True),
        (dilated(3, 668, 9, 4), "int8", False),
        (dilated(3, 676, 9, 4), "int8", True),
        (dilated(3, 304, 9, 4, 100), "fp16", False),
        (dilated(3, 305, 9, 4, 100), "fp16", True),
        (dilated(1, 1360, 9, 4), "fp16", False),
        (dilated(1, 1361, 9, 4), "fp16", True),
        (dilated(1, 3000, 3, 10), "fp16", False),
        (dilated(1, 3000, 3, 11), "fp16", True),
        (dilated(3, 8000, 3, 2), "fp16", False),
        (dilated(3, 8000, 3, 3), "fp16", True),
        (dilated(5, 337, 9, 4), "fp16", False),
        (image(3, 60, 1500, [9, 9], 16, dilations=[1, 4]), "fp16", False),
        (image(3, 60, 1500, [9, 9], 16, dilations=[4, 1]), "fp16", True),
        (image(3, 40, 3000, [16, 16], 16), "fp16", False),
    ],
)
def test_what_fits_on_rk3588(proto, dtype, fails):
    """As trials ended, those on either side of each limit."""
    assert (mended("RKM125", proto, RK3588.computing_in(dtype)) is not None) is fails


def test_other_targets_convert():
    assert mended("RKM125", CASES["long"][1], load_target("rk3566")) is None
