"""Cutting a part out of a model, as a model of its own that runs and converts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.model import shape_of
from rkmend.graph.surgery import CannotExtract, demand_static, describe_shape, reads_of

if TYPE_CHECKING:
    import onnx_ir as ir


def extract(model: ir.Model, nodes: Sequence[str], keep_outputs: Collection[str] = ()) -> ir.Model:
    """Cuts out the named nodes.

    Values that come from elsewhere become inputs, graph inputs first and then in order of use; values that
    are used elsewhere, or are graph outputs, become outputs. Initializers, constants and values of known
    content (see `infer`) travel along. Names stay.

    Args:
        model: With inferred shapes. Weights are shared with the result, not copied.
        nodes: Names of nodes of the main graph, in any order.
        keep_outputs: Values to have as outputs although nothing else uses them.

    Raises:
        CannotExtract: No such nodes, an input without a static shape, an output of unknown rank, no output.
    """
    import onnx_ir as ir

    graph = model.graph
    reads = {node: reads_of(node) for node in graph}
    unknown = set(nodes) - {node.name for node in reads}
    if unknown:
        raise CannotExtract(f"the model has no nodes {', '.join(sorted(unknown))}")
    chosen = _with_constants({node for node in reads if node.name in set(nodes)}, reads)
    made = dict.fromkeys(value for node in chosen for value in node.outputs)
    needed = dict.fromkeys(value for node in chosen for value in reads[node] if value not in made)
    stored = [value for value in needed if value.const_value is not None]
    inputs = _ordered(graph.inputs, [value for value in needed if value.const_value is None])
    used_outside = {value for node in reads.keys() - set(chosen) for value in reads[node]}
    wanted = used_outside | set(graph.outputs) | {value for value in made if value.name in keep_outputs}
    outputs = _ordered(graph.outputs, [value for value in made if value in wanted])
    _check(inputs, outputs)
    view = ir.GraphView(
        inputs, outputs, nodes=chosen, initializers=stored, opset_imports=graph.opset_imports, name=graph.name
    )
    functions = [function.clone() for function in model.functions.values()]
    return ir.Model(view.clone(), ir_version=model.ir_version, functions=functions)


def shapes_of(model: ir.Model) -> dict[str, tuple[str, tuple[int | str | None, ...]]]:
    """Dtype and shape of every value of the main graph whose dtype is known, by name; see `TensorSpec`."""
    import onnx_ir as ir

    values = ir.convenience.create_value_mapping(model.graph, include_subgraphs=False)
    return {
        name: (value.dtype.numpy().name, shape_of(value)) for name, value in values.items() if value.dtype
    }


def _with_constants(chosen: set[ir.Node], reads: Mapping[ir.Node, Sequence[ir.Value]]) -> list[ir.Node]:
    """The chosen nodes and the Constant nodes that they read, in graph order."""
    makers = {value.producer() for node in chosen for value in reads[node]}
    return [node for node in reads if node in chosen or (node.op_type == "Constant" and node in makers)]


def _ordered(first: Sequence[ir.Value], values: Sequence[ir.Value]) -> list[ir.Value]:
    """The values that are in `first`, in its order, then the others."""
    return [value for value in first if value in values] + [value for value in values if value not in first]


def _check(inputs: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> None:
    if not outputs:
        raise CannotExtract("nothing outside uses what these nodes compute")
    for value in inputs:
        demand_static(value)
    for value in outputs:
        if value.dtype is None or value.shape is None:
            raise CannotExtract(
                f"value '{value.name}' would be an output, and its shape is {describe_shape(value)}"
            )
