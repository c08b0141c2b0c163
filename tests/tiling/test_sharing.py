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
from rkmend.tiling.sharing import Sharing, row_sharings
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
        if outputs >= cut.pieces:
            assert cut.smallest * cut.pieces <= outputs and cut.largest - cut.smallest <= 1
        else:
            assert cut.smallest == cut.largest == 1  # some cores are idle


@given(shapes())
def test_output_channels_are_shared_out_where_they_divide(shape):
    groups = -(-shape.out_channels // kernel_group(2, RK3588))
    for cut in cuts(shape):
        assert groups % cut.cores or shape.out_channels < kernel_group(2, RK3588) * cut.cores
        assert shape.height >= cut.cores


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
