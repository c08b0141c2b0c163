"""Changing a graph in place so that it stays whole: what `cut`, `bypass` and the unfolding of bodies are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rkmend.errors import RkmendError
from rkmend.graph.model import shape_of, shape_text
from rkmend.graph.names import name_nodes
from rkmend.graph.values import describe, static_shape
from rkmend.graph.walk import bodies_of, every_node, inner_nodes

if TYPE_CHECKING:
    import onnx_ir as ir


class CannotExtract(RkmendError):
    """The nodes cannot stand alone: an input's shape is unknown, or nothing comes out of them."""


def node_names(model: ir.Model) -> list[str]:
    """Names of all nodes of the graph and of the bodies in it, in graph order, a node before what is in it.

    Unique in a Model that was loaded (see `name_nodes`); nodes of model functions are not among them.
    """
    return [str(node.name) for node in every_node(model.graph)]


def reads_of(node: ir.Node) -> list[ir.Value]:
    """The values of its graph that a node reads: its inputs, and what its bodies capture or give out."""
    values = [value for value in node.inputs if value is not None]
    captured = [value for inner in inner_nodes(node) for value in inner.inputs]
    captured += [value for body in bodies_of(node) for value in body.outputs]
    return values + [value for value in captured if value is not None and value.graph is node.graph]


def is_read(value: ir.Value) -> bool:
    """Whether a node reads the value or a graph gives it out."""
    return bool(value.uses()) or value.is_graph_output()


def must_stay(node: ir.Node, graph: ir.Graph) -> bool:
    """Whether a node does no more than hand a body something to give out, which every body has to do.

    ONNX Runtime wants what a body gives out to be made in the body, so an Identity of an outer value is the
    least that can be there.
    """
    source = node.inputs[0] if node.op_type == "Identity" and node.inputs else None
    outer = source is not None and source.graph is not node.graph
    return outer and node.graph is not graph and node.outputs[0].is_graph_output()


def can_be_fed(value: ir.Value) -> bool:
    """Whether a value can be an input of a model: a tensor of known dtype and static shape."""
    import onnx_ir as ir

    return isinstance(value.type, ir.TensorType) and static_shape(value) is not None


def demand_static(value: ir.Value) -> None:
    """Makes sure that a value can become an input of a model.

    Raises:
        CannotExtract: It cannot be fed.
    """
    if not can_be_fed(value):
        raise CannotExtract(
            f"value '{value.name}' would be an input, and its shape is {describe_shape(value)}"
        )


def describe_shape(value: ir.Value) -> str:
    """Dtype and shape as people write them, or `unknown`."""
    import onnx_ir as ir

    if value.type is not None and not isinstance(value.type, ir.TensorType):
        return f"that of a {value.type}"
    return "unknown" if value.dtype is None else f"{value.dtype.numpy().name} {shape_text(shape_of(value))}"


class Surgery:
    """One change of a model, in place.

    Values are redirected and nodes removed one by one; `close` then mends the edges of the graph: what lost its
    readers becomes an output, and what nobody reads goes.
    """

    def __init__(self, model: ir.Model) -> None:
        self.graph = model.graph
        self.model = model
        self._bereft: dict[ir.Value, None] = {}
        self._names = Counter(str(value.name) for graph in model.graphs() for value in _values(graph))

    def source(self, value: ir.Value, tensor: ir.TensorProtocol | None) -> ir.Value:
        """A value of the main graph to read in place of one that is no longer made.

        Args:
            value: The one.
            tensor: Its content, if that is known.

        Returns:
            An initializer if the content is known, else an input of the graph.

        Raises:
            CannotExtract: It would be an input, and its shape is not known.
        """
        name = str(value.name)
        self._names[name] -= 1
        if tensor is not None:
            return self.constant(name, tensor)
        demand_static(value)
        return self.feed(name, value.type, value.shape)

    def feed(self, name: str, kind: ir.TypeProtocol | None, shape: ir.Shape | None) -> ir.Value:
        """A new input of the main graph, under the name if it is free."""
        import onnx_ir as ir

        fed = ir.Value(name=self.fresh(name), type=kind, shape=shape)
        self.graph.inputs.append(fed)
        return fed

    def constant(self, name: str, tensor: ir.TensorProtocol) -> ir.Value:
        """A new initializer of the main graph, under the name if it is free."""
        import onnx_ir as ir

        held = ir.Value(name=self.fresh(name))
        held.const_value = _named(tensor, str(held.name))
        describe(held, tensor)
        self.graph.register_initializer(held)
        return held

    def redirect(self, value: ir.Value, to: ir.Value, graph: ir.Graph) -> None:
        """Lets everything that reads a value read another one.

        An output of the main graph that no node makes any more goes; a body that would give out what it does
        not make gets an Identity.

        Args:
            value: Of `graph`.
            to: Of `graph` or of one around it.
            graph: The main graph or a body.
        """
        import onnx_ir as ir

        for use in list(value.uses()):
            use.node.replace_input_with(use.idx, to)
        while value in graph.outputs:
            index = graph.outputs.index(value)
            made = to.graph is graph and to.producer() is not None and to not in graph.outputs
            if made:
                graph.outputs[index] = to
            elif graph is self.graph:
                graph.outputs.pop(index)
            else:
                copy = ir.node("Identity", [to])
                copy.outputs[0].name = self.fresh(str(value.name))
                copy.outputs[0].type, copy.outputs[0].shape = value.type, value.shape
                graph.append(copy)
                graph.outputs[index] = copy.outputs[0]

    def remove(self, nodes: Iterable[ir.Node]) -> None:
        """Takes nodes out with all that is in their bodies; what they read is noted for `close`."""
        for node in nodes:
            for gone in (node, *inner_nodes(node)):
                for index, value in enumerate(gone.inputs):
                    if value is not None:
                        self.leave_unread([value])
                        gone.replace_input_with(index, None)
            assert node.graph is not None
            node.graph.remove(node)

    def lift(self, body: ir.Graph, node: ir.Node) -> None:
        """Moves the nodes of a body in front of the node that holds it, and its initializers to the main graph."""
        body.outputs.clear()
        for name, value in list(body.initializers.items()):
            del body.initializers[name]
            self._rename(value)
            self.graph.register_initializer(value)
        nodes = list(body)
        body.remove(nodes)
        for value in (value for inner in nodes for value in inner.outputs if value.name):
            self._rename(value)
        assert node.graph is not None
        node.graph.insert_before(node, nodes)

    def leave_unread(self, values: Iterable[ir.Value]) -> None:
        """Notes values that may lose their readers; `remove` does so by itself."""
        self._bereft.update(dict.fromkeys(values))

    def close(self) -> ir.Model:
        """Makes the graph whole again.

        Returns:
            The model. Constant nodes that lost their readers are gone, other values of the main graph that did
            are outputs, in graph order behind those there were.

        Raises:
            CannotExtract: No node or no output is left.
        """
        unread = [value for value in self._bereft if not is_read(value)]
        for value in unread:
            maker = value.producer()
            if maker is not None and maker.graph is not None and maker.op_type == "Constant":
                maker.graph.remove(maker)
        sinks = set(unread)
        for node in self.graph:
            self.graph.outputs.extend(value for value in node.outputs if value in sinks)
        if not self.graph.outputs:  # what is left was dead before
            ends = (
                value for node in self.graph for value in node.outputs if value.name and not is_read(value)
            )
            self.graph.outputs.extend(list(ends))
        drop_unread(self.model)
        if not len(self.graph) or not self.graph.outputs:
            raise CannotExtract("nothing would be left")
        name_nodes(self.graph)
        return self.model

    def _rename(self, value: ir.Value) -> None:
        """Gives a value that comes up into a wider scope a name that is free there."""
        old, tensor = str(value.name), value.const_value
        self._names[old] -= 1
        if (name := self.fresh(old)) != old:
            value.const_value = None  # else the tensor, which the original model shares, is renamed as well
            value.name = name
            value.const_value = tensor and _named(tensor, name)

    def fresh(self, name: str) -> str:
        """The name, with a number if a value of any level has it."""
        free, number = name, 1
        while self._names[free]:
            number += 1
            free = f"{name}_{number}"
        self._names[free] = 1
        return free


def drop_unread(model: ir.Model) -> None:
    """Drops the initializers of all levels, the inputs of the main graph and the functions that nobody uses."""
    for graph in model.graphs():
        for name, value in list(graph.initializers.items()):
            if not is_read(value):
                del graph.initializers[name]
    for value in [value for value in model.graph.inputs if not is_read(value)]:
        model.graph.inputs.remove(value)
    if model.functions:
        from onnx_ir.passes.common import RemoveUnusedFunctionsPass

        RemoveUnusedFunctionsPass()(model)  # type: ignore[no-untyped-call]


def _named(tensor: ir.TensorProtocol, name: str) -> ir.TensorProtocol:
    """The tensor under another name, not copied."""
    import onnx_ir as ir

    if tensor.name == name or tensor.dtype == ir.DataType.STRING:
        return tensor
    shape = ir.Shape(tensor.shape.numpy())
    return ir.LazyTensor(lambda: tensor, dtype=tensor.dtype, shape=shape, name=name)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from dict.fromkeys((*graph.inputs, *graph.initializers.values()))
    for node in graph:
        yield from node.outputs
