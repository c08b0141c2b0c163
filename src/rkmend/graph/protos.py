"""Walking a parsed protobuf model, for the checks that come before it is made into a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


HOLDING = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators of ONNX that hold graphs; others may."""


def bodies(proto: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """Everything with a node list: the graph, the functions, and the subgraphs in either."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [proto.graph, *proto.functions]
    while waiting:
        body = waiting.pop(0)
        yield body
        for node in body.node:
            if node.op_type in HOLDING or node.domain:
                for attribute in node.attribute:
                    if attribute.HasField("g"):
                        waiting.append(attribute.g)
                    waiting.extend(attribute.graphs)
