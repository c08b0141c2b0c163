"""RKM056: float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rkmend.graph.walk import every_graph
from rkmend.rules.base import FAILED, CannotApply, Exactness, Finding, Level
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

NAMING = ("to", "dtype", "output_datatype")
"""Attributes that hold a dtype."""


class Double(SingleMend):
    """Tensors of float64.

    ## What happens

    With an input of float64 the model converts, and the simulator takes no data:

        RuntimeError: the simulator returned nothing

    Inside of a model some operators convert, and others raise:

        [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Max(13) node

    ## Why

    The NPU computes in float16; the toolkit's inputs are float16 and float32.

    ## Example

    A scaler exported from scikit-learn: input of float64, `Sub`, `Div`.

    ## What rkmend does

    * `single-precision`: makes float32 of every float64 in the model: inputs, outputs, constants, the targets of Cast.

    ## Exactness and its limits

    `rounding`: each operation is rounded to 24 bits in the place of 53. Numbers beyond 3.4e38 overflow. The
    interface changes: the same values are fed as float32.

    ## Evidence

    Toolkit 2.3.2, rk3588: inputs of float64 failed before Cast, Add, Mul, Max and Min; all converted in float32.
    """

    code = "RKM056"
    name = "double"
    level = Level.ERROR
    mend = "single-precision"
    summary = "Computes in float32 what was float64, inputs and outputs included."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole."""
        values = _doubles(model)
        if values:
            message = f"The toolkit does not take float64 everywhere; {len(values)} tensors are of it."
            yield Finding(self.code, self.name, (), {"tensors": len(values)}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure: the messages are as many as the operators."""
        return verdict.outcome in FAILED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """All of it."""
        import onnx_ir as ir

        for value in _doubles(model):
            tensor = value.const_value
            if value.is_initializer() and tensor is not None:
                value.const_value = ir.tensor(_narrowed(tensor.numpy(), str(value.name)), name=value.name)
            else:
                value.const_value = None  # what inference computed
            value.type = ir.TensorType(ir.DataType.FLOAT)
        for node in model.graph.all_nodes():
            for name, attribute in list(node.attributes.items()):
                if name in NAMING and attribute.value == int(ir.DataType.DOUBLE):
                    node.attributes[name] = ir.AttrInt64(name, int(ir.DataType.FLOAT))
                elif attribute.type == ir.AttributeType.TENSOR:
                    held = attribute.as_tensor()
                    if held.dtype == ir.DataType.DOUBLE:
                        node.attributes[name] = ir.AttrTensor(
                            name, ir.tensor(_narrowed(held.numpy(), str(node.name)))
                        )


def _doubles(model: ir.Model) -> list[ir.Value]:
    import onnx_ir as ir

    return [
        value
        for graph in every_graph(model.graph)
        for value in (
            *graph.inputs,
            *graph.initializers.values(),
            *(output for node in graph for output in node.outputs),
        )
        if value.dtype == ir.DataType.DOUBLE
    ]


def _narrowed(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    import numpy as np

    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.array_equal(np.isfinite(array), np.isfinite(single)):
        raise CannotApply(f"'{name}' holds numbers beyond the range of float32")
    return single
