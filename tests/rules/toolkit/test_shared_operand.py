"""RKM504: one tensor on both sides of a matrix product."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings, loaded

CODE = "RKM504"


def gram(*shape: int, opset: int = 13) -> onnx.ModelProto:
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    nodes = [node("Transpose", "x", "t", "turn", perm=order), node("MatMul", "x t", "y", "product")]
    return model(nodes, [value("x", shape)], [value("y", [*shape[:-1], shape[-2]])], opset=opset)


def through(operator: str, *inputs: str, **weights: np.ndarray) -> onnx.ModelProto:
    """x times the Transpose of what an operator makes of x."""
    nodes = [
        node(operator, " ".join(("x", *inputs)), "k", "between"),
        node("Transpose", "k", "t", "turn", perm=[0, 2, 1]),
        node("MatMul", "x t", "y", "product"),
    ]
    return model(nodes, [value("x", [1, 8, 4])], [value("y", [1, 8, 8])], weights)


def memory(*, scaled: bool = True, own_query: bool = True) -> onnx.ModelProto:
    """Attention whose keys are its values, and its queries as well unless they are given."""
    shape = [1, 16, 8]
    query = "q" if own_query else "x"
    nodes = [
        node("Transpose", "x", "t", "turn", perm=[0, 2, 1]),
        node("MatMul", f"{query} t", "scores", "first"),
        node("Div", "scores root", "divided", "scale"),
        node("Softmax", "divided" if scaled else "scores", "p", "softmax", axis=-1),
        node("MatMul", "p x", "y", "second"),
    ]
    if not scaled:
        del nodes[2]
    inputs = [value("x", shape), *([value("q", shape)] if own_query else [])]
    weights = {"root": np.float32(2.8)} if scaled else {}
    return model(nodes, inputs, [value("y", shape)], weights)


def transposed_gemm() -> onnx.ModelProto:
    nodes = [node("Gemm", "x x", "y", "gemm", transA=1)]
    return model(nodes, [value("x", [16, 8])], [value("y", [8, 8])])


@pytest.mark.parametrize("opset", [9, 11, 17])
def test_the_second_use_is_kept_apart(opset, tmp_path):
    kinds = [one.op_type for one in check_rewrite(CODE, gram(2, 8, 4, opset=opset), tmp_path).graph]
    assert kinds == ["Transpose", "Clip", "MatMul"]


@pytest.mark.parametrize("own_query", [True, False])
def test_every_further_use_has_its_own(own_query, tmp_path):
    kinds = [one.op_type for one in check_rewrite(CODE, memory(own_query=own_query), tmp_path).graph]
    assert kinds.count("Clip") == (1 if own_query else 2)


@pytest.mark.parametrize(
    "proto",
    [
        through("Relu"),
        through("Mul", "row", row=np.ones((1, 4), np.float32)),
        model([node("MatMul", "x x", "y", "product")], [value("x", [4, 4])], [value("y", [4, 4])]),
        model(
            [node("Gemm", "x w", "y", "gemm")], [value("x", [4, 4]), value("w", [4, 4])], [value("y", [4, 4])]
        ),
    ],
    ids=["relu", "vector", "square", "two tensors"],
)
def test_other_products_are_no_finding(proto, tmp_path):
    assert not findings(CODE, proto, tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    "proto",
    [
        gram(16, 8),
        gram(2, 2, 16, 8),
        transposed_gemm(),
        memory(),
        memory(scaled=False, own_query=False),
        through("Div", "two", two=np.float32(2)),
    ],
    ids=["rank 2", "rank 4", "gemm", "memory", "self-attention", "scaled"],
)
def test_the_compiler_survives_apart(bench, proto, tmp_path):
    on_cpu = check_trial(bench, CODE, proto, tmp_path).cpu_ops
    assert not [name for name in on_cpu if name.startswith(("MatMul", "Clip"))], on_cpu


@pytest.mark.toolkit
def test_another_operator_between_converts_as_it_is(bench, tmp_path):
    assert bench.verdict(loaded(through("Relu"), tmp_path), through("Relu")).converted
