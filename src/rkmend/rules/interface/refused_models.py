"""RKM083 to RKM085: models whose result no compiler could give, or nobody could check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.surgery import is_read
from rkmend.graph.values import static_shape
from rkmend.graph.walk import bodies_of
from rkmend.rules.base import Level
from rkmend.rules.interface.refusal import Refusal
from rkmend.rules.interface.values import constants_of
from rkmend.rules.model.constant_inputs import OPERANDS

if TYPE_CHECKING:
    import onnx_ir as ir

COUNTING = frozenset({"Compress", "NonMaxSuppression", "NonZero", "Unique"})
"""They are always so, whatever shape an exporter noted that had seen one input."""


class DataDependentShape(Refusal):
    """An operator whose output has a shape that depends on the numbers it gets.

    ## What happens

    `build` raises:

        ValueError: The input 0 of NonZero('NonZero_0') need to be constant! It will cause the graph to be a
        dynamic graph!

    ## Why

    The model is compiled before any data is seen; sizes of tensors are part of the program.

    ## Example

    `NonZero`, `Unique`, `Compress`, `NonMaxSuppression` of what the model computes.

    ## What rkmend does

    No rewrite gives such an operator a shape. Where it comes late, rkmend converts what is before it and hands the
    rest over as `<stem>.tail.onnx`, for the CPU (status `partial`).

    ## Exactness and its limits

    There is no mend. Detection heads are often exported with and without their NonMaxSuppression.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend tests of these operators; a detector with NonMaxSuppression.
    """

    code = "RKM083"
    name = "data-dependent-shape"
    level = Level.ERROR
    static_only = True
    why = "the shape depends on the data, and the toolkit compiles static shapes only."

    def blamed(self, model: ir.Model) -> list[str]:
        """The operators of the main graph whose inputs have static shapes, and some output has not."""
        constant = constants_of(model)
        dynamic = any(static_shape(value) is None for value in graph_inputs(model.graph))
        return [
            f"{node.op_type} '{node.name}'"
            for node in model.graph
            if (node.op_type in COUNTING and not constant.issuperset(node.outputs))
            or (not dynamic and _is_open(node))
        ]


def _is_open(node: ir.Node) -> bool:
    """Whether what a node makes has no static shape although what it gets has: then the numbers decide."""
    if all(static_shape(value) is not None or not is_read(value) for value in node.outputs):
        return False
    by_numbers = node.op_type in OPERANDS or any(bodies_of(node))
    return by_numbers and all(value is None or static_shape(value) is not None for value in node.inputs)


class NothingToCompute(Refusal):
    """A model whose outputs do not depend on any input.

    ## What happens

    `build` raises:

        ValueError: All outputs ['y'] of model are constants, The model is invalid!

    ## Why

    The toolkit folds constants, and then nothing is left.

    ## Example

    A positional encoding exported by itself; a window function of a constant size.

    ## What rkmend does

    Nothing where the model has no inputs; with an input see RKM052, which keeps constant outputs.

    ## Exactness and its limits

    There is no mend: run the model once with ONNX Runtime and keep what it gives.

    ## Evidence

    Toolkit 2.3.2, rk3588: all ONNX backend tests without inputs.
    """

    code = "RKM084"
    name = "nothing-to-compute"
    level = Level.ERROR
    why = "constants, and the model has no input that they could be computed from."

    def blamed(self, model: ir.Model) -> list[str]:
        """The outputs."""
        if graph_inputs(model.graph) or not constants_of(model).issuperset(model.graph.outputs):
            return []
        return [f"'{value.name}'" for value in model.graph.outputs]


class NoReference(Refusal):
    """A model that ONNX Runtime cannot run.

    ## What happens

    rkmend ends before it tries the toolkit:

        error: ONNX Runtime cannot run the model: NOT_IMPLEMENTED: Could not find an implementation for Max(13)

    ## Why

    rkmend calls a conversion right when the simulator computes what ONNX Runtime computes. Without that it could only
    say that a file was written.

    ## Example

    `Max` of int16; an operator of a domain that ONNX Runtime does not know; a model that is no valid ONNX.

    ## What rkmend does

    Nothing.

    ## Exactness and its limits

    There is no mend. The message says which operator it is.

    ## Evidence

    ONNX Runtime has no kernels for many operators on int8, int16 and unsigned integers (own trials).
    """

    code = "RKM085"
    name = "no-reference"
    level = Level.ERROR
    why = ""

    def blamed(self, model: ir.Model) -> list[str]:
        """Nothing: only the run tells."""
        return []
