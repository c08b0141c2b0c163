"""Splits against published layer programs of four SoCs, and what holds for every split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rkmend.targets import load_target
from rkmend.tiling.bands import row_entries
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.split import DoesNotFit, Piece, Split, split
from rkmend.tiling.storage import as_computed, is_depthwise

# Layer programs of public example networks, int8. Layer: size, channels, kernel, stride, pad, output channels. For each
# SoC banks of features and weights, and the input rows of each band. RK3562 and RK3576 were published without the
# banks of weights (None): they get those that features do not.
PROGRAMS = {
    (96, 64, 3, 2, 0, 64): {
        "rk3588": (10, 2, [53, 44]),
        "rk3566": (7, 1, [37, 37, 24]),
        "rk3562": (6, None, [31, 31, 31, 6]),
        "rk3576": (5, None, [53, 44]),
    },
    (48, 64, 1, 1, 0, 32): {
        "rk3588": (5, 7, [48]),
        "rk3566": (5, 3, [48]),
        "rk3562": (7, None, [48]),
        "rk3576": (4, None, [48]),
    },
    (48, 32, 3, 1, 1, 32): {
        "rk3588": (3, 9, [48]),
        "rk3566": (3, 5, [48]),
        "rk3562": (7, None, [48]),
        "rk3576": (4, None, [48]),
    },
    (48, 128, 3, 1, 1, 16): {
        "rk3588": (9, 3, [48]),
        "rk3566": (7, 1, [37, 13]),
        "rk3562": (7, None, [37, 13]),
        "rk3576": (5, None, [48]),
    },
    (24, 32, 3, 1, 1, 32): {
        "rk3588": (1, 11, [24]),
        "rk3566": (1, 7, [24]),
        "rk3562": (7, None, [24]),
        "rk3576": (4, None, [24]),
    },
    (6, 128, 3, 1, 1, 128): {
        "rk3588": (1, 11, [6]),
        "rk3566": (1, 7, [6]),
        "rk3562": (3, None, [6]),
        "rk3576": (4, None, [6]),
    },
}
SOCS = ("rk3588", "rk3566", "rk3568", "rk3562", "rk3576")


def square(size: int, channels: int, kernel: int, stride: int, pad: int, outputs: int) -> ConvGeometry:
    return ConvGeometry(1, channels, size, size, outputs, kernel, kernel, stride, stride, pad, pad, pad, pad)


@pytest.mark.parametrize(
    ("layer", "soc"), [(layer, soc) for layer, found in PROGRAMS.items() for soc in found], ids=str
)
def test_published_layer_programs(layer, soc):
    features, weights, rows = PROGRAMS[layer][soc]
    found = split(square(*layer), 1, load_target(soc))
    assert found
    assert found.feature_banks == features
    assert weights is None or found.weight_banks == weights
    assert [band.inputs for band in found.bands] == rows
    assert len(found.tiles) == 1


def test_rk3568_is_split_as_rk3566():
    for layer in PROGRAMS:
        assert split(square(*layer), 1, load_target("rk3568")) == split(
            square(*layer), 1, load_target("rk3566")
        )


def test_three_quarters_of_an_entry_are_not_packed():
    assert row_entries(48, 240, 1, load_target("rk3588")) == 192  # not 180


def test_a_row_beyond_the_limit_is_tiled():
    found = split(ConvGeometry(1, 384, 126, 1198, 128, 1, 1), 2, load_target("rk3588"))
    assert found and found.row_entries <= 2048 < row_entries(1198, 384, 2, load_target("rk3588"))
    assert len(found.tiles) == 8 and {tile.outputs for tile in found.tiles} == {150, 148}


def test_a_depthwise_conv_is_split_along_its_channels_first():
    found = split(ConvGeometry(1, 256, 112, 112, 256, 3, 3, groups=256), 1, load_target("rk3588"))
    assert found and found.chunk == 32 and found.chunks == 8  # 64 channels would take 25 banks
    smaller = split(ConvGeometry(1, 256, 28, 28, 256, 3, 3, groups=256), 1, load_target("rk3588"))
    assert smaller and smaller.chunk == 256 and len(smaller.bands) == 1


def test_groups_of_whole_atoms_are_split_one_by_one():
    """As RKM101 found: 16 channels of fp16 are whole atoms of RK3588; 12 are not, and the groups one Conv."""
    alone = split(ConvGeometry(1, 64, 56, 56, 64, 3, 3, groups=4), 2, load_target("rk3588"))
    assert alone and alone == replace(
        split(ConvGeometry(1, 16, 56, 56, 16, 3, 3), 2, load_target("rk3588")), chunks=4
    )
    whole = ConvGeometry(1, 48, 56, 56, 48, 3, 3)
    assert split(replace(whole, groups=4), 2, load_target("rk3588")) == split(whole, 2, load_target("rk3588"))


def test_cores_share_channels_where_their_groups_can_be_dealt_out_and_rows_otherwise():
    target = load_target("rk3588")
    shared = {
        outputs: (found.cores, found.shared)
        for outputs in (96, 64)
        if (found := split(square(24, 32, 3, 1, 1, outputs), 1, target))
    }
    assert shared == {96: (3, "output channels"), 64: (3, "rows")}
    flat = split(ConvGeometry(1, 32, 1, 1, 64, 1, 1), 1, target)
    assert flat and (flat.cores, flat.shared) == (1, "nothing")


def test_how_some_targets_divide_their_buffer_is_not_known():
    assert split(square(6, 128, 3, 1, 1, 128), 1, load_target("rv1126b")) is None
    assert split(square(6, 128, 3, 1, 1, 128), 1, load_target("rv1106")) is None


def test_what_no_tile_is_narrow_enough_for():
    with pytest.raises(DoesNotFit, match="one output column sees 31 rows"):
        split(ConvGeometry(1, 4096, 64, 64, 16, 31, 31), 2, load_target("rk3588"))


@st.composite
def convs(draw: st.DrawFn) -> ConvGeometry:
    kernel, stride = st.integers(1, 7), st.integers(1, 4)
    high, wide = draw(kernel), draw(kernel)
    dilation = draw(st.integers(1, 3))
    pads = [draw(st.integers(0, 2 * dilation * size)) for size in (high, wide, high, wide)]
    depthwise = draw(st.booleans())
    groups = draw(st.integers(2, 600) if depthwise else st.sampled_from([1, 1, 2, 5]))
    channels, outputs = (groups * (1 if depthwise else draw(st.integers(1, 600 // groups))) for _ in range(2))
    shape = ConvGeometry(
        1, channels, draw(st.integers(1, 300)), draw(st.integers(1, 2500)), outputs,
        high, wide, draw(stride), draw(stride), *pads, dilation, dilation, groups,
    )  # fmt: skip
    assume(shape.rows.outputs >= 1 and shape.cols.outputs >= 1)
    return shape


def splits(shape: ConvGeometry, size: int, soc: str) -> Split:
    try:
        found = split(shape, size, load_target(soc))
    except DoesNotFit:
        assume(False)
    assert found
    return found


def holds(axis: Axis, pieces: tuple[Piece, ...]) -> None:
    """Every output once, in order; each window, as far as it lies on the map, within what its piece loads."""
    assert [piece.output for piece in pieces] == [
        sum(piece.outputs for piece in pieces[:place]) for place in range(len(pieces))
    ]
    assert sum(piece.outputs for piece in pieces) == axis.outputs
    for piece in pieces:
        assert piece.outputs >= 1 and piece.inputs >= 0
        assert piece.input >= 0 and piece.input + piece.inputs <= axis.size
        for output in (piece.output, piece.output + piece.outputs - 1):
            begin = output * axis.stride - axis.pad_begin
            seen = range(max(0, begin), min(axis.size, begin + axis.extent))
            if seen:
                assert piece.input <= seen[0] and seen[-1] < piece.input + piece.inputs


CASES = given(convs(), st.sampled_from([1, 2]), st.sampled_from(SOCS))


@CASES
def test_tiles_cover_the_output_once_and_load_what_it_sees(shape, size, soc):
    found = splits(shape, size, soc)
    holds(shape.rows, found.bands)
    holds(shape.cols, found.tiles)
    outputs = as_computed(shape, size, load_target(soc)).out_channels  # of a group that stands alone
    chunks, rest = divmod(found.chunks * outputs, shape.out_channels)
    assert rest == 0 and (chunks - 1) * found.chunk < outputs <= chunks * found.chunk


@CASES
def test_the_buffer_is_never_exceeded(shape, size, soc):
    found, target = splits(shape, size, soc), load_target(soc)
    cbuf = target.cbuf
    assert cbuf
    assert found.feature_banks >= 1 and found.weight_banks >= 1
    assert found.feature_banks + found.weight_banks <= cbuf.banks
    channels = found.chunk if is_depthwise(shape) else as_computed(shape, size, target).channels
    widest = max(tile.inputs for tile in found.tiles)
    assert found.row_entries == row_entries(widest, channels, size, target)
    assert cbuf.row_entries is None or found.row_entries <= cbuf.row_entries
    highest = max(band.inputs for band in found.bands)
    assert highest * found.row_entries <= found.feature_banks * cbuf.entries_per_bank
    if not is_depthwise(shape):
        group = target.mac["int8" if size == 1 else "fp16"].kernels
        kernel = (
            shape.kernel_h * shape.kernel_w * -(-channels * size // target.atom_bytes) * target.atom_bytes
        )
        # a kernel group is the least that is computed; where it is larger than its banks, it is streamed
        assert found.chunk <= group or found.chunk * kernel <= found.weight_banks * cbuf.bank_bytes


@given(convs(), st.sampled_from([1, 2]), st.sampled_from(SOCS))
def test_a_band_could_not_be_higher(shape, size, soc):
    """Every band but the last is full: one more output would not fit."""
    found, target = splits(shape, size, soc), load_target(soc)
    assert target.cbuf
    room = found.feature_banks * target.cbuf.entries_per_bank // max(1, found.row_entries)
    rows = shape.rows
    for band in found.bands[:-1]:
        end = (band.output + band.outputs) * rows.stride - rows.pad_begin + rows.extent
        assert min(rows.size, end) - band.input > room
