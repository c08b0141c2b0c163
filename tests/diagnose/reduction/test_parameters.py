"""All simplifications of a model: valid or refused, each smaller by the stated measure, and down to the minimum."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from conv_cases import cases
from graphs import model, node, run, value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dags import dags
from rkmend.diagnose.reduction.attributes import USUAL
from rkmend.diagnose.reduction.change import CannotChange, Change, Scale
from rkmend.diagnose.reduction.parameters import parameters
from rkmend.diagnose.reduction.places import stored
from rkmend.diagnose.reduction.plain_names import plain_names
from rkmend.diagnose.reduction.weights import content_of_weights
from rkmend.graph import InvalidModel, infer, validated


def measure(made: ir.Model) -> tuple[float, ...]:
    """The measure that `parameters` states."""
    nodes = list(made.graph.all_nodes())
    values = list(stored(made))
    attributes = [attribute for one in nodes for attribute in one.attributes.values()]
    contents = content_of_weights(made)
    casts = [one.attributes.get_int("to", 0) for one in nodes]
    plain = ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE
    things = [made.graph, *values, *nodes, *(output for one in nodes for output in one.outputs)]
    return (
        len(nodes),
        len(made.graph.outputs)
        + sum(sum(item is not None for item in one.inputs) for one in nodes)
        + sum(bool(item.name) for one in nodes for item in one.outputs),
        sum(np.prod(one.shape.numpy(), dtype=int) for one in values),
        sum(
            int(np.abs(one.const_value.numpy()).sum())
            for one in values
            if one.const_value is not None and one.dtype.is_integer() and one.const_value.size <= 8
        ),
        sum(
            attribute.type in (ir.AttributeType.STRING, ir.AttributeType.STRINGS) for attribute in attributes
        ),
        sum(1 + distance(attribute) for attribute in attributes),
        sum(one.dtype in plain for one in values)
        + sum(kind in plain for kind in casts)
        + sum(one.dtype == ir.DataType.INT64 for one in made.graph.inputs),
        abs(made.opset_imports[""] - 12)
        + abs(made.ir_version - 8)
        + sum(one.is_initializer() for one in made.graph.inputs),
        sum(contents.values()),
        len(made.opset_imports)
        + sum(bool(thing.doc_string or thing.metadata_props) for thing in (made, *things))
        + bool(made.producer_name or made.producer_version or made.domain or made.model_version)
        + len(list(plain_names(made))),
    )


def distance(attribute: ir.Attr) -> float:
    """How far the numbers of an attribute are from their simplest."""
    if attribute.type == ir.AttributeType.INTS:
        return sum(abs(number - USUAL.get(attribute.name, 0)) for number in attribute.as_ints())
    if attribute.type == ir.AttributeType.INT:
        return abs(attribute.as_int())
    if attribute.type == ir.AttributeType.FLOAT:
        return {0.0: 0, 1.0: 1}.get(attribute.as_float(), 2)
    return 0


def small_steps(step: Change | Scale) -> list[Change]:
    if isinstance(step, Change):
        return [step]
    return [step.to(number) for number in sorted({step.smallest, step.current - 1})]


def feeds(made: onnx.ModelProto) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    stored_names = {tensor.name for tensor in made.graph.initializer}
    return {
        item.name: random.standard_normal(
            [size.dim_value for size in item.type.tensor_type.shape.dim]
        ).astype(onnx.helper.tensor_dtype_to_np_dtype(item.type.tensor_type.elem_type))
        for item in made.graph.input
        if item.name not in stored_names
    }


@st.composite
def layers(draw) -> onnx.ModelProto:
    """One ConvTranspose, Gemm, MatMul or pooling with something elementwise after it."""
    size = st.integers(1, 4)
    rng = np.random.default_rng(0)
    kind = draw(st.sampled_from(["ConvTranspose", "Gemm", "MatMul", "MaxPool"]))
    n, c, h, o, group = draw(size), draw(size), draw(st.integers(3, 6)), draw(size), draw(st.integers(1, 2))
    weights: dict[str, np.ndarray] = {}
    if kind == "ConvTranspose":
        shape, weights["w"] = [n, c * group, h, h], rng.standard_normal((c * group, o, 2, 3), np.float32)
        weights["b"] = rng.standard_normal(o * group, np.float32)
        pads, strides = draw(st.sampled_from([[0] * 4, [1, 0, 0, 1]])), [draw(size), 1]
        made = node(kind, "x w b", "a", "n0", strides=strides, pads=pads, group=group)
    elif kind == "Gemm":
        turned = draw(st.booleans())
        shape, weights["w"] = [n, c], rng.standard_normal((o, c) if turned else (c, o), np.float32)
        weights["b"] = rng.standard_normal(draw(st.sampled_from([(o,), (1, o), (n, 1)])), np.float32)
        made = node(kind, "x w b", "a", "n0", transB=int(turned), alpha=draw(st.sampled_from([1.0, 0.5])))
    elif kind == "MatMul":
        shape, weights["w"] = [n, h, c], rng.standard_normal((c, o), np.float32)
        made = node(kind, "x w", "a", "n0")
    else:
        shape = [n, c, h, h]
        made = node(kind, "x", "a i", "n0", kernel_shape=[2, 3], pads=[0, 1, 1, 1], strides=[draw(size), 2])
    after = draw(st.sampled_from(["Relu", "double", "flatten", "clip"]))
    nodes = [made]
    if after == "Relu":
        nodes.append(node("Relu", "a", "y", "n1"))
    elif after == "double":
        nodes += [
            node("Relu", "a", "r", "n1"),
            node("Concat", "a r", "k", "n2", axis=1),
            node("Neg", "k", "y", "n3"),
        ]
    elif after == "flatten":
        weights["shape"] = np.array([shape[0], -1])
        nodes.append(node("Reshape", "a shape", "y", "n1"))
    else:
        weights["low"], weights["high"] = np.float32(-0.5), np.float32(0.5)
        nodes.append(node("Clip", "a low high", "y", "n1"))
    opset = draw(st.sampled_from([11, 13, 17]))
    outputs = [value("y", None), *([value("a", None)] if draw(st.booleans()) else [])]
    return model(nodes, [value("x", shape)], outputs, weights, opset=opset)


any_model = st.one_of(cases().map(lambda case: case.proto()), layers(), dags())
SETTINGS = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@SETTINGS
@given(any_model)
def test_every_step_is_refused_or_gives_a_smaller_model_that_runs(proto):
    before = validated(ir.from_proto(proto))
    infer(before)  # onnx_ir names the tensors of Constant nodes when it reads them
    size, text = measure(before), ir.to_proto(before).SerializeToString()
    for step in parameters(before):
        for change in small_steps(step):
            try:
                after = validated(change.apply(before))
            except (CannotChange, InvalidModel) as error:
                assert error.message
                continue
            what = f"{change.element}: {change.what}"
            assert measure(after) < size, what
            made = ir.to_proto(after)
            try:
                run(made, feeds(made))
            except Exception as error:
                raise AssertionError(f"{what} does not run") from error
    assert ir.to_proto(before).SerializeToString() == text, "the model was changed"


@SETTINGS
@given(any_model, st.randoms(use_true_random=False))
def test_any_sequence_ends_with_a_model_of_which_nothing_is_left_to_simplify(proto, random):
    made = validated(ir.from_proto(proto))
    refused = set(random.sample(range(1_000), 300))
    for count in range(200):
        for number, step in enumerate(parameters(made)):
            if (number + count) in refused:
                continue
            try:
                made = validated(small_steps(step)[0].apply(made))
                break
            except (CannotChange, InvalidModel):
                continue
        else:
            return
    raise AssertionError("200 steps and no end")


@SETTINGS
@given(any_model)
def test_elements_are_named_once(proto):
    """A Scale is known by its element alone, a Change by what it does as well."""
    steps = list(parameters(validated(ir.from_proto(proto))))
    names = [(step.element, step.what if isinstance(step, Change) else "") for step in steps]
    assert len(set(names)) == len(names)


def reduced(made: ir.Model, fails) -> tuple[ir.Model, int]:
    """The reducer's loop in its simplest form; gives the model and how often `fails` was asked."""
    made, asked, going = validated(made), 0, True

    def holds(change: Change) -> bool:
        nonlocal made, asked
        try:
            candidate = validated(change.apply(made))
        except (CannotChange, InvalidModel):
            return False
        asked += 1
        if fails(candidate):
            made = candidate
            return True
        return False

    while going:
        going, done = False, set()
        while step := next(
            (s for s in parameters(made) if (s.element, getattr(s, "what", "")) not in done), None
        ):
            done.add((step.element, getattr(step, "what", "")))
            if isinstance(step, Change):
                going |= holds(step)
                continue
            low, high = step.smallest - 1, step.current
            while high - low > 1:
                number = step.smallest if low < step.smallest else (low + high) // 2
                now = next((s for s in parameters(made) if s.element == step.element), step)
                if holds(now.to(number)):
                    high, going = number, True
                else:
                    low = number
    return made, asked


def padded_conv(made: ir.Model) -> bool:
    """A failure like the seed's: padding beyond the kernel at the bottom of a layer that is large."""
    for one in made.graph:
        if one.op_type == "Conv":
            weight, data = one.inputs[1].shape.numpy(), one.inputs[0].shape.numpy()
            pads = one.attributes.get_ints("pads", [0] * 4)
            dilation = one.attributes.get_ints("dilations", [1, 1])[0]
            if pads[2] > dilation * (weight[2] - 1) and np.prod(data[1:]) > 5000:
                return True
    return False


@pytest.mark.parametrize("seed", range(3))
def test_a_big_conv_is_reduced_to_the_least_that_still_fails(seed):
    rng = np.random.default_rng(seed)
    kernel, group = int(rng.choice([1, 3, 5])), int(rng.choice([1, 4]))
    channels, height, width, out = 4 * int(rng.integers(8, 40)), *map(int, rng.integers(20, 90, 2)), 64
    weights = {
        "/w": rng.standard_normal((out, channels // group, kernel, kernel), np.float32),
        "/b": rng.standard_normal(out, np.float32),
        "/scale": np.full(out, 0.3, np.float32),
        "/var": np.full(out, 1.5, np.float32),
    }
    window = {"pads": [1, 2, 2 * kernel + 1, 3], "strides": [1, int(rng.integers(1, 3))], "dilations": [2, 1]}
    nodes = [
        node("Conv", "/in /w /b", "/c", "/Conv", **window, group=group, kernel_shape=[kernel] * 2),
        node("BatchNormalization", "/c /scale /b /b /var", "/n", "/Norm", epsilon=1e-3),
        node("Relu", "/n", "/out", "/Relu"),
    ]  # fmt: skip
    proto = model(
        nodes, [value("/in", [2, channels, height, width])], [value("/out", None)], weights, doc_string="?"
    )
    made, asked = reduced(ir.from_proto(proto), padded_conv)
    conv = made.graph[0]
    data, weight = conv.inputs[0].shape.numpy(), conv.inputs[1].shape.numpy()
    assert data[0] == 1 and weight == (1, data[1], 1, 1) and len(conv.inputs) == 2
    assert {name: list(item.value) for name, item in conv.attributes.items()} == {"pads": [0, 0, 1, 0]}
    # One less along any axis and the product is 5000 at most: no single size is left to shrink.
    assert all(np.prod(data) // size * (size - 1) <= 5000 for size in data)
    assert [value.name for value in made.graph.inputs] == ["x"] and conv.name == "conv"
    assert made.opset_imports == {"": 12} and not made.doc_string
    assert set(map(int, content_of_weights(made).values())) == {0}
    assert asked < 120  # about 25 elements, six halvings for the two sizes that matter, and the last round
