"""RKM506: Concat that begins with several constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Level
from rkmend.rules.operands import is_constant, numbers_of
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_ELEMENTS = 1 << 26
"""Larger constants are left as they are."""


class ConstantConcat(OperatorRule):
    """Two or more constants and then one tensor, joined.

    ## What happens

    `build` raises one of

        KeyError: '/model.1/Transpose_output_0'
        Fail: [ONNXRuntimeError] : 1 : FAIL : Op (Concat) [ShapeInferenceError] Can't merge shape info

    ## Why

    There is a Transpose before the tensor, and the toolkit moves it behind the Concat, where it has to transpose the
    constants the other way. With more than one it seems to take the tensor for one of them.

    ## Example

    `Concat(class_token, register_token, Transpose(x))`, as vision transformers join their tokens.

    ## What rkmend does

    * `join-constants`: joins the leading constants to one.

    ## Exactness and its limits

    Exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: with one leading constant, with constants behind the tensor or with two tensors the same
    Concat converts, and without a Transpose before it. Toolkit 2.5.0 converts it.
    """

    code = "RKM506"
    name = "constant-concat"
    level = Level.ERROR
    operators = frozenset({"Concat"})
    mend = "join-constants"
    summary = "Joins the constants that a Concat begins with to one."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The Concat, and what makes its tensor: the log names that."""
        nodes = {str(node.name): node for node in model.graph}
        for finding in super().find(model, target):
            (name,) = finding.nodes
            tensor = nodes[name].inputs[-1]
            maker = tensor.producer() if tensor is not None else None
            both = (name, str(maker.name)) if maker is not None else (name,)
            yield msgspec.structs.replace(finding, nodes=both)

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where two constants or more come first and one tensor that is none comes last."""
        leading = len(_leading(node))
        return {"constants": leading} if 2 <= leading == len(node.inputs) - 1 else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return (
            f"Concat '{node.name}' begins with {facts['constants']} constants and ends with one other tensor."
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """A Concat of one constant and the tensor."""
        import numpy as np

        constants = [numbers_of(value, "it is") for value in _leading(node)]
        if sum(array.size for array in constants) > MOST_ELEMENTS:
            raise CannotApply(f"the constants have more than {MOST_ELEMENTS} elements")
        axis = node.attributes.get_int("axis", 1)
        joined = np.concatenate(constants, axis)
        return [
            new.node("concat", "Concat", [new.constant("joined", joined), node.inputs[-1]], {"axis": axis})
        ]


def _leading(node: ir.Node) -> list[ir.Value | None]:
    return list(takewhile(is_constant, node.inputs))
