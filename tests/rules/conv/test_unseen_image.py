"""Convs on images that lie beside all windows."""

from __future__ import annotations

import pytest

from one_operator import mended, noise, one
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial


def image(channels, rows, columns, pads, strides=2, kernel=4, group=1):
    weight = noise([9 if group == 1 else channels, channels // group, kernel, kernel])
    shape, more = [1, channels, rows, columns], {"strides": [strides] * 2, "group": group}
    return one("Conv", shape, {"w": weight}, pads=pads, **more)


CASES = {"columns": ("RKM127", image(3, 52, 1, [0, 4, 0, 0]))}
test_rewrite, test_trial = rewrite_and_trial(CASES)


# What 2.3.2 does on rk3588, rk3562 and rk3566: D dies, . converts.
@pytest.mark.parametrize(
    ("proto", "outcomes"),
    [
        (image(1, 52, 1, [0, 4, 0, 0]), "D.."),
        (image(4, 52, 2, [0, 4, 0, 2], 7), "D.."),
        (image(3, 20, 1, [0, 1, 0, 0], 3, 1), "D.."),
        (image(3, 2, 52, [4, 0, 0, 0], 7), ".D."),
        (image(3, 2, 2, [4, 4, 0, 0], 7), "DD."),
        (image(3, 52, 1, [0, 3, 0, 0]), "..."),
        (image(3, 52, 2, [0, 4, 0, 0]), "..."),
        (image(8, 52, 2, [0, 4, 0, 0], 7), "..."),
        (image(3, 52, 1, [0, 4, 0, 0], group=3), "..."),
    ],
)
def test_where_it_dies(proto, outcomes):
    targets = map(load_target, ("rk3588", "rk3562", "rk3566"))
    assert "".join(".D"[mended("RKM127", proto, target) is not None] for target in targets) == outcomes
