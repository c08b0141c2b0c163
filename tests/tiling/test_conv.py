from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conv_cases import Case, geometries, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rkmend.tiling.conv import Axis, ConvGeometry, resolve_auto_pad


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    axis = Axis(
        size=draw(st.integers(1, 8)),
        kernel=draw(st.integers(1, 4)),
        stride=draw(st.integers(1, 5)),
        dilation=draw(st.integers(1, 3)),
        pad_begin=draw(st.integers(0, 12)),
        pad_end=draw(st.integers(0, 12)),
    )
    assume(axis.pad_begin + axis.size + axis.pad_end >= axis.extent)
    return axis


def windows(axis: Axis) -> list[list[int]]:
    """The input positions of every output, found by sliding the window until it leaves the padded input."""
    found, start = [], -axis.pad_begin
    while start + (axis.kernel - 1) * axis.dilation < axis.size + axis.pad_end:
        found.append([start + j * axis.dilation for j in range(axis.kernel)])
        start += axis.stride
    return found


@given(axes())
def test_dead_outputs_are_those_whose_window_lies_in_the_padding(axis):
    spans = [(taps[0], taps[-1]) for taps in windows(axis)]
    assert axis.outputs == len(spans)
    assert axis.dead_begin == sum(last < 0 for _, last in spans)
    assert axis.dead_end == sum(first >= axis.size for first, _ in spans)
    assert axis.live == sum(first < axis.size and last >= 0 for first, last in spans)


@given(axes())
def test_padding_reaches_beyond_the_kernel_where_a_whole_window_fits_into_it(axis):
    padded = [False] * axis.pad_begin + [True] * axis.size + [False] * axis.pad_end
    fits = any(not any(padded[i : i + axis.extent]) for i in range(len(padded) - axis.extent + 1))
    assert axis.beyond == fits


@given(axes())
def test_trimmed_keeps_every_window(axis):
    trimmed = axis.trimmed()
    assert windows(trimmed) == windows(axis)
    assert trimmed.pad_end == 0 or len(windows(replace(trimmed, pad_end=trimmed.pad_end - 1))) < axis.outputs


@given(axes())
def test_stripped_computes_the_live_outputs_and_nothing_else(axis):
    assume(axis.live)
    skip, stripped = axis.stripped()
    live = windows(axis)[axis.dead_begin : axis.outputs - axis.dead_end]
    assert [[tap + skip for tap in taps] for taps in windows(stripped)] == live
    assert not stripped.beyond
    assert skip == 0 or axis.stride > axis.extent


def test_stripped_refuses_an_axis_that_sees_no_input():
    # Windows start at -5 and 2: the first lies before the single element, the second behind it.
    with pytest.raises(ValueError, match="no output sees the input"):
        Axis(size=1, kernel=1, stride=7, pad_begin=5, pad_end=5).stripped()


@given(axes())
def test_embedded_sees_the_same_taps_and_stays_within_its_kernel(axis):
    leading, embedded = axis.embedded()
    inner = [taps[leading : leading + axis.kernel] for taps in windows(embedded)]
    assert inner == windows(axis)
    assert not embedded.beyond


@given(axes())
def test_embedded_takes_the_smallest_kernel_that_will_do(axis):
    """The padding of a kernel round the old one follows from its taps; all smaller ones leave some beyond."""
    _, embedded = axis.embedded()
    needed = axis.trimmed()
    for kernel in range(axis.kernel, embedded.kernel):
        for leading in range(kernel - axis.kernel + 1):
            trailing = kernel - axis.kernel - leading
            begin = needed.pad_begin + leading * embedded.dilation
            end = needed.pad_end + trailing * embedded.dilation
            assert max(begin, end) > (kernel - 1) * embedded.dilation


def test_the_seed_case():
    seed = ConvGeometry(1, 384, 126, 1198, 128, 1, 1, pad_top=1, pad_left=1, pad_bottom=1, pad_right=1)
    assert seed.output_shape == (1, 128, 128, 1200)
    assert (seed.rows.dead_begin, seed.rows.dead_end) == (1, 1)
    assert seed.rows.embedded() == (1, Axis(126, kernel=3, pad_begin=2, pad_end=2))


@given(geometries())
@settings(max_examples=60, deadline=None)
def test_output_shape_is_that_of_onnx_and_of_onnx_runtime(geometry):
    case = Case(geometry)
    model = case.proto()
    inferred = tuple(dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim)
    assert geometry.output_shape == inferred
    (computed,) = run(model, case.feed())
    assert geometry.output_shape == computed.shape


@given(geometries(), st.sampled_from(["VALID", "SAME_UPPER", "SAME_LOWER"]))
@settings(max_examples=80, deadline=None)
def test_auto_pad_is_that_of_onnx_runtime(geometry, auto_pad):
    geometry = replace(geometry, dilation_h=1, dilation_w=1)  # ONNX Runtime refuses SAME with a dilation
    rows, cols = (resolve_auto_pad(auto_pad, axis) for axis in (geometry.rows, geometry.cols))
    assume(rows.outputs > 0 and cols.outputs > 0)
    # With a stride beyond the kernel ONNX Runtime 1.32 pads SAME_UPPER by a negative number, and so starts inside
    # the input; the reference evaluator of onnx does not, and neither do we.
    assume(all(axis.stride <= axis.extent for axis in (rows, cols)))
    case = Case(geometry)
    pads = [rows.pad_begin, cols.pad_begin, rows.pad_end, cols.pad_end]
    (ours,) = run(case.proto(pads=pads), case.feed())
    (theirs,) = run(case.proto(auto_pad=auto_pad), case.feed())
    np.testing.assert_array_equal(ours, theirs)


@given(axes(), st.sampled_from(["SAME_UPPER", "SAME_LOWER"]))
def test_same_gives_as_many_outputs_as_strides_begin_in_the_input(axis, auto_pad):
    same = resolve_auto_pad(auto_pad, axis)
    assert same.outputs == len(range(0, axis.size, axis.stride))
    odd = same.pad_end - same.pad_begin
    assert odd in ((0, 1) if auto_pad == "SAME_UPPER" else (-1, 0))


@given(axes(), st.sampled_from(["VALID", "SAME_UPPER", "SAME_LOWER"]))
def test_auto_pad_never_reaches_beyond_the_kernel(axis, auto_pad):
    assert not resolve_auto_pad(auto_pad, axis).beyond


@given(axes())
def test_notset_keeps_the_padding(axis):
    assert resolve_auto_pad("NOTSET", axis) == axis


def test_an_unknown_auto_pad_is_refused():
    with pytest.raises(ValueError, match="unknown auto_pad 'SAME'"):
        resolve_auto_pad("SAME", Axis(4, 3))
