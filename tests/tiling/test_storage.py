"""How grouped Convs are computed."""

from __future__ import annotations

import pytest

from rkmend.targets import load_target
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import as_computed

AXES = Axis(6, 3, pad_begin=1, pad_end=1), Axis(40, 3, pad_begin=1, pad_end=1)


# Convs that the layer table of 2.3.2 shows for rk3588.
@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "element", "computed"),
    [
        (40, 20, 5, 2, (8, 4, 1)),
        (1024, 1024, 128, 2, (8, 8, 1)),
        (48, 48, 2, 2, (24, 24, 1)),
        (24, 8, 2, 2, (24, 8, 1)),
        (60, 60, 10, 2, (60, 60, 1)),
        (33, 33, 11, 2, (33, 33, 1)),
        (48, 48, 2, 1, (48, 48, 1)),
        (16, 2, 2, 1, (16, 2, 1)),
        (96, 96, 6, 1, (16, 16, 1)),
        (64, 24, 2, 1, (32, 12, 1)),
        (24, 24, 24, 2, (24, 24, 24)),
    ],
)
def test_groups_of_whole_atoms_stand_alone(channels, outputs, groups, element, computed):
    given = ConvGeometry.along(*AXES, channels, outputs, groups)
    found = as_computed(given, element, load_target("rk3588"))
    assert (found.channels, found.out_channels, found.groups) == computed
    assert (found.rows, found.cols) == AXES
