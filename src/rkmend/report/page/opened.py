"""Opened: a model that is drawn, and the numbers of its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.graph.glance import Glance, glance
from rkmend.report.page.rows import Which
from rkmend.rules.replacement import PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

MENDED = "/rkmend/"
"""In the names of all nodes that mends put in, behind the name of the node that they replace."""


@dataclass(frozen=True)
class Opened:
    """A model that is drawn.

    Attributes:
        which: Of the two models.
        path: Its file.
        seen: Its content.
    """

    which: Which
    path: Path
    seen: Glance

    @classmethod
    def read(cls, which: Which, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Opened:
        """Reads a file.

        Args:
            which: Of the two models.
            path: The .onnx file.
            shapes: Of its inputs.

        Raises:
            InputError: It is no valid model, or has no such inputs.
        """
        return cls(which, path, glance(path, shapes))

    @property
    def model(self) -> ir.Model:
        """With shapes as far as they are known."""
        return self.seen.ir

    @cached_property
    def ids(self) -> dict[str, int]:
        """Name of a node -> its place in the graph."""
        return {str(node.name): place for place, node in enumerate(self.model.graph)}

    @cached_property
    def makers(self) -> dict[str, int]:
        """Name of a tensor -> the node that makes it."""
        return {
            str(value.name): place for place, node in enumerate(self.model.graph) for value in node.outputs
        }

    @cached_property
    def origins(self) -> dict[str, tuple[str, str]]:
        """Node that a mend put in -> rule, and the node of the model as it was given that it stands for."""
        return {
            str(node.name): (
                node.metadata_props[PROVENANCE[0]],
                node.metadata_props[PROVENANCE[2]].partition(MENDED)[0],
            )
            for node in self.model.graph
            if PROVENANCE[0] in node.metadata_props
        }

    def numbers(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """The nodes of these names that are in the main graph."""
        return tuple(sorted({self.ids[name] for name in names if name in self.ids}))

    def around(self, ids: tuple[int, ...], *, hops: int, most: int) -> tuple[int, ...]:
        """Nodes and their neighbours.

        Args:
            ids: Where to begin.
            hops: How far neighbours may be.
            most: Neighbours are left out once there are so many nodes.
        """
        nodes = list(self.model.graph)
        found = dict.fromkeys(ids[:most])
        edge = list(found)
        for _ in range(hops):
            beside = [self.ids[str(other.name)] for place in edge for other in _neighbours(nodes[place])]
            edge = [place for place in dict.fromkeys(beside) if place not in found][: most - len(found)]
            found.update(dict.fromkeys(edge))
        return tuple(sorted(found))


def _neighbours(node: ir.Node) -> list[ir.Node]:
    """Those that make what a node reads, and those that read what it makes, within its graph."""
    before = [value.producer() for value in node.inputs if value is not None]
    after = [use.node for value in node.outputs for use in value.uses()]
    return [other for other in (*before, *after) if other is not None and other.graph is node.graph]
