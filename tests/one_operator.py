"""Models of one operator, and the question whether a rule's mend changes what they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as ir
from graphs import model, node, run, value

from rkmend.graph import infer
from rkmend.mend.apply import apply
from rkmend.rules import CannotApply, get_rule
from rkmend.targets import Target, load_target

RK3588 = load_target("rk3588")


def one(
    op_type: str,
    shape: Sequence[int],
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = 13,
    more: Mapping[str, Sequence[int]] | None = None,
    **attributes,
) -> onnx.ModelProto:
    """x, further inputs and weights, in the order given, go into the operator, y comes out."""
    inputs = {"x": shape, **(more or {})}
    names = " ".join([*inputs, *(weights or {})])
    return model(
        [node(op_type, names, "y", "node", **attributes)],
        [value(name, size) for name, size in inputs.items()],
        [value("y", None)],
        weights,
        opset=opset,
    )


def whole(shape: Sequence[int], seed: int = 0, limit: int = 4) -> np.ndarray:
    """Whole numbers, so small that sums of some thousand products are exact in float32."""
    return np.random.default_rng(seed).integers(-limit, limit, shape, endpoint=True).astype(np.float32)


def noise(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Weights of a layer whose output is about as large as its input."""
    scale = np.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 1.0
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def mended(
    code: str, proto: onnx.ModelProto, target: Target = RK3588, mend: str | None = None
) -> ir.Model | None:
    """The model without a finding of the rule; None where there is none to begin with, or the mend does not fit.

    The first mend, unless one is named.
    """
    ours = ir.from_proto(proto)
    infer(ours)
    found = list(get_rule(code).find(ours, target))
    if not found:
        return None
    try:
        mends = get_rule(code).mends(ours, target, found[0])
        ours = apply(ours, next(one for one in mends if mend in (None, one.name)))
    except CannotApply:
        return None
    assert not list(get_rule(code).find(ours, target)), "the rule still holds in what its mend made"
    return ours


def check_same(
    code: str,
    proto: onnx.ModelProto,
    tolerance: float = 0.0,
    target: Target = RK3588,
    mend: str | None = None,
) -> bool:
    """What a mend made gives the same numbers; False where the rule does not hold."""
    after = mended(code, proto, target, mend)
    if after is None:
        return False
    feeds = {
        one.name: whole([size.dim_value for size in one.type.tensor_type.shape.dim], seed)
        for seed, one in enumerate(proto.graph.input)
    }
    before = run(proto, feeds)["y"]
    np.testing.assert_allclose(run(ir.to_proto(after), feeds)["y"], before, rtol=0, atol=tolerance)
    return True
