"""Convs of which no tap sees the map."""

from __future__ import annotations

import pytest

from one_operator import noise, one
from rule_bench import findings, rewrite_and_trial


def dilated(size, taps, pads, dilation=36, kernels=32, **more):
    weights = {"w": noise([kernels, 16 // more.get("group", 1), *taps]), "b": noise([kernels])}
    return one("Conv", [1, 16, *size], weights, pads=pads, dilations=[dilation] * 2, **more)


CASES = {
    "columns": ("RKM119", dilated([40, 6], [1, 2], [0, 18, 0, 18])),
    "rows": ("RKM119", dilated([6, 40], [2, 1], [18, 0, 18, 0], kernels=16, group=16)),
}
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
