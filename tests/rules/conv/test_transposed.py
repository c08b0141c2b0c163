"""ConvTranspose: padding that is not given, and kernels that reach too far."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, noise, one, whole
from rkmend.checking import check
from rkmend.rules.base import Level
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial

MAP = [1, 4, 10, 10]
PADDING = {
    "shape": one("ConvTranspose", MAP, {"w": noise([4, 4, 3, 3])}, strides=[2, 2], output_shape=[20, 20]),
    "upper": one("ConvTranspose", MAP, {"w": noise([4, 4, 3, 3])}, strides=[2, 2], auto_pad="SAME_UPPER"),
    "lower": one("ConvTranspose", [1, 4, 9], {"w": noise([4, 4, 3])}, strides=[2], auto_pad="SAME_LOWER"),
}
FAR = {
    "plain": one("ConvTranspose", MAP, {"w": noise([4, 4, 31, 31]), "b": noise([4])}),
    "stride": one("ConvTranspose", MAP, {"w": noise([4, 2, 20, 18])}, strides=[2, 4], group=2),
    "dilated": one("ConvTranspose", MAP, {"w": noise([4, 4, 17, 17])}, dilations=[3, 3]),
}
CASES = {name: ("RKM103", proto) for name, proto in PADDING.items()}
CASES |= {name: ("RKM106", proto) for name, proto in FAR.items()}
CASES["cut"] = "RKM114", one("ConvTranspose", [1, 1, 12, 12], {"w": noise([1, 4, 3, 3])}, pads=[3, 3, 0, 4])
CASES["strides"] = (
    "RKM115",
    one("ConvTranspose", MAP, {"w": noise([4, 2, 3, 3])}, dilations=[2, 2], strides=[9, 9]),
)
CASES["dilations"] = "RKM115", one("ConvTranspose", MAP, {"w": noise([4, 2, 2, 1])}, dilations=[33, 1])

FULL = {
    "depthwise": one("ConvTranspose", [1, 512, 2, 12], {"w": noise([512, 1, 14, 14])}, group=512),
    "dense": one("ConvTranspose", [1, 64, 3, 13], {"w": noise([64, 17, 13, 13])}),
}

RIGHT = one("ConvTranspose", [1, 16, 3, 3], {"w": noise([16, 8, 3, 3])}, pads=[3, 0, 0, 3])

test_rewrite, test_trial = rewrite_and_trial(CASES)
test_rewrite_of_right, test_trial_of_right = rewrite_and_trial({"right": ("RKM114", RIGHT)}, hangs=True)
test_rewrite_of_full, test_trial_of_full = rewrite_and_trial(
    {name: ("RKM122", proto) for name, proto in FULL.items()}, hangs=True
)


@pytest.mark.parametrize(
    ("shape", "weight", "group", "target", "fails"),
    [
        ([1, 512, 2, 11], [512, 1, 14, 14], 512, "rk3588", False),
        ([1, 512, 2, 99], [512, 1, 13, 13], 512, "rk3588", False),
        ([1, 512, 2, 40], [512, 1, 10, 10], 512, "rk3566", False),
        ([1, 512, 2, 40], [512, 1, 12, 12], 512, "rk3566", True),
        ([1, 905, 2, 9], [905, 1, 16, 16], 905, "rk3576", False),
        ([1, 905, 2, 9], [905, 1, 17, 17], 905, "rk3576", True),
        ([1, 64, 3, 12], [64, 17, 13, 13], 1, "rk3588", False),
        ([1, 64, 3, 99], [64, 16, 13, 13], 1, "rk3588", False),
        ([1, 448, 3, 16], [448, 24, 7, 7], 1, "rk3588", True),
        ([1, 256, 3, 16], [256, 24, 7, 7], 1, "rk3588", False),
        ([1, 64, 3, 99], [64, 24, 15, 15], 1, "rk3588", False),
        ([1, 128, 3, 16], [128, 24, 15, 15], 1, "rk3588", True),
        ([1, 192, 14, 40], [192, 32, 4, 14], 1, "rk3588", False),
        ([1, 240, 14, 40], [240, 32, 3, 15], 1, "rk3588", True),
        ([1, 352, 14, 40], [352, 32, 4, 8], 1, "rk3588", False),
    ],
)
def test_where_the_window_fits_beside_the_weights(shape, weight, group, target, fails):
    """As trials ended, those on either side of each limit."""
    proto = one("ConvTranspose", shape, {"w": np.zeros(weight, np.float32)}, group=group)
    assert (mended("RKM122", proto, load_target(target)) is not None) is fails


@pytest.mark.parametrize(
    "proto",
    [
        one("ConvTranspose", MAP, {"w": noise([4, 4, 4, 4])}, strides=[2, 2], output_shape=[20, 20]),
        one("ConvTranspose", MAP, {"w": noise([4, 4, 3, 3])}, strides=[2, 2], output_shape=[22, 22]),
        one("ConvTranspose", MAP, {"w": noise([4, 4, 31, 31])}, pads=[15] * 4),
    ],
)
def test_what_converts_is_left_alone(proto):
    assert mended("RKM103", proto) is None
    assert mended("RKM106", proto) is None


@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(*[st.integers(1, 5)] * 2, st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=2
    ),
    st.sampled_from(["SAME_UPPER", "SAME_LOWER", "NOTSET"]),
    st.data(),
)
@settings(max_examples=25, deadline=None)
def test_padding_is_written_out_as_it_is_computed(channels, axes, auto_pad, data):
    sizes, kernel, strides, dilations = zip(*axes, strict=True)
    attributes = {"strides": strides, "dilations": dilations, "auto_pad": auto_pad}
    if auto_pad == "NOTSET":
        whole_size = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in axes]
        attributes["output_shape"] = [data.draw(st.integers(max(1, n - 3), n)) for n in whole_size]
    proto = one("ConvTranspose", [1, channels, *sizes], {"w": whole([channels, 2, *kernel], 1)}, **attributes)
    assume(check_same("RKM103", proto))


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(17, 21), st.sampled_from([1, 2, 4, 8]), st.integers(1, 3)),
        min_size=1,
        max_size=2,
    ),
    st.data(),
)
@settings(max_examples=20, deadline=None)
def test_phases_keep_the_numbers(axes, data):
    sizes, kernel, strides, dilations = zip(*axes, strict=True)
    rank = len(axes)
    pads = data.draw(st.lists(st.integers(0, 12), min_size=2 * rank, max_size=2 * rank))
    extra = [data.draw(st.integers(0, stride - 1)) for stride in strides]
    group = data.draw(st.sampled_from([1, 2]))
    assume(
        all(
            (n - 1) * s + (k - 1) * d + 1 + e - pads[i] - pads[rank + i] > 0
            for i, ((n, k, s, d), e) in enumerate(zip(axes, extra, strict=True))
        )
    )
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "output_padding": extra}
    weights = {"w": whole([4, 3, *kernel], 1), "b": whole([3 * group], 2)}
    proto = one("ConvTranspose", [2, 4, *sizes], weights, group=group, **attributes)
    assume(check_same("RKM106", proto))


@given(
    st.sampled_from([1, 3, 4]),
    st.lists(
        st.tuples(st.integers(4, 9), st.integers(1, 4), st.sampled_from([1, 2, 4]), st.integers(1, 2)),
        min_size=1,
        max_size=2,
    ),
    st.data(),
)
@settings(max_examples=20, deadline=None)
def test_what_is_cut_off_afterwards_is_the_same(channels, axes, data):
    sizes, kernel, strides, dilations = zip(*axes, strict=True)
    pads = data.draw(st.lists(st.integers(0, 9), min_size=2 * len(axes), max_size=2 * len(axes)))
    assume(
        all(
            (n - 1) * s + (k - 1) * d + 1 - pads[i] - pads[len(axes) + i] > 0
            for i, (n, k, s, d) in enumerate(axes)
        )
    )
    weights = {"w": whole([channels, 3, *kernel], 1), "b": whole([3], 2)}
    attributes = {"strides": strides, "dilations": dilations, "pads": pads}
    assume(check_same("RKM114", one("ConvTranspose", [2, channels, *sizes], weights, **attributes)))


@pytest.mark.parametrize(
    ("kernel", "cut", "width", "more", "ends"),
    [
        (3, 3, 3, {}, False),
        (3, 3, 4, {}, True),
        (5, 7, 7, {}, False),
        (5, 7, 8, {}, True),
        (5, 7, 4, {"strides": [2, 2]}, False),
        (5, 5, 4, {"strides": [2, 2]}, True),
        (3, 4, 2, {"strides": [3, 3]}, True),
        (3, 7, 5, {"dilations": [2, 2]}, False),
        (3, 7, 6, {"dilations": [2, 2]}, True),
        (3, 6, 3, {"dilations": [2, 2]}, True),
    ],
)
def test_columns_that_are_all_cut_off(kernel, cut, width, more, ends):
    """As trials ended on rk3588, those on either side of each limit."""
    weights = {"w": noise([32, 32, kernel, kernel])}
    proto = one("ConvTranspose", [1, 32, 12, width], weights, pads=[0, 0, 0, cut], **more)
    assert (mended("RKM114", proto) is None) == ends


def test_other_channels_may_cut():
    """And so may strides that are not the NPU's own."""
    four = {"w": noise([5, 4, 3, 3])}
    assert mended("RKM114", one("ConvTranspose", [1, 5, 12, 12], four, pads=[3, 3, 0, 4])) is None
    one_channel = {"w": noise([1, 4, 3, 3])}
    proto = one("ConvTranspose", [1, 1, 12, 12], one_channel, pads=[3, 3, 0, 4], strides=[3, 3])
    assert mended("RKM114", proto) is None


LEFT = one(
    "ConvTranspose",
    [1, 8, 26, 26],
    {"w": noise([8, 16, 5, 2])},
    dilations=[30, 30],
    strides=[2, 2],
    pads=[60, 15, 60, 15],
)
test_rewrite_of_rk3576, test_trial_of_rk3576 = rewrite_and_trial(
    {"left": ("RKM114", LEFT)}, target=load_target("rk3576")
)


@pytest.mark.parametrize(
    ("shape", "kernel", "dilation", "stride", "pads", "converts"),
    [
        ([8, 26, 26], [5, 2], 30, 2, [60, 15, 60, 15], False),
        ([8, 26, 26], [5, 2], 30, 1, [60, 15, 60, 15], False),
        ([8, 26, 26], [5, 2], 30, 2, [30, 15, 30, 15], True),
        ([8, 26, 26], [5, 2], 30, 2, [60, 15, 0, 0], False),
        ([8, 26, 26], [5, 2], 30, 2, [0, 0, 60, 15], True),
        ([8, 26, 8], [5, 2], 30, 2, [60, 15, 60, 15], True),  # an entry a row
        ([8, 40, 40], [5, 2], 30, 2, [60, 15, 60, 15], True),
        ([2, 2, 8], [1, 1], 1, 7, [1, 0, 1, 1], False),  # nothing but padding
        ([2, 3, 8], [1, 1], 1, 7, [1, 0, 1, 1], True),
        ([2, 2, 8], [1, 1], 1, 7, [1, 0, 0, 0], True),
        ([36, 7, 7], [7, 7], 12, 1, [36, 36, 36, 36], True),  # no column is left either
        ([4, 25, 4], [5, 1], 16, 7, [70, 0, 70, 0], False),  # 66 rows are missing at the end
        ([4, 25, 4], [5, 1], 16, 7, [92, 0, 60, 0], True),
    ],
)
def test_cuts_of_rk3576(shape, kernel, dilation, stride, pads, converts):
    """As trials ended."""
    weights = {"w": noise([shape[0], 2, *kernel])}
    more = {"dilations": [dilation] * 2, "strides": [stride] * 2, "pads": pads}
    proto = one("ConvTranspose", [1, *shape], weights, **more)
    assert (mended("RKM114", proto, load_target("rk3576")) is None) is converts


def test_long_strides_of_other_targets():
    """Of rk3588 the toolkit takes care; for rk3576 and rk3562 it does not."""
    proto = one("ConvTranspose", [1, 4, 6, 6], {"w": whole([4, 2, 3, 3], 1)}, strides=[12, 2])
    assert mended("RKM115", proto) is None
    for target in ("rk3576", "rk3562"):
        assert check_same("RKM115", proto, target=load_target(target))


@pytest.mark.parametrize(("strides", "dies"), [([2, 1], True), ([3, 1], False), ([10, 1], False)])
def test_what_is_stuffed_on_the_cpu_is_cut_as_any_conv(strides, dies):
    """On rk3566 three random ones with strides of 3 and 10 converted that were cut like those that die."""
    proto = one(
        "ConvTranspose", [1, 41, 5, 6], {"w": noise([41, 2, 3, 3])}, strides=strides, pads=[2, 4, 2, 12]
    )
    assert (mended("RKM114", proto, load_target("rk3566")) is not None) is dies


@pytest.mark.parametrize(
    ("shape", "outputs", "kernel", "pads", "group", "level"),
    [
        ([80, 6, 477], 48, [3, 3], [2, 2, 2, 3], 1, Level.ERROR),
        ([80, 6, 738], 48, [3, 3], [2, 2, 2, 3], 1, Level.WARNING),
        ([80, 6, 739], 48, [3, 3], [2, 2, 2, 3], 1, Level.WARNING),
        ([256, 96, 9], 12, [7, 7], [4, 2, 5, 7], 1, Level.ERROR),
        ([256, 96, 24], 12, [7, 7], [4, 2, 5, 7], 1, Level.WARNING),
        ([118, 46, 73], 118, [13, 5], [0, 2, 1, 5], 118, Level.ERROR),
        ([118, 46, 128], 118, [13, 5], [0, 2, 1, 5], 118, Level.WARNING),
        ([1024, 28, 28], 73, [5, 5], [4, 7, 8, 5], 1, Level.ERROR),  # taken apart along its channels
    ],
)
def test_cuts_of_rk3566_whose_rows_are_cut_may_convert(shape, outputs, kernel, pads, group, level, tmp_path):
    """As trials ended: those that warn converted, but for the map of 739 columns."""
    weights = {"w": noise([shape[0], outputs // group, *kernel])}
    path = tmp_path / "cut.onnx"
    onnx.save(one("ConvTranspose", [1, *shape], weights, pads=pads, group=group), path)
    (found,) = [one for one in check(path, "rk3566").findings if one.code == "RKM114"]
    assert found.level is level


@pytest.mark.parametrize(
    ("channels", "kernel", "pads", "dtype", "fails"),
    [
        (390, [26, 3], [7, 2, 17, 3], "fp16", False),
        (128, [18, 18], [0, 0, 0, 0], "fp16", False),
        (128, [18, 18], [0, 0, 0, 0], "int8", False),
        (390, [28, 5], [0, 0, 0, 0], "int8", False),
        (296, [16, 16], [0, 0, 0, 0], "int8", False),
        (296, [17, 17], [8, 8, 8, 8], "int8", True),
        (296, [18, 18], [0, 0, 0, 0], "int8", True),
        (296, [18, 18], [0, 0, 0, 0], "fp16", True),
    ],
)
def test_rk3562_pads_far_if_weights_leave_room(channels, kernel, pads, dtype, fails):
    """As trials ended."""
    target = load_target("rk3562").computing_in(dtype)
    proto = one(
        "ConvTranspose",
        [1, channels, 16, 16],
        {"w": noise([channels, 1, *kernel])},
        pads=pads,
        group=channels,
    )
    assert mended("RKM106", proto, target) is None
    assert (mended("RKM122", proto, target) is not None) is fails
