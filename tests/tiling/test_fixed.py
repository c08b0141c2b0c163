"""Bands of nothing but padding on RK3576, against what the toolkit did with such layers."""

from __future__ import annotations

import pytest

from one_operator import noise, one
from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.fixed import channel_shares, starves_between
from rule_bench import rewrite_and_trial

RK3576 = load_target("rk3576")
BANDED = one("Conv", [1, 1024, 14, 14], {"w": noise([16, 1024, 1, 1])}, strides=[5, 5], pads=[1, 0, 1, 0])
"""1024 channels of 14x14 are held 11 rows at a time: the last of four output rows is a band of its own, all padding."""
test_rewrite, test_trial = rewrite_and_trial({"banded": ("RKM101", BANDED)}, target=RK3576)

# shape, outputs, kernel, stride, pads at the top and the bottom, bytes of an element; whether it overflowed
TRIALS = [
    ((1024, 14, 14), 16, (1, 1), 5, (1, 1), 2, True),
    ((1024, 14, 14), 16, (1, 1), 5, (1, 0), 2, False),
    ((1024, 14, 14), 16, (1, 1), 5, (0, 1), 2, False),
    ((1024, 14, 14), 16, (1, 1), 7, (1, 1), 2, False),
    ((16, 14, 14), 16, (1, 1), 5, (1, 1), 2, False),
    ((1024, 10, 56), 16, (1, 1), 3, (4, 0), 2, True),
    ((512, 7, 300), 16, (2, 3), 5, (2, 2), 1, True),
    ((1024, 29, 28), 16, (3, 3), 6, (3, 6), 2, False),  # in three parts of 352 channels
    ((2048, 27, 14), 32, (2, 3), 7, (8, 2), 1, False),
    ((2048, 9, 112), 16, (3, 3), 5, (3, 8), 2, True),  # in parts as well
]


@pytest.mark.parametrize(("shape", "outputs", "kernel", "stride", "pads", "element", "overflows"), TRIALS)
def test_a_band_of_nothing_but_padding(shape, outputs, kernel, stride, pads, element, overflows):
    geometry = ConvGeometry(1, *shape, outputs, *kernel, stride_h=stride, pad_top=pads[0], pad_bottom=pads[1])
    assert starves_between(geometry, element, RK3576) is overflows


def test_channels_are_shared_out_where_their_weights_leave_too_little():
    """16 kernels 3x3 of 1024 channels take 4.5 banks, of which there are 3; each share leaves all but 2."""
    geometry = ConvGeometry(1, 1024, 29, 28, 16, 3, 3)
    assert [part.channels for part in channel_shares(geometry, 2, RK3576)] == [352, 352, 320]
    assert [part.channels for part in channel_shares(geometry, 1, RK3576)] == [352, 352, 320]
    few = ConvGeometry(1, 512, 29, 28, 16, 3, 3)
    assert list(channel_shares(few, 2, RK3576)) == [few]
