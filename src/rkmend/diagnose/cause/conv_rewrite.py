"""Writing another model in the place of a single Conv, under the names of its input and its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rkmend.diagnose.cause.family import CannotBuild
from rkmend.graph import validated
from rkmend.rules.base import CannotApply
from rkmend.rules.conv.conv_node import ConvNode, conv_attributes
from rkmend.rules.replacement import Replacement
from rkmend.tiling.conv import ConvGeometry

if TYPE_CHECKING:
    import onnx_ir as ir

Rewrite = Callable[[ConvNode, Replacement], "ir.Value"]
"""Makes nodes that take the place of a Conv, and returns the value that takes the place of its output. It may
change the shape of the input. Raises CannotApply or CannotBuild."""


def single_conv(model: ir.Model) -> ConvNode | None:
    """The Conv of a model that is one 2-D Conv with an input that is fed; else None."""
    nodes = [node for node in model.graph if node.op_type != "Constant"]
    conv = ConvNode.read(nodes[0]) if len(nodes) == 1 else None
    fed = conv is not None and conv.data.is_graph_input() and not conv.data.is_initializer()
    return conv if fed else None


def rewritten(model: ir.Model, rewrite: Rewrite) -> ir.Model:
    """A model with another in the place of its Conv.

    Args:
        model: A single Conv; left as it is. Weights that stay are shared with the result.
        rewrite: See `Rewrite`.

    Raises:
        CannotBuild: The rewrite does not fit.
        InvalidModel: What came out is no model.
    """
    copy = model.clone()
    copy.ir_version = max(copy.ir_version, 4)  # before 4 every new constant had to be a graph input as well
    conv = single_conv(copy)
    assert conv is not None
    new = Replacement(conv.node, code="advice", mend="")
    try:
        new.finish(rewrite(conv, new))
    except CannotApply as error:
        raise CannotBuild(str(error)) from error
    return validated(copy)


def conv_node(
    new: Replacement,
    part: str,
    data: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None,
    shape: ConvGeometry,
    **padding: object,
) -> ir.Value:
    """A new Conv.

    Args:
        new: Gets it.
        part: Its name.
        data: [N, C, H, W].
        weight: [K, C / groups, kh, kw].
        bias: [K].
        shape: What it is to be.
        padding: `auto_pad` instead of the pads of `shape`, which are those that it resolves to.

    Raises:
        CannotBuild: It would have no output.
    """
    if min(shape.rows.outputs, shape.cols.outputs) < 1:
        raise CannotBuild("the kernel is larger than the padded input")
    attributes = conv_attributes(shape.rows, shape.cols, shape.groups)
    if padding:
        del attributes["pads"]
        attributes.update(padding)
    return new.node(part, "Conv", [data, weight] if bias is None else [data, weight, bias], attributes)
