"""Attributes: towards what they are when they are left out."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from graphs import model, node, value

from rkmend.diagnose.reduction.attributes import attributes
from rkmend.diagnose.reduction.change import Change
from rkmend.graph import validated


def listed(kind: str, *, weighted: bool = True, domain: str = "", **given) -> tuple[ir.Model, set[str]]:
    """A model of one operator, and what its attributes can become."""
    weights = {"w": np.zeros((3, 2, 3, 3), np.float32)} if weighted else {}
    made = node(kind, " ".join(["x", *weights]), "y", "n", domain=domain, **given)
    outputs = [value("y", [1, 3, 4, 4] if domain else None)]
    opsets = [onnx.helper.make_opsetid(domain, 1)] if domain else []
    valid = validated(
        ir.from_proto(model([made], [value("x", [1, 2, 6, 6])], outputs, weights, opsets=opsets))
    )
    steps = attributes(valid)
    return valid, {
        f"{s.element}: {s.what if isinstance(s, Change) else (s.current, s.smallest)}" for s in steps
    }


def test_lists_go_element_by_element_and_defaults_go_at_once():
    _, steps = listed("Conv", pads=[0, 1, 2, 0], strides=[1, 1], dilations=[1, 2], group=1)
    assert steps == {
        "attributes of 'n': left out: group, strides, as they are by default",
        "pads of 'n': left out",
        "pads[1] of 'n': (1, 0)",
        "pads[2] of 'n': (2, 0)",
        "dilations[1] of 'n': (2, 1)",
    }


def test_the_kernel_of_a_conv_follows_from_its_weights_and_that_of_a_pooling_does_not():
    assert listed("Conv", kernel_shape=[3, 3])[1] == {"kernel_shape of 'n': left out"}
    assert listed("MaxPool", weighted=False, kernel_shape=[3, 1])[1] == {"kernel_shape[0] of 'n': (3, 1)"}


def test_automatic_padding_is_spelt_out_or_left_out():
    made, steps = listed("Conv", auto_pad="SAME_UPPER", strides=[1, 2])
    assert {"auto_pad of 'n': SAME_UPPER -> pads [1, 0, 1, 1]", "auto_pad of 'n': left out"} <= steps
    change = next(s for s in attributes(made) if isinstance(s, Change) and "pads" in s.what)
    after = validated(change.apply(made))
    assert (
        after.graph.outputs[0].shape == made.graph.outputs[0].shape
        and "auto_pad" not in after.graph[0].attributes
    )


def test_the_activation_of_a_fused_operator_is_left_out():
    _, steps = listed("FusedConv", domain="com.microsoft", activation="Relu")
    assert "activation of 'n': left out" in steps


def test_codes_of_dtypes_and_axes_are_no_sizes():
    assert listed("Cast", weighted=False, to=10)[1] == set()
    assert listed("Concat", weighted=False, axis=2)[1] == set()


def test_nothing_is_listed_when_nothing_is_left():
    assert listed("Conv")[1] == set()
