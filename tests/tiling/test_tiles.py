"""Parts of the channels, where the weights of a kernel group leave no room for features."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.tiles import channel_parts, channels_beside_features

RK3588 = load_target("rk3588")


def parts(channels: int, kernel_h: int, kernel_w: int, size: int = 2) -> list[int]:
    shape = ConvGeometry(1, channels, 12, 12, 16, kernel_h, kernel_w)
    return [part.channels for part in channel_parts(shape, size, RK3588)]


# By the layer tables of toolkit 2.3.2, rk3588; int8 as fp16.
@pytest.mark.parametrize(
    ("channels", "kernel", "found"),
    [
        (736, (3, 5), [736]),
        (744, (3, 5), [736, 8]),
        (768, (3, 5), [384, 384]),
        (784, (3, 5), [736, 48]),
        (1472, (3, 5), [736, 736]),
        (1488, (3, 5), [496, 496, 496]),
        (1504, (3, 5), [736, 736, 32]),
        (720, (5, 5), [448, 272]),
        (912, (5, 5), [304, 304, 304]),
    ],
)
def test_parts_that_were_measured(channels, kernel, found):
    assert parts(channels, *kernel) == found


def test_int8():
    assert parts(352, 7, 5, 1) == [176, 176] and parts(368, 7, 5, 1) == [320, 48]


@given(st.integers(1, 2000), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 2]))
def test_parts_make_up_all_channels_and_fit(channels, kernel_h, kernel_w, size):
    found = parts(channels, kernel_h, kernel_w, size)
    most = channels_beside_features(kernel_h * kernel_w, size, RK3588)
    assert sum(found) == channels
    assert max(found) <= most
