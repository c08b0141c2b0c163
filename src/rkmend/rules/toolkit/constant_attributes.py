"""RKM501: constants that are written as plain attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import Level
from rkmend.rules.whole_model import WholeModelRule

if TYPE_CHECKING:
    import onnx_ir as ir

PLAIN = ("value_float", "value_floats", "value_int", "value_ints")
"""The attributes of Constant that hold numbers without a tensor round them."""


class ConstantAttributes(WholeModelRule):
    """A Constant that holds its number in a plain attribute instead of a tensor.

    ## What happens

    `load_onnx` raises:

        AttributeError: 'float' object has no attribute 'HasField'

    ## Why

    ONNX lets a Constant hold a number, or a list of them, without a tensor round it (`value_float`, `value_ints` ...).
    The toolkit converts the constants of a model to float32 and expects a tensor.

    ## Example

    `Constant(value_float=1.0)`, as the functions in ONNX's own operator definitions and models of onnxscript have it.

    ## What rkmend does

    * `tensor-constants`: writes the numbers of all such nodes as tensors.

    ## Exactness and its limits

    Exact. Constants of text are left alone.

    ## Evidence

    Toolkit 2.3.2, rk3588: `value_float`, `value_floats`, `value_int` and `value_ints` each fail, `value` converts. 27
    of the ONNX backend tests fail for this reason.
    """

    code = "RKM501"
    name = "constant-attributes"
    level = Level.ERROR
    operators = frozenset({"Constant"})
    mend = "tensor-constants"
    summary = "Writes the numbers of Constant nodes as tensors."

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Such Constant nodes."""
        return list(filter(_is_plain, model.graph.all_nodes()))

    def rewrite(self, model: ir.Model) -> None:
        """Writes each plain attribute as the tensor that it stands for."""
        import numpy as np
        import onnx_ir as ir

        for node in self.places(model):
            (attribute,) = node.attributes.values()
            dtype = np.float32 if attribute.name.startswith("value_float") else np.int64
            tensor = ir.tensor(np.array(attribute.value, dtype))
            del node.attributes[attribute.name]
            node.attributes["value"] = ir.AttrTensor("value", tensor)


def _is_plain(node: ir.Node) -> bool:
    return node.op_type == "Constant" and not node.domain and any(name in node.attributes for name in PLAIN)
