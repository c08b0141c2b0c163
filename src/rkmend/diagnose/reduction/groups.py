"""Groups: a grouped Conv as a dense one with as many weights, which has fewer outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.edits import node_change
from rkmend.diagnose.reduction.places import Array, replace_content

if TYPE_CHECKING:
    import onnx_ir as ir

_GROUPED = ("Conv", "FusedConv", "ConvTranspose")


def dense(model: ir.Model) -> Iterator[Change]:
    """Each Conv of several groups with one; what reads its output has to take fewer channels as they are.

    The other ways to fewer groups shrink the input's channels along; see `sizes`.
    """
    for node in model.graph.all_nodes():
        groups = node.attributes.get_int("group", 1)
        stored = [value for value in node.inputs[1:3] if value is not None]
        own = all(value.is_initializer() and len(value.uses()) == 1 for value in stored)
        if node.op_type in _GROUPED and groups > 1 and own:
            yield node_change(node, "group", f"{groups} -> 1, {groups} times fewer outputs", _make_dense)


def _make_dense(node: ir.Node) -> None:
    import onnx_ir as ir

    groups = node.attributes.get_int("group", 1)

    def joined(array: Array) -> Array:  # [o, c / groups, ...] to [o / groups, c, ...]
        return np.reshape(array, (len(array) // groups, -1, *array.shape[2:]))

    def fewer(array: Array) -> Array:
        return np.array(array[: len(array) // groups])

    weight, *bias = [value for value in node.inputs[1:3] if value is not None]
    if node.op_type != "ConvTranspose":  # its weights [c, o / groups, ...] are right as they are
        replace_content(weight, joined)
    for value in bias:
        replace_content(value, fewer)
    node.attributes["group"] = ir.AttrInt64("group", 1)
