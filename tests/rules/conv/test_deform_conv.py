"""DeformConv, with and without mask, bias and groups."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from one_operator import check_same, noise, one, whole
from rule_bench import rewrite_and_trial

CODE = "RKM110"


def deform(shape, kernel, output, *, groups=1, group=1, mask=False, make=noise, **attributes):
    """The inputs in the order of the operator: x, weight, offset, bias, mask."""
    taps = kernel[0] * kernel[1]
    proto = one(
        "DeformConv",
        shape,
        {"w": make([4, shape[1] // group, *kernel]), "b": make([4])},
        more={"o": [shape[0], groups * taps * 2, *output], "m": [shape[0], groups * taps, *output]},
        opset=19,
        offset_group=groups,
        group=group,
        **attributes,
    )
    proto.graph.node[0].input[:] = ["x", "w", "o", "b", *(["m"] if mask else [])]
    if not mask:
        del proto.graph.input[2]
    return proto


CASES = {
    "plain": deform([1, 4, 8, 8], [3, 3], [8, 8], pads=[1] * 4),
    "mask": deform([1, 4, 8, 8], [3, 3], [4, 4], pads=[1] * 4, strides=[2, 2], mask=True, groups=2),
}


test_rewrite, test_trial = rewrite_and_trial({name: (CODE, proto) for name, proto in CASES.items()})


@given(
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.tuples(*[st.integers(1, 3)] * 2),
    st.tuples(*[st.integers(1, 2)] * 2),
    st.tuples(*[st.integers(0, 2)] * 4),
)
@settings(max_examples=15, deadline=None)
def test_keeps_its_numbers(groups, group, mask, kernel, strides, pads):
    shape = [2, 4, 7, 6]
    output = [(shape[2 + i] + pads[i] + pads[2 + i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    proto = deform(shape, kernel, output, groups=groups, group=group, mask=mask, make=whole, **attributes)
    # Offsets are whole numbers, but places near a pixel are computed as fractions of the map: off by some 1e-6 of
    # a pixel, times sums of up to 36 products up to 4 x 4 x 4.
    assert check_same(CODE, proto, 36 * 64 * 1e-6)
