"""RKM507: a power spectrum by two matrix products."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM507"


def power(
    *, parts: tuple[str, ...] = ("cos", "sin"), shape: tuple[int, ...] = (1, 12, 16)
) -> onnx.ModelProto:
    """The squares of matrix products, added up."""
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((16, 8)).astype(np.float32) for name in parts}
    nodes = [node("MatMul", f"x {part}", f"{part}_part", part) for part in parts]
    nodes += [node("Mul", f"{part}_part {part}_part", f"{part}2", f"{part}_square") for part in parts]
    nodes.append(node("Sum", " ".join(f"{part}2" for part in parts), "y", "sum"))
    if len(parts) == 2:
        nodes[-1].op_type = "Add"
    return model(nodes, [value("x", shape)], [value("y", [*shape[:-1], 8])], weights)


@pytest.mark.parametrize("shape", [(12, 16), (1, 2, 12, 16)])
def test_rewrite(shape, tmp_path):
    check_rewrite(CODE, power(shape=shape), tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, power(), tmp_path)


def test_one_alone(tmp_path):
    assert not findings(CODE, power(parts=("cos",)), tmp_path)
