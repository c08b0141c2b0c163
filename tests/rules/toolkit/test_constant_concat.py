"""RKM506: Concat that begins with several constants."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings, loaded

CODE = "RKM506"


def tokens(order: str, *, rank: int = 3) -> onnx.ModelProto:
    """Constants a, b, c and the transposed input t, joined in some order along the axis that is the channels'."""
    random = np.random.default_rng(0)
    axis = 1 if rank == 3 else 3
    shape, turned, perm = (
        ([1, 8, 4], [1, 4, 8], [0, 2, 1]) if rank == 3 else ([1, 8, 4, 4], [1, 4, 4, 8], [0, 2, 3, 1])
    )
    row = [1 if at == axis else size for at, size in enumerate(turned)]
    names = order.split()
    weights = {name: random.standard_normal(row).astype(np.float32) for name in sorted(set(names) - {"t"})}
    nodes = [node("Transpose", "x", "t", "turn", perm=perm), node("Concat", order, "y", "join", axis=axis)]
    out = [size + (len(names) - 1) * (at == axis) for at, size in enumerate(turned)]
    return model(nodes, [value("x", shape)], [value("y", out)], weights)


@pytest.mark.parametrize("rank", [3, 4])
def test_the_constants_become_one(rank, tmp_path):
    after = check_rewrite(CODE, tokens("a b c t", rank=rank), tmp_path)
    assert len(after.graph[-1].inputs) == 2 and len(after.graph.initializers) == 1


@pytest.mark.parametrize("order", ["a t", "t a b", "a t b c"])
def test_other_orders_are_no_finding(order, tmp_path):
    assert not findings(CODE, tokens(order), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("rank", [3, 4])
def test_the_toolkit_takes_one_constant(bench, rank, tmp_path):
    check_trial(bench, CODE, tokens("a b t", rank=rank), tmp_path)


@pytest.mark.toolkit
def test_constants_behind_convert_as_they_are(bench, tmp_path):
    assert bench.verdict(loaded(tokens("t a b"), tmp_path), tokens("t a b")).converted
