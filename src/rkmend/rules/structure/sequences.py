"""RKM255: sequences of tensors whose elements are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape
from rkmend.rules.base import CannotApply, Exactness, Finding
from rkmend.rules.forms import cut, reshaped
from rkmend.rules.nodes import nodes_of
from rkmend.rules.operands import operand
from rkmend.rules.replacement import Replacement
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

    Element = Callable[[Replacement], ir.Value]
    """Makes an element where it is needed."""

MAKE = (
    "SequenceEmpty",
    "SequenceConstruct",
    "SequenceInsert",
    "SequenceErase",
    "SplitToSequence",
    "Optional",
)
"""Operators that give a sequence, or a tensor that may be missing."""
READ = ("SequenceAt", "ConcatFromSequence", "SequenceLength", "OptionalGetElement", "OptionalHasElement")
"""Operators that give a tensor of one."""


class StaticSequences(SingleMend):
    """Operators that put tensors into a sequence and take them out again.

    ## What happens

        ValueError: The Op of 'SequenceConstruct' is not supported yet, please remove it and try again!

    or `KeyError: 0` in `build`.

    ## Why

    The toolkit knows tensors only. PyTorch exports `torch.split`, `chunk` and `stack` of a list as sequences.

    ## Example

    `SplitToSequence`, and `SequenceAt` of its pieces 0 and 1.

    ## What rkmend does

    * `direct-wiring`: follows every element from where it is put in to where it is taken out, and connects the two. A
      piece of SplitToSequence becomes a Slice, ConcatFromSequence a Concat.

    ## Exactness and its limits

    Exact. Positions and lengths must be constant, and no sequence may go into a Loop, If or SequenceMap, or out of the
    model.

    ## Evidence

    Toolkit 2.3.2, rk3588: all of 7 models of the ONNX backend tests with sequences inside were rejected. 2.3.2 and
    2.5.0: SplitToSequence inside of a network.
    """

    code = "RKM255"
    name = "static-sequences"
    operators = frozenset({*MAKE, *READ})
    mend = "direct-wiring"
    summary = "Connects what is put into each sequence with what is taken out of it."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole."""
        kinds = sorted({node.op_type for node in nodes_of(model, self.operators)})
        if kinds:
            listed = ", ".join(kinds)
            message = f"The model holds sequences of tensors ({listed}); the toolkit knows tensors only."
            yield Finding(self.code, self.name, (), {"operators": listed}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any exception: what becomes of a sequence differs from operator to operator."""
        return verdict.outcome is Outcome.REJECTED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """All sequences at once."""
        known: dict[ir.Value, list[Element]] = {}
        made = []
        for node in list(model.graph):
            if node.domain:
                continue
            if node.op_type in MAKE or (node.op_type == "Identity" and node.inputs[0] in known):
                known[node.outputs[0]] = _elements(node, known)
                made.append(node)
            elif node.op_type in READ:
                new = self.replacement(node)
                new.finish(_tensor(node, known, new))
        for node in reversed(made):
            if node.outputs[0].uses() or node.outputs[0].is_graph_output():
                raise CannotApply(
                    f"the sequence of '{node.name}' goes into an operator that is not known here"
                )
            model.graph.remove(node, safe=True)


def _elements(node: ir.Node, known: dict[ir.Value, list[Element]]) -> list[Element]:
    """What is in the sequence that an operator gives."""
    if node.op_type == "SplitToSequence":
        return _pieces(node)
    if node.op_type in ("SequenceConstruct", "Optional"):
        return [_same(value) for value in node.inputs if value is not None]
    if node.op_type == "SequenceEmpty":
        return []
    elements = list(_sequence(node, known))
    if node.op_type == "SequenceErase":
        del elements[_position(node, 1, default=-1)]
    elif node.op_type == "SequenceInsert":
        value = node.inputs[1]
        assert value is not None
        elements.insert(_position(node, 2, default=len(elements)), _same(value))
    return elements


def _tensor(node: ir.Node, known: dict[ir.Value, list[Element]], new: Replacement) -> ir.Value:
    """What takes the place of the output of an operator that reads a sequence."""
    import numpy as np

    source = node.inputs[0] if node.inputs else None
    if node.op_type == "SequenceLength":
        length = np.array(len(_sequence(node, known)), np.int64)
        return new.node("length", "Identity", [new.constant("count", length)])
    if node.op_type == "OptionalHasElement":
        has = np.array(source is not None and known.get(source) != [])
        return new.node("has", "Identity", [new.constant("known", has)])
    if node.op_type == "ConcatFromSequence":
        axis = node.attributes.get_int("axis", 0)
        elements = [make(new) for make in _sequence(node, known)]
        if node.attributes.get_int("new_axis", 0):
            shape = static_shape(node.outputs[0])
            if shape is None:
                raise CannotApply(f"the shape of '{node.outputs[0].name}' is not known")
            single = [*shape]
            single[axis] = 1
            elements = [reshaped(new, "stacked", element, single) for element in elements]
        return new.node("concat", "Concat", elements, {"axis": axis})
    if node.op_type == "OptionalGetElement" and source is not None and source not in known:
        return new.node("element", "Identity", [source])
    position = _position(node, 1, default=0)
    return new.node("element", "Identity", [_sequence(node, known)[position](new)])


def _pieces(node: ir.Node) -> list[Element]:
    """The pieces of SplitToSequence."""
    data, shape = node.inputs[0], static_shape(node.inputs[0])
    if data is None or shape is None:
        raise CannotApply(f"the shape that '{node.name}' splits is not known")
    axis = node.attributes.get_int("axis", 0) % len(shape)
    total, given = shape[axis], operand(node, 1)
    sizes = [1] * total
    if given is not None:
        content = content_of(given)
        if content is None:
            raise CannotApply(f"the sizes that '{node.name}' splits into are not constant")
        sizes = content.tolist()
        if content.ndim == 0:
            step = int(content)
            sizes = [min(step, total - start) for start in range(0, total, step)]
    rest = [size for number, size in enumerate(shape) if number != axis]
    keep = given is not None or node.attributes.get_int("keepdims", 1) != 0

    def piece(start: int, size: int, new: Replacement) -> ir.Value:
        value = cut(new, "piece", data, axis, start, start + size)
        return value if keep else reshaped(new, "dropped", value, rest)

    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [partial(piece, start, size) for start, size in zip(starts, sizes, strict=True)]


def _same(value: ir.Value) -> Element:
    return lambda _new: value


def _sequence(node: ir.Node, known: dict[ir.Value, list[Element]]) -> list[Element]:
    source = node.inputs[0]
    if source not in known:
        raise CannotApply(f"what is in the sequence that '{node.name}' reads is not known")
    return known[source]


def _position(node: ir.Node, number: int, *, default: int) -> int:
    given = operand(node, number)
    if given is None:
        return default
    content = content_of(given)
    if content is None:
        raise CannotApply(f"the position that '{node.name}' asks for is not constant")
    return int(content)
