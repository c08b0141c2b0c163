"""The graph of a model for the page: nodes and tensors, without weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rkmend.checking import module_of
from rkmend.graph.model import UNKNOWN_RANK, graph_inputs, shape_of
from rkmend.report.page.opened import MENDED, Opened
from rkmend.report.page.rows import Graph, Node, Value

if TYPE_CHECKING:
    import onnx_ir as ir

LONGEST_NAME = 200
"""Characters of a name; longer ones are cut in the middle: their ends tell them apart."""
LONGEST_TEXT = 120
"""Characters of an attribute."""
FEW = 8
"""Numbers of a tensor that are written out."""
NAMED = 6
"""Operators of a body that are named."""

Mark = Callable[[Node], Node]
"""Adds to a node what is known of it besides the graph."""


def graph_of(opened: Opened, mark: Mark, longest: int = LONGEST_NAME) -> Graph:
    """The main graph of a model.

    Args:
        opened: The model.
        mark: Applied to every node.
        longest: Characters of a name.
    """
    graph = opened.model.graph
    places = {value: place for place, value in enumerate(dict.fromkeys(_values(graph)))}

    def at(values: Iterable[ir.Value | None]) -> tuple[int | None, ...]:
        # a value that is read in place of "" has no name either
        return tuple(None if value is None or not value.name else places[value] for value in values)

    nodes = (
        Node(
            id=number,
            name=cut(str(node.name), longest),
            op=node.op_type,
            domain=node.domain,
            inputs=at(node.inputs),
            outputs=at(node.outputs),
            attributes=tuple((name, attribute_text(one)) for name, one in node.attributes.items()),
            module=module_of(str(node.name).partition(MENDED)[0]),
        )
        for number, node in enumerate(graph)
    )
    return Graph(
        nodes=tuple(map(mark, nodes)),
        values=tuple(_value(value, longest) for value in places),
        inputs=tuple(places[value] for value in graph_inputs(graph)),
        outputs=tuple(places[value] for value in graph.outputs),
    )


def cut(name: str, longest: int) -> str:
    """A name that is not too long to be shown."""
    half = longest // 2 - 2
    return name if len(name) <= longest else f"{name[:half]} … {name[-half:]}"


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    for node in graph:
        yield from (value for value in (*node.inputs, *node.outputs) if value is not None and value.name)
    yield from graph.outputs


def _value(value: ir.Value, longest: int) -> Value:
    shape, dtype = shape_of(value), value.dtype
    sizes = [size for size in shape if isinstance(size, int)]
    known = dtype is not None and len(sizes) == len(shape)
    return Value(
        name=cut(str(value.name), longest),
        dtype=dtype.numpy().name if dtype is not None else "",
        shape=_shape_text(shape),
        constant=value.is_initializer(),
        bytes=math.ceil(math.prod(sizes) * dtype.itemsize) if known and dtype is not None else 0,
    )


def _shape_text(shape: tuple[int | str | None, ...]) -> str:
    if shape == (UNKNOWN_RANK,):
        return ""
    return "x".join("?" if size is None else cut(str(size), 20) for size in shape) or "scalar"


def attribute_text(attribute: ir.Attr) -> str:
    """An attribute in a few words."""
    if attribute.is_ref():
        return f"the attribute '{attribute.ref_attr_name}' of the function"
    name, value = attribute.type.name, attribute.value
    one = WORDS.get(name.removesuffix("S"), _plain)
    if not name.endswith("S"):
        return _shortened(one(value))
    return _shortened(", ".join(map(one, value[: LONGEST_TEXT // 2])), of=len(value))


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _tensor_text(tensor: ir.TensorProtocol) -> str:
    kind = f"{str(tensor.dtype).lower()} {_shape_text(tuple(tensor.shape.numpy())) if tensor.shape else 'scalar'}"
    if tensor.size > FEW:
        return kind
    import onnx_ir as ir

    numbers = (
        tensor.string_data() if isinstance(tensor, ir.StringTensor) else tensor.numpy().reshape(-1).tolist()
    )
    return _shortened(f"{kind}: {', '.join(map(_plain, numbers))}")


def _body_text(body: ir.Graph) -> str:
    operators = [node.op_type for node in body]
    named = ", ".join(operators[:NAMED]) + (", ..." if len(operators) > NAMED else "")
    return f"{len(operators)} operators: {named}" if operators else "no operators"


def _shortened(text: str, of: int = 0) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[: LONGEST_TEXT - 20]} ..." + (f" ({of} in all)" if of else "")


WORDS: dict[str, Callable[[Any], str]] = {"TENSOR": _tensor_text, "GRAPH": _body_text}
"""By the name of an attribute's type; that of a list of them ends in S."""
