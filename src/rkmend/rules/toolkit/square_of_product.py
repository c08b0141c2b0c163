"""RKM507: squares of two matrix products of one tensor, added up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding
from rkmend.rules.nodes import nodes_of
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class SquareOfProduct(SingleMend):
    """The square of a matrix product, as a Mul of it with itself.

    ## What happens

    `build` raises a KeyError with the name of a tensor that is not in the model, out of the toolkit's `fold_constant`.

    ## Why

    The log shows its rule `fuse_exmatmul_mul` before: it takes a Mul behind a MatMul for a scaling by constants and
    moves it into the product, although both operands are the product itself. Alone such a Mul does no harm.

    ## Example

    A power spectrum: `MatMul(x, cos)` and `MatMul(x, sin)`, `Mul(a, a)`, `Mul(b, b)`, Add.

    ## What rkmend does

    * `as-power`: `Pow(a, 2)` for `Mul(a, a)`. It runs on the NPU as well.

    ## Exactness and its limits

    `rounding`: the same number, by another kernel.

    ## Evidence

    Toolkit 2.3.2, rk3588: ranks 2, 3 and 4, with and without an operator before the products. One product alone, or its
    Mul with its own Relu or Sigmoid, or of the two products with each other, converts.
    """

    code = "RKM507"
    name = "square-of-product"
    operators = frozenset({"Mul"})
    mend = "as-power"
    summary = "Squares by Pow."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All of them at once: it takes two to fail."""
        squares = tuple(str(node.name) for node in nodes_of(model, self.operators) if _is_square(node))
        if len(squares) > 1:
            message = f"{', '.join(squares)} multiply matrix products with themselves."
            yield Finding(self.code, self.name, squares, {"squares": len(squares)}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """The KeyError."""
        signature = verdict.signature
        return (
            verdict.outcome is Outcome.REJECTED
            and signature is not None
            and signature.kind == "KeyError"
            and "fold_constant" in signature.message
        )

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Pow in the place of each."""
        import numpy as np

        for number in range(len(finding.nodes)):
            node = finding.node_in(model, number)
            new = self.replacement(node)
            dtype = node.outputs[0].dtype
            two = new.constant("two", np.array(2, dtype.numpy() if dtype else np.float32))
            new.finish(new.node("power", "Pow", [node.inputs[0], two]))


def _is_square(node: ir.Node) -> bool:
    """Whether a Mul squares what a matrix product gives."""
    value = node.inputs[0]
    if node.domain or value is None or node.inputs[1] is not value:
        return False
    maker = value.producer()
    return maker is not None and maker.op_type in ("MatMul", "Gemm")
