"""A check command: exit status 3 iff a model holds all of the named operators, in its graph or in bodies.

python check_operators.py MODEL.onnx HardSwish Softplus
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import onnx

FOUND = 3
"""Not 1, which is what Python itself gives when the script breaks down."""


def operators(graph: onnx.GraphProto) -> Iterator[str]:
    """The operator of each node at all levels. A Constant is data, and none."""
    for node in graph.node:
        if node.op_type != "Constant":
            yield node.op_type
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from operators(body)


if __name__ == "__main__":
    held = set(operators(onnx.load(sys.argv[1], load_external_data=False).graph))
    sys.exit(FOUND if held >= set(sys.argv[2:]) else 0)
