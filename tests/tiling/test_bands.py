"""Row bands against published layer programs, and what holds for every layer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.targets import load_target
from rkmend.tiling.bands import held, row_entries, rows_per_band, weight_banks, width_tiles
from rkmend.tiling.conv import ConvGeometry

RK3588 = load_target("rk3588")
CBUF = RK3588.cbuf
assert CBUF
assert CBUF.row_entries
ROW = CBUF.row_entries
WIDTHS, CHANNELS, BYTES = st.integers(1, 4000), st.integers(1, 2048), st.sampled_from([1, 2])

# Layer programs of public example networks, int8, RK3588: input size, channels, kernel, stride, pad, output channels
# -> banks of the input when it is not cut, and the input rows of each band when it is.
PROGRAMS = [
    ((96, 64, 3, 2, 0, 64), 18, [53, 44]),
    ((48, 64, 1, 1, 0, 32), 5, [48]),
    ((48, 32, 3, 1, 1, 32), 3, [48]),
    ((48, 128, 3, 1, 1, 16), 9, [48]),
    ((24, 32, 3, 1, 1, 32), 1, [24]),
    ((6, 128, 3, 1, 1, 128), 1, [6]),
]


def square(size: int, channels: int, kernel: int, stride: int, pad: int, outputs: int) -> ConvGeometry:
    return ConvGeometry(1, channels, size, size, outputs, kernel, kernel, stride, stride, pad, pad, pad, pad)


@pytest.mark.parametrize(("layer", "banks", "bands"), PROGRAMS)
def test_published_layer_programs(layer, banks, bands):
    shape = square(*layer)
    entries = row_entries(shape.width, shape.channels, 1, RK3588)
    assert -(-entries * shape.height // CBUF.entries_per_bank) == banks
    outputs = rows_per_band(shape, 1, RK3588)
    if len(bands) == 1:
        assert outputs >= shape.rows.outputs
    else:
        first, second = bands
        assert (outputs - 1) * shape.stride_h + shape.rows.extent == first
        assert shape.height - outputs * shape.stride_h == second  # they overlap by extent - stride


def test_weights_keep_the_banks_they_need():
    assert weight_banks(square(96, 64, 3, 2, 0, 64), 1, RK3588) == 2
    assert weight_banks(square(8, 384, 1, 1, 0, 128), 2, RK3588) == 3
    assert weight_banks(square(8, 16, 1, 1, 0, 1), 2, RK3588) == 1  # a group of 16 kernels at least


def test_three_quarters_of_an_entry_are_not_packed():
    assert row_entries(48, 240, 1, RK3588) == 192
    assert row_entries(48, 224, 1, RK3588) == 168  # half of one is


@given(WIDTHS, CHANNELS, BYTES)
def test_a_row_takes_no_less_than_its_bytes_and_no_more_than_whole_entries(width, channels, size):
    entries = row_entries(width, channels, size, RK3588)
    assert width * channels * size <= entries * CBUF.entry_bytes
    assert entries <= width * -(-channels * size // CBUF.entry_bytes)


@given(WIDTHS, CHANNELS, BYTES)
def test_wider_and_deeper_rows_take_no_less(width, channels, size):
    entries = row_entries(width, channels, size, RK3588)
    assert row_entries(width + 1, channels, size, RK3588) >= entries
    assert row_entries(width, channels + 1, size, RK3588) >= entries


@given(WIDTHS, st.integers(1, 70000), BYTES)
def test_tiles_along_the_width_are_as_few_as_fit(width, channels, size):
    tiles = width_tiles(width, channels, size, RK3588)
    pixel = -(-channels * size // 16) * 16
    room = ROW * CBUF.entry_bytes

    def fits(number: int) -> bool:
        return -(-width // number) * pixel <= room

    assert fits(tiles) or tiles == width  # nothing is narrower than a column
    assert tiles == 1 or not fits(tiles - 1)


@given(
    st.integers(1, 64), st.integers(1, 512), st.integers(1, 512), st.integers(1, 2000), st.integers(1, 5),
    st.integers(1, 3),
)  # fmt: skip
def test_a_band_is_a_row_at_least_and_its_input_fits(height, channels, outputs, width, kernel, stride):
    pad = kernel // 2
    shape = ConvGeometry(
        1, channels, height, width, outputs, kernel, kernel, stride, stride, pad, pad, pad, pad
    )
    rows = rows_per_band(shape, 2, RK3588)
    tile = held(shape, 2, RK3588).width
    needed = min(height, (rows - 1) * stride + kernel) * row_entries(tile, channels, 2, RK3588)
    assert rows >= 1
    assert rows == 1 or needed <= CBUF.banks * CBUF.entries_per_bank
