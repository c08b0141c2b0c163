"""Pieces for several cores: what holds for every cut, and the cuts on which the compiler dies."""

from __future__ import annotations

from dataclasses import replace

import onnx
import pytest
from conv_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from rkmend.targets import load_target
from rkmend.tiling.bands import kernel_group, rows_per_band
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.sharing import Sharing, counted, row_sharings, starves
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Trials

RK3588 = load_target("rk3588")
assert RK3588.cbuf
SEED = ConvGeometry(1, 384, 126, 1198, 128, 1, 1, pad_top=1, pad_left=1, pad_bottom=1, pad_right=1)
BOTTOM = replace(SEED, pad_top=0, pad_left=0, pad_right=0)


def cuts(shape: ConvGeometry) -> list[Sharing]:
    return list(row_sharings(shape, 2, RK3588))


def dies(shape: ConvGeometry) -> bool:
    """Whether a piece is left with nothing but padding."""
    return any(cut.live_rows(shape.rows) <= 0 for cut in cuts(shape))


@st.composite
def shapes(draw: st.DrawFn) -> ConvGeometry:
    kernel = draw(st.integers(1, 3))
    pad = st.integers(0, 4)
    return ConvGeometry(
        1, draw(st.integers(1, 512)), draw(st.integers(1, 200)), draw(st.integers(1, 2000)),
        draw(st.integers(1, 512)), kernel, kernel, draw(st.integers(1, 3)), 1, pad_top=draw(pad), pad_bottom=draw(pad),
    )  # fmt: skip


@given(shapes())
def test_pieces_cover_the_rows_and_fit_into_a_band(shape):
    outputs = shape.rows.outputs
    found = cuts(shape)
    assert len({cut.cores for cut in found}) == len(found)
    for cut in found:
        assert 2 <= cut.cores <= RK3588.cores and cut.pieces % cut.cores == 0
        assert cut.largest * cut.pieces >= outputs
        assert cut.largest <= rows_per_band(shape, 2, RK3588)
        assert 0 < cut.smallest * cut.pieces <= outputs and cut.largest - cut.smallest <= 1


@given(shapes())
def test_output_channels_are_shared_out_where_they_divide(shape):
    groups = -(-shape.out_channels // kernel_group(2, RK3588))
    for cut in cuts(shape):
        assert groups % cut.cores or shape.out_channels < kernel_group(2, RK3588) * cut.cores
        assert counted(shape.rows) >= cut.cores and shape.height >= shape.kernel_h


@given(shapes())
def test_without_padding_every_piece_sees_the_input(shape):
    bare = replace(shape, pad_top=0, pad_bottom=0)
    assert all(cut.live_rows(bare.rows) == min(cut.largest, cut.smallest) > 0 for cut in cuts(bare))


def test_no_rows_no_pieces():
    assert cuts(replace(BOTTOM, height=1, pad_bottom=0, kernel_h=3)) == []


def test_the_seed():
    (cut,) = cuts(SEED)  # its 8 groups of output channels are shared out between two cores
    assert cut == Sharing(cores=3, pieces=66, largest=2, smallest=1)
    assert cut.live_rows(SEED.rows) == 0


# The heights 1 ... at which 2.3.2 aborts (F) for rk3588 in fp16; one row of padding below a 1x1 kernel.
MEASURED = {(384, 128): "..FF.FFFFF.F", (64, 128): "..FF......", (128, 128): "..FF....FF"}


@pytest.mark.parametrize(("channels", "heights"), MEASURED.items())
def test_heights_that_were_measured(channels, heights):
    inputs, outputs = channels
    shape = replace(BOTTOM, channels=inputs, out_channels=outputs)
    said = "".join(".F"[dies(replace(shape, height=1 + row))] for row in range(len(heights)))
    assert said == heights


# Heights 12 ... of 384 channels, width 28, one group of 7x4 kernels (10.5 of 12 banks), by padding at top and bottom.
HEAVY = ConvGeometry(1, 384, 12, 28, 16, 7, 4, pad_left=4, pad_right=2)
NARROW = {
    (0, 7): ".AAA.A.AAA.A.AAA.A.AAA.A.AAA.",
    (0, 8): "A" * 29,
    (7, 0): ".AAA.A.AAA.A.AAA.A.AAA.A.AAA.",
    (8, 0): "AAA.A.AAA.A.AAA.A.AAA.A.AAA.A",
    (10, 0): "A" * 29,
}


@pytest.mark.parametrize(("pads", "heights"), NARROW.items())
def test_where_a_window_fits_beside_no_group_of_kernels(pads, heights):
    shapes = [
        replace(HEAVY, height=12 + row, pad_top=pads[0], pad_bottom=pads[1]) for row in range(len(heights))
    ]
    assert "".join(".A"[starves(shape, 2, RK3588)] for shape in shapes) == heights


# Heights from that on of 64 channels, one core holding `room` rows, by kernel height and padding at top and bottom.
BANDED = ConvGeometry(1, 64, 5, 704, 16, 1, 1)
HELD = {
    (4, 5, 1, 0, 1): "........",
    (4, 5, 1, 0, 2): "AAAAA.AA",
    (4, 5, 2, 0, 2): ".A..AA..",
    (4, 5, 2, 3, 0): "AA.AAA..",
    (4, 5, 3, 0, 3): "AAAAAA.A",
    (6, 7, 2, 0, 3): "..AA...A",
    (6, 7, 2, 4, 0): ".AA...AA",
    (6, 7, 3, 0, 4): "AAA.AAAA",
}


@pytest.mark.parametrize(("layer", "heights"), HELD.items())
def test_maps_that_one_core_does_not_hold(layer, heights):
    room, first, kernel, top, bottom = layer
    shape = replace(BANDED, width=2816 // room, kernel_h=kernel, pad_top=top, pad_bottom=bottom)
    said = (starves(replace(shape, height=first + row), 2, RK3588) for row in range(len(heights)))
    assert "".join(".A"[dies] for dies in said) == heights


def test_rows_that_a_stride_steps_over():
    # heights 3 ... of a 1x1 Conv with stride 3, padded so that a single output lies behind the input
    shapes = [ConvGeometry(1, 8, size, 16, 8, 1, 1, 3, 3, pad_bottom=-size % 3 + 1) for size in range(3, 13)]
    assert "".join(".A"[starves(shape, 2, RK3588)] for shape in shapes) == "...A..A.AA"


def test_depthwise_rows_are_shared_out_whatever_the_channels():
    shape = ConvGeometry(1, 192, 4, 16, 192, 1, 1, pad_bottom=1, groups=192)
    assert all(starves(replace(shape, channels=n, out_channels=n, groups=n), 2, RK3588) for n in (192, 282))


PARTIAL = ConvGeometry(1, 512, 32, 13, 40, 3, 7, pad_top=3, pad_left=4, pad_bottom=3, pad_right=2)
"""Two full groups of output channels and half of one, streamed."""
STRIDED = ConvGeometry(1, 16, 9, 20, 8, 1, 3, pad_left=1, pad_bottom=12, pad_right=1)


@pytest.mark.parametrize(
    ("shape", "dies"),
    [
        (PARTIAL, True),
        *(
            (replace(PARTIAL, out_channels=n), dies)
            for n, dies in ((32, True), (47, True), (48, False), (56, False))
        ),
        *((replace(PARTIAL, height=height), height == 29) for height in (28, 29, 30)),
        (STRIDED, True),
        (replace(STRIDED, stride_w=2), True),
        (replace(STRIDED, stride_h=2), False),
        (replace(STRIDED, kernel_h=3, pad_bottom=14, stride_h=3), True),
        (ConvGeometry(1, 32, 1, 8, 16, 2, 2, 2, 2, pad_top=2), True),  # all there is
        (ConvGeometry(1, 32, 1, 8, 16, 2, 2, 3, 3, pad_top=2), False),
        (ConvGeometry(1, 16, 15, 54, 8, 3, 3, pad_top=10, pad_left=1, pad_bottom=1, pad_right=1), True),
        (ConvGeometry(1, 16, 15, 54, 8, 7, 7, pad_top=14, pad_left=3, pad_bottom=3, pad_right=3), False),
        (ConvGeometry(1, 64, 9, 128, 64, 4, 2, 8, 8, pad_top=4, pad_bottom=3, groups=64), False),
        (ConvGeometry(1, 5, 3, 41, 4, 2, 2, 2, 2, 5, 1, 0, 1, 4, 4), False),
        (ConvGeometry(1, 9, 56, 1463, 96, 4, 4, 3, 3, 1, 1, 4, 1), False),
        (ConvGeometry(1, 256, 8, 320, 256, 4, 4, 1, 1, 2, 4, 4, 4, groups=256), False),
        (ConvGeometry(1, 1024, 7, 52, 1024, 3, 7, 2, 2, 1, 3, 3, 2, groups=1024), False),
        (ConvGeometry(1, 48, 1, 1, 48, 2, 2, 4, 4, 4, 4, 0, 4, 3, 3, groups=48), True),
        (
            ConvGeometry(1, 40, 96, 96, 478, 3, 3, 2, 2, pad_top=3, pad_left=3, pad_bottom=3, pad_right=2),
            False,
        ),
    ],
)
def test_layers_that_were_tried(shape, dies):
    assert starves(shape, 2, RK3588) == dies


# Convs of which a kernel group takes 7 to 11 of the 12 banks.
@pytest.mark.parametrize(
    ("shape", "dies"),
    [
        (
            ConvGeometry(1, 358, 7, 13, 40, 5, 5, pad_top=4, pad_left=4, pad_bottom=6),
            True,
        ),  # the next one is in
        (ConvGeometry(1, 475, 9, 7, 32, 3, 7, pad_top=3, pad_left=2, pad_bottom=3), True),
        (ConvGeometry(1, 588, 20, 10, 23, 3, 5, pad_top=5, pad_left=2), True),  # and half of one
        (ConvGeometry(1, 560, 20, 10, 48, 2, 7, pad_left=6, pad_bottom=3), False),
        (
            ConvGeometry(1, 528, 3, 10, 32, 3, 7, pad_top=1, pad_left=2, pad_bottom=3),
            True,
        ),  # groups are halved
        (ConvGeometry(1, 800, 7, 20, 48, 2, 7, pad_top=2, pad_left=1, pad_bottom=4), True),
        (ConvGeometry(1, 736, 20, 7, 32, 3, 5, pad_top=3, pad_left=4, pad_bottom=3), False),
        (ConvGeometry(1, 528, 9, 10, 40, 3, 7, pad_top=2, pad_left=6, pad_bottom=3), False),
        (ConvGeometry(1, 704, 20, 7, 32, 4, 4, pad_bottom=6), True),  # one fills 11 banks
        (ConvGeometry(1, 704, 5, 20, 23, 4, 4, pad_top=1, pad_left=1, pad_bottom=4), False),
    ],
)
def test_heavy_kernels_that_were_tried(shape, dies):
    assert starves(shape, 2, RK3588) == dies


# What is said to convert is taken from small layers: of 384 channels some heights abort in one run of five.
CHECKED = [
    *(replace(BOTTOM, height=height) for height in (4, 6, 12)),
    *(replace(BOTTOM, channels=64, height=height) for height in (2, 3, 4, 5)),
    *(replace(BOTTOM, channels=128, height=height) for height in (2, 8, 9, 10)),
    replace(BOTTOM, channels=128, height=9, pad_top=1, pad_bottom=0),
    *(
        replace(BOTTOM, channels=32, out_channels=80, height=7, kernel_h=3, kernel_w=3, pad_bottom=pad)
        for pad in (2, 4)
    ),
]


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    with Trials(tmp_path_factory.mktemp("trials"), parallel=1) as trials:
        yield trials


@pytest.mark.toolkit
@pytest.mark.parametrize("shape", CHECKED)
def test_the_compiler_dies_where_a_piece_is_nothing_but_padding(shape, trials, toolkit, tmp_path):
    path = tmp_path / "conv.onnx"
    onnx.save(Case(shape, bias=False).proto(), path)
    verdict = trials.run(Trial("conv", path, str(shape), RK3588, toolkit)).verdict
    assert verdict.outcome.value == ("aborted" if dies(shape) else "converted"), verdict.message
    if dies(shape):
        assert "Failed to config layer" in verdict.message
