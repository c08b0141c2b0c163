"""Web: the sizes of a model and all that ties them; a change of one spreads to the others."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import CannotChange
from rkmend.diagnose.reduction.places import Place, as_list, stored, words
from rkmend.diagnose.reduction.ties import Tie, ties
from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_ENTRIES = 8
"""Of an integer initializer that may be a target shape."""
_NUMBERS = ("group", "hidden_size", "kernel_shape")
"""Attributes that are sizes."""


class Web:
    """The sizes of a model and what ties them.

    Args:
        model: With inferred shapes.
        by_groups: See `formula`.
    """

    def __init__(self, model: ir.Model, *, by_groups: bool = False) -> None:
        self.sizes: dict[Place, int] = {}
        self._ties: dict[Place, list[Tie]] = defaultdict(list)
        self._stored = {str(value.name) for value in stored(model)}
        for value in stored(model):
            self._read_value(value)
        for node in model.graph.all_nodes():
            self._read_node(node)
            for tie in ties(node, by_groups=by_groups):
                for term in tie.terms:
                    self._ties[term.place].append(tie)
        targets = {place.name for place in self._ties if place.kind == "entry"}
        for place in [place for place in self.sizes if place.kind == "axis" and place.name in targets]:
            del self.sizes[place]  # the length of a shape is the rank of another value

    def seeds(self) -> list[Place]:
        """Where a change may start, the largest first: sizes above 1 of what is stored, and target sizes."""
        return sorted(filter(self._is_seed, self.sizes), key=lambda place: -self.sizes[place])

    def writable(self, place: Place) -> bool:
        """Whether the size stands in the model, and does not follow from others."""
        return place.kind != "axis" or place.name in self._stored

    def unit(self, place: Place) -> int:
        """The number that a size has to be a multiple of: its ties with a choice need not all hold."""
        factors, chosen = [], set()
        for tie in self._ties[place]:
            if tie.choice not in chosen:
                factors += [term.factor for term in tie.terms if term.place == place]
            chosen.update([tie.choice] if tie.choice else [])
        return math.lcm(*factors)

    def spread(self, seed: Place, size: int) -> dict[Place, int]:
        """What every size becomes when one changes.

        Returns:
            The places that change and those they are tied to, computed values included.

        Raises:
            CannotChange: A size would have to be two numbers at once, below 1, no whole number, or larger than
                before.
        """
        found, queue = {seed: size}, [seed]
        done: set[int] = set()
        chosen: set[str] = set()
        while queue:
            place = queue.pop()
            for tie in self._ties[place]:
                if id(tie) in done or tie.choice in chosen:
                    continue
                done.add(id(tie))
                chosen.update([tie.choice] if tie.choice else [])
                for other, new in _follow(tie, place, found[place]).items():
                    if found.setdefault(other, new) != new:
                        raise CannotChange(f"{words(other)} would have to be {found[other]} and {new}")
                    if not 1 <= new <= self.sizes.get(other, new):
                        raise CannotChange(f"{words(other)} would have to be {new}")
                    if new != self.sizes.get(other) and other != place:
                        queue.append(other)
        return found

    def _is_seed(self, place: Place) -> bool:
        if self.sizes[place] < 2 or not self.writable(place):
            return False
        return place.kind == "axis" or (place.kind == "entry" and place in self._ties)

    def _read_value(self, value: ir.Value) -> None:
        for axis, size in enumerate(static_shape(value) or ()):
            self.sizes[Place("axis", str(value.name), axis)] = size
        tensor = value.const_value
        if (
            tensor is not None
            and tensor.dtype.is_integer()
            and len(tensor.shape) == 1
            and tensor.size <= MOST_ENTRIES
        ):
            for at, entry in enumerate(tensor.numpy().tolist()):
                self.sizes[Place("entry", str(value.name), at)] = entry

    def _read_node(self, node: ir.Node) -> None:
        for value in node.outputs:
            for axis, size in enumerate(static_shape(value) or ()):
                self.sizes[Place("axis", str(value.name), axis)] = size
        for name in filter(node.attributes.__contains__, _NUMBERS):
            for at, number in enumerate(as_list(node.attributes[name].value)):
                self.sizes[Place("attribute", str(node.name), at, name)] = number


def _follow(tie: Tie, place: Place, size: int) -> dict[Place, int]:
    """The sizes of a tie when one of them is known."""
    base = next(term.base(size) for term in tie.terms if term.place == place)
    if base is None:
        raise CannotChange(f"{words(place)} cannot be {size}: it is no multiple of what it consists of")
    sizes = {term.place: term.size(base) for term in tie.terms}
    return sizes | {place: size}
