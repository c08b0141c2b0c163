"""RKM050: inputs without an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.values import static_shape
from rkmend.rules.base import FAILED, CannotApply, Exactness, Finding
from rkmend.rules.forms import reshaped
from rkmend.rules.replacement import Replacement
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

BROADCASTING = frozenset(
    {
        "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd",
        "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Cos", "Cosh", "Div", "Elu",
        "Equal", "Erf", "Exp", "Floor", "Gelu", "Gemm", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
        "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod",
        "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign",
        "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor",
    }
)  # fmt: skip
"""These take one element as they take a scalar (Gemm takes its third operand so)."""
RESHAPING = frozenset({"Expand", "Flatten", "Reshape", "Squeeze", "Tile", "Unsqueeze"})


class ScalarInput(SingleMend):
    """An input of rank 0.

    ## What happens

    `build` raises, or the simulator does:

        ValueError: TypeError: 'numpy.float32' object is not iterable
        RuntimeError: Unable to handle object of type <class 'numpy.float32'>
        IndexError: list index out of range (in get_input_img)

    ## Why

    The toolkit makes test data for every input, and numpy makes a number of it where there is no axis.

    ## Example

    A gain: input `k` of shape `[]`, `Mul` of an image by it.

    ## What rkmend does

    * `one-element-inputs`: gives these inputs the shape [1], and so to everything that is computed from them alone. An
      operator that distinguishes the two (Gather, Clip, Unsqueeze) is written in another form or gets a Reshape.

    ## Exactness and its limits

    Exact. The interface changes: one element is fed in the place of a number, which is the same memory.

    ## Evidence

    Toolkit 2.3.2, rk3588: all models with such inputs failed, as operands of Relu, Add, Mul, Clip, Gemm, Pow, Gather.
    """

    code = "RKM050"
    name = "scalar-input"
    mend = "one-element-inputs"
    summary = "Gives the inputs {inputs} the shape [1] instead of []."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All such inputs together."""
        names = ", ".join(str(value.name) for value in _scalars(model))
        if names:
            message = f"The toolkit takes no inputs of rank 0 ({names})."
            yield Finding(self.code, self.name, (), {"inputs": names}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure: what dies first need not be what looks at the input."""
        return verdict.outcome in FAILED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """One axis more."""
        import onnx_ir as ir

        lifted = set(_scalars(model))
        if any(value in lifted for node in model.graph for value in _captured(node)):
            raise CannotApply("a scalar input is read in the body of a Loop or an If")
        for value in lifted:
            value.shape = ir.Shape([1])
        for node in list(model.graph):
            if lifted.isdisjoint(node.inputs):
                continue
            result = node.outputs[0]
            shape = static_shape(result)
            if node.domain == "" and node.op_type in BROADCASTING:
                if shape == ():
                    lifted.add(result)
                    result.shape = ir.Shape([1])
                continue
            new = self.replacement(node)
            values = _written(node, new, shape, lifted)
            new.finish(*values)
            lifted.update(value for value in values if static_shape(value) == (1,) and shape == ())


def _scalars(model: ir.Model) -> list[ir.Value]:
    return [value for value in graph_inputs(model.graph) if static_shape(value) == ()]


def _written(
    node: ir.Node, new: Replacement, shape: tuple[int, ...] | None, lifted: set[ir.Value]
) -> Sequence[ir.Value]:
    """What takes the place of an operator that tells one element from a scalar."""
    import onnx_ir as ir

    kind, inputs = node.op_type, list(node.inputs)
    if kind in RESHAPING and inputs[0] in lifted and shape is not None:
        if kind in ("Expand", "Tile"):
            return [new.node("more", kind, inputs)]
        assert inputs[0] is not None
        value = reshaped(new, "reshaped", inputs[0], shape or (1,))
        value.shape = ir.Shape(shape or (1,))
        return [value]
    if kind == "Clip":
        clipped = inputs[0]
        for part, bound in zip(("Max", "Min"), inputs[1:], strict=False):
            clipped = clipped if bound is None else new.node(part.lower(), part, [clipped, bound])
        assert clipped is not None
        return [clipped]
    if kind == "Gather" and inputs[1] in lifted and shape is not None:
        gathered = new.node("gathered", "Gather", inputs, dict(node.attributes))
        return [reshaped(new, "reshaped", gathered, shape)]
    scalars = [reshaped(new, "scalar", value, ()) if value in lifted else value for value in inputs]
    return new.nodes("same", kind, scalars, dict(node.attributes), outputs=len(node.outputs))


def _captured(node: ir.Node) -> Iterator[ir.Value]:
    """The values of the main graph that the bodies of a node read."""
    from rkmend.graph.walk import inner_nodes

    for inner in inner_nodes(node):
        yield from (value for value in inner.inputs if value is not None)
