"""Weights: seeded numbers, then one number everywhere, in a strict order."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from graphs import model, node, value

from rkmend.diagnose.reduction.parameters import parameters
from rkmend.diagnose.reduction.sizes import sizes
from rkmend.diagnose.reduction.weights import (
    RANDOM_WEIGHTS,
    Content,
    constant_weights,
    content_of_weights,
    random_weights,
    seeded,
)
from rkmend.graph import validated


def layer(dtype=np.float32) -> ir.Model:
    rng = np.random.default_rng(7)
    weights = {
        "w": rng.standard_normal((4, 3, 1, 1)).astype(dtype),
        "b": rng.standard_normal(4).astype(dtype),
        "ones": np.ones(4, dtype),
        "var": rng.uniform(1, 2, 4).astype(dtype),
    }
    nodes = [node("Conv", "x w b", "c", "c"), node("BatchNormalization", "c ones b b var", "y", "n")]
    kind = ir.DataType.from_numpy(np.dtype(dtype)).value
    return validated(
        ir.from_proto(model(nodes, [value("x", [1, 3, 5, 5], kind)], [value("y", None, kind)], weights))
    )


def test_seeded_numbers_are_those_that_numpy_gives_in_order():
    (change,) = random_weights(layer(np.float16))
    after = change.apply(layer(np.float16))
    rng = np.random.default_rng(0)
    stored = {name: one.const_value.numpy() for name, one in after.graph.initializers.items()}
    np.testing.assert_array_equal(stored["w"], (rng.standard_normal((4, 3, 1, 1)) * 0.05).astype(np.float16))
    np.testing.assert_array_equal(stored["b"], rng.standard_normal(4).astype(np.float16))
    assert change.element == RANDOM_WEIGHTS and not list(random_weights(after))


def test_variances_and_constants_stay():
    before, after = layer(), seeded(layer())
    for name in ("ones", "var"):
        np.testing.assert_array_equal(
            after.graph.initializers[name].const_value.numpy(),
            before.graph.initializers[name].const_value.numpy(),
        )
    assert content_of_weights(after) == {
        "w": Content.SEEDED, "b": Content.SEEDED, "ones": Content.ONES, "var": Content.OTHER,
    }  # fmt: skip


def test_cut_weights_are_seeded_anew():
    made = validated(seeded(layer()))
    step = next(step for step in parameters(made) if step.element == "axis 0 of 'w'")
    assert not list(random_weights(validated(step.apply(made, 2))))
    bare = next(step for step in sizes(made) if step.element == "axis 0 of 'w'")
    assert list(random_weights(validated(bare.apply(made, 2)))), "else the test above would say nothing"


def test_ones_become_zeros_and_zeros_stay():
    wanted = {(step.element, step.what) for step in constant_weights(layer())}
    assert ("values of 'ones'", "all 0") in wanted and ("values of 'ones'", "all 1") not in wanted
    made = layer()
    while steps := list(constant_weights(made)):
        made = validated(steps[0].apply(made))
    assert set(content_of_weights(made).values()) == {Content.ZEROS}
