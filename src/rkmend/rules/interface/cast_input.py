"""RKM051: integer inputs that the model casts to a float before it does anything with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.rules.base import FAILED, Exactness, Finding, Level
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

REFUSED = frozenset({"INT8", "INT16", "UINT8", "UINT16", "UINT32", "UINT64"})


class CastInput(SingleMend):
    """An input of small or unsigned integers that is cast to a float.

    ## What happens

    Depending on the dtype:

        ValueError: Not support input data type 'int16'!
        E RKNN: Not Support Dtype: 2. please check precision!
        SIGSEGV in OpEmit

    ## Why

    The toolkit takes inputs of float16, float32, int32, int64 and bool.

    ## Example

    A camera image as a `uint8` input, `Cast` to float32, `Conv`.

    ## What rkmend does

    * `float-input`: the input becomes the float that it is cast to, and the Cast goes. The runtime on the board takes
      uint8 images for such an input and converts them itself (`rknn_inputs_set` with type UINT8).

    ## Exactness and its limits

    Exact. The interface changes: the same values are fed as floats. The NPU computes in fp16, where integers are
    exact up to 2048, with the Cast as without it.

    ## Evidence

    Toolkit 2.3.2, rk3588: inputs of these six dtypes failed before a Cast, and converted as float32.
    """

    code = "RKM051"
    name = "cast-input"
    level = Level.ERROR
    mend = "float-input"
    summary = "Takes {inputs} as the float that the model casts it to."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All such inputs together."""
        found = _found(model)
        if found:
            names = ", ".join(str(value.name) for value in found)
            kinds = ", ".join(
                sorted({value.dtype.numpy().name for value in found if value.dtype is not None})
            )
            message = (
                f"The toolkit takes no inputs of {kinds} ({names}); the model casts them to a float at once."
            )
            yield Finding(self.code, self.name, (), {"inputs": names, "dtypes": kinds}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure: the messages are as many as the dtypes."""
        return verdict.outcome in FAILED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Floats at once."""
        import onnx_ir as ir

        for value, kind in _found(model).items():
            value.type = ir.TensorType(kind)
            for use in list(value.uses()):
                result = use.node.outputs[0]
                if not result.is_graph_output():  # else the Cast stays, and does nothing
                    ir.convenience.replace_all_uses_with(result, value)
                    assert use.node.graph is not None
                    use.node.graph.remove(use.node, safe=True)


def _found(model: ir.Model) -> dict[ir.Value, ir.DataType]:
    """Input -> the float that it is cast to wherever it is read."""
    import onnx_ir as ir

    floats = {int(kind): kind for kind in (ir.DataType.FLOAT, ir.DataType.FLOAT16)}
    found = {}
    for value in graph_inputs(model.graph):
        casts = {_cast_to(use.node) for use in value.uses()}
        if value.dtype is not None and value.dtype.name in REFUSED and len(casts) == 1:
            kind = floats.get(casts.pop())
            if kind is not None and not value.is_graph_output():
                found[value] = kind
    return found


def _cast_to(node: ir.Node) -> int:
    return node.attributes.get_int("to", 0) if node.op_type == "Cast" and not node.domain else 0
