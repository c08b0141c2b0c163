"""Convs of which no tap sees the map."""

from __future__ import annotations

import pytest

from one_operator import mended, noise, one
from rkmend.targets import load_target
from rule_bench import findings, rewrite_and_trial


def dilated(size, taps, pads, dilation=36, kernels=32, **more):
    weights = {"w": noise([kernels, 16 // more.get("group", 1), *taps]), "b": noise([kernels])}
    return one("Conv", [1, 16, *size], weights, pads=pads, dilations=[dilation] * 2, **more)


CASES = {
    "columns": ("RKM119", dilated([40, 6], [1, 2], [0, 18, 0, 18])),
    "rows": ("RKM119", dilated([6, 40], [2, 1], [18, 0, 18, 0], kernels=16, group=16)),
}
CASES["gathered"] = (
    "RKM119",
    one("Conv", [1, 260, 2, 2], {"w": noise([3, 260, 2, 2])}, pads=[6] * 4, dilations=[12] * 2),
)
test_rewrite, test_trial = rewrite_and_trial(CASES, ("columns",))


@pytest.mark.parametrize(
    "model",
    [
        dilated([40, 19], [1, 2], [0, 18, 0, 18]),
        dilated([40, 6], [1, 2], [0, 31, 0, 31]),
        dilated([40, 6], [1, 2], [0, 15, 0, 15], dilation=30),
        dilated([6, 40], [3, 1], [36, 0, 36, 0]),
    ],
)
def test_a_tap_that_sees_one_column_suffices(model, tmp_path):
    assert not findings("RKM119", model, tmp_path)


@pytest.mark.parametrize(
    ("target", "channels", "dilation", "dies"),
    [
        ("rk3588", 256, 12, False),
        ("rk3588", 260, 12, True),
        ("rk3588", 96, 24, True),
        ("rk3588", 512, 28, False),
        ("rk3566", 320, 12, False),
        ("rk3566", 400, 12, True),
        ("rk3566", 48, 30, True),
        ("rk3562", 128, 12, False),
        ("rk3562", 144, 12, True),
        ("rk3562", 512, 24, False),
        ("rk3576", 320, 8, False),
        ("rk3576", 400, 8, True),
    ],
)
def test_windows_that_are_gathered(target, channels, dilation, dies):
    """As trials ended, those on either side of each limit."""
    proto = one(
        "Conv",
        [1, channels, 2, 2],
        {"w": noise([3, channels, 2, 2])},
        pads=[dilation // 2] * 4,
        dilations=[dilation] * 2,
    )
    assert (mended("RKM119", proto, load_target(target)) is not None) is dies


@pytest.mark.parametrize(
    ("size", "dies"), [([2, 40], True), ([5, 5], True), ([40, 2], False), ([20, 5], False)]
)
@pytest.mark.parametrize("target", ["rk3588", "rk3566", "rk3562", "rk3576"])
def test_only_rows_are_gathered_for_the_size_of_a_window(target, size, dies):
    """As trials ended."""
    weights = {"w": noise([3, 416, 2, 2])}
    proto = one("Conv", [1, 416, *size], weights, pads=[9] * 4, dilations=[18] * 2)
    assert (mended("RKM119", proto, load_target(target)) is not None) is dies


@pytest.mark.parametrize(
    ("target", "channels", "kernel", "dilation", "dies"),
    [
        ("rk3588", 1152, 2, 18, False),
        ("rk3588", 1153, 2, 18, True),
        ("rk3562", 704, 2, 18, False),
        ("rk3562", 705, 2, 18, True),
        ("rk3562", 350, 3, 12, False),
        ("rk3576", 1089, 2, 12, True),
        ("rk3566", 736, 3, 12, False),
        ("rk3566", 737, 3, 12, True),
    ],
)
def test_columns_that_are_gathered_behind_the_rows(target, channels, kernel, dilation, dies):
    """As trials ended, those on either side of each limit."""
    weights = {"w": noise([3, channels, kernel, kernel])}
    pads = [dilation // 2] * 4 if kernel == 2 else [6, 6, 6, 19]
    proto = one("Conv", [1, channels, 60, 1], weights, pads=pads, dilations=[dilation] * 2)
    assert (mended("RKM119", proto, load_target(target)) is not None) is dies
