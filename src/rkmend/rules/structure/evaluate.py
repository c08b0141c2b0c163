"""What a single operator computes on given tensors, by ONNX Runtime: the definition every mend is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


def computed(
    op_type: str, inputs: Sequence[Array | None], attributes: Mapping[str, ir.Attr], opset: int
) -> Array:
    """The first output of an operator of the default domain.

    Raises:
        CannotApply: ONNX Runtime cannot run it.
    """
    import onnx_ir as ir
    import onnxruntime as ort

    values = [
        None if array is None else ir.val(f"i{number}", const_value=ir.tensor(array, name=f"i{number}"))
        for number, array in enumerate(inputs)
    ]
    node = ir.Node("", op_type, values, list(attributes.values()))
    node.outputs[0].name = "y"
    given = [value for value in values if value is not None]
    graph = ir.Graph([], node.outputs, nodes=[node], initializers=given, opset_imports={"": opset})
    proto = ir.to_proto(ir.Model(graph, ir_version=8))
    del proto.graph.output[:]  # its dtype is not known yet; ONNX Runtime infers it
    proto.graph.output.add(name="y")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result: Array = session.run(None, {})[0]
    except Exception as error:  # ONNX Runtime has a class of its own for each status code
        raise CannotApply(f"ONNX Runtime does not run {op_type} on its own: {error}") from error
    return result
