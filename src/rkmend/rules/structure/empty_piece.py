"""RKM259: a piece without elements, split off or joined."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness
from rkmend.rules.forms import joined, split
from rkmend.rules.operands import known_shape
from rkmend.rules.replacement import Replacement
from rkmend.rules.whole_model import WholeModelRule

if TYPE_CHECKING:
    import onnx_ir as ir


class EmptyPiece(WholeModelRule):
    """A piece without elements that is joined to others, or split off and not read.

    ## What happens

    `build` raises, in one of several ways, for example:

        TypeError: argument of type 'NoneType' is not iterable

    ## Why

    The toolkit has no tensors with a size of 0.

    ## Example

    Rotary embedding of all of a head: what is not rotated is split off, has no elements, and is joined again.

    ## What rkmend does

    * `leave-out`: joins without the empty pieces, and splits without those that nothing reads then.

    ## Exactness and its limits

    `exact`. An empty piece that something else reads stays, and RKM082 names it.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend tests `test_rotary_embedding*_expanded`, five of which failed by it. A
    denoising network with such a Split converts rightly.
    """

    code = "RKM259"
    name = "empty-piece"
    operators = frozenset({"Concat", "Split"})
    mend = "leave-out"
    summary = "Leaves pieces without elements out."
    exactness = Exactness.EXACT

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Where some of the pieces are empty, not all, and none that is read elsewhere."""
        return [node for node in model.graph if not node.domain and _has_empty_piece(node)]

    def rewrite(self, model: ir.Model) -> None:
        """The same operators with fewer pieces: what is not joined any more need not be split off."""
        while places := self.places(model):
            new = self.replacement(places[0])
            new.finish(
                *(_joined(places[0], new) if places[0].op_type == "Concat" else _split(places[0], new))
            )


def _has_empty_piece(node: ir.Node) -> bool:
    if node.op_type not in EmptyPiece.operators:
        return False
    pieces = node.inputs if node.op_type == "Concat" else node.outputs
    empty = [piece for piece in pieces if piece is not None and _is_empty(piece)]
    if node.op_type == "Split" and any(piece.uses() or piece.is_graph_output() for piece in empty):
        return False
    return 0 < len(empty) < len(pieces)


def _joined(node: ir.Node, new: Replacement) -> Sequence[ir.Value]:
    kept = [value for value in node.inputs if value is not None and not _is_empty(value)]
    if len(kept) == 1:
        return [new.node("whole", "Identity", kept)]
    return [joined(new, "joined", kept, node.attributes.get_int("axis", 0))]


def _split(node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
    axis, data = node.attributes.get_int("axis", 0), node.inputs[0]
    sizes = [known_shape(piece)[axis] for piece in node.outputs]
    whole = [size for size in sizes if size]
    assert data is not None
    if len(whole) == 1:
        pieces = iter([new.node("whole", "Identity", [data])])
    else:
        pieces = iter(split(new, "split", data, axis, whole))
    return [next(pieces) if size else None for size in sizes]


def _is_empty(value: ir.Value) -> bool:
    shape = static_shape(value)
    return shape is not None and prod(shape) == 0
