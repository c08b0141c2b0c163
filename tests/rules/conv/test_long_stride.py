"""Conv with strides that do not fit into their register."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, noise, one, whole
from rule_bench import rewrite_and_trial

CODE = "RKM105"
LONG = {
    "sound": one("Conv", [1, 1, 4000], {"w": noise([8, 1, 100]), "b": noise([8])}, strides=[50]),
    "dilated": one(
        "Conv", [1, 4, 7, 5], {"w": noise([8, 4, 5, 5])}, strides=[9] * 2, dilations=[25] * 2, pads=[50] * 4
    ),
    "image": one(
        "Conv", [1, 8, 48, 48], {"w": noise([8, 4, 9, 3])}, strides=[9, 1], group=2, pads=[2, 1] * 2
    ),
}


test_rewrite, test_trial = rewrite_and_trial({name: (CODE, proto) for name, proto in LONG.items()})


@pytest.mark.parametrize("stride", [7, 8, 12, 16, 20, 32])
def test_strides_that_convert_are_left_alone(stride):
    assert mended(CODE, one("Conv", [1, 4, 100], {"w": noise([8, 4, 9])}, strides=[stride])) is None


def test_a_window_that_sees_the_whole_map_has_no_stride():
    weights = {"w": noise([8, 4, 3, 3])}
    windows = {"strides": [9, 9], "pads": [1] * 4}
    assert mended(CODE, one("Conv", [1, 4, 2, 2], weights, **windows)) is None
    assert mended(CODE, one("Conv", [1, 4, 3, 3], weights, **windows)) is not None


@pytest.mark.parametrize(
    ("kernel", "dilations", "strides", "size", "overflows"),
    [
        (5, [2, 2], [9, 9], [3, 3], True),
        (5, [1, 2], [9, 1], [3, 9], False),
        (5, [2, 1], [9, 1], [3, 9], True),
        (1, [12, 12], [9, 9], [1, 1], False),
        (3, [32, 32], [9, 9], [3, 3], False),
    ],
)
def test_a_dilated_window_keeps_its_stride(kernel, dilations, strides, size, overflows):
    """As trials ended: taps have to stand side by side, or be put there, as those of dilations over 31 are."""
    pads = [(kernel - 1) * dilation // 2 for dilation in dilations] * 2
    more = {"strides": strides, "dilations": dilations, "pads": pads}
    proto = one("Conv", [1, 16, *size], {"w": noise([8, 16, kernel, kernel])}, **more)
    assert (mended(CODE, proto) is not None) == overflows


@given(
    st.lists(
        st.tuples(st.integers(9, 60), st.integers(1, 24), st.sampled_from([1, 9, 11, 13]), st.integers(1, 2)),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from([1, 2]),
    st.data(),
)
@settings(max_examples=25, deadline=None)
def test_space_to_depth_keeps_the_numbers(axes, group, data):
    sizes, kernel, strides, dilations = zip(*axes, strict=True)
    pads = data.draw(st.lists(st.integers(0, 20), min_size=2 * len(axes), max_size=2 * len(axes)))
    outer = [n + pads[i] + pads[len(axes) + i] - (k - 1) * d for i, (n, k, _, d) in enumerate(axes)]
    assume(min(outer) > 0 and max(strides) > 1)
    assume(all((k - 1) * d >= pads[i] for i, (_, k, _, d) in enumerate(axes)))  # each window sees some data
    assume(any(n + pads[i] > (k - 1) * d + 1 for i, (n, k, _, d) in enumerate(axes)))  # not all of it
    weights = {"w": whole([2, 4 // group, *kernel], 1), "b": whole([2], 2)}
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "group": group}
    assert check_same(CODE, one("Conv", [2, 4, *sizes], weights, **attributes))
