"""RKM111: the head of a detector that takes the mean of a distribution for more than 8192 boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import FAILED, Exactness, Finding
from rkmend.rules.conv.limits import MAX_SIZE, two_factors
from rkmend.rules.conv.sliding import kernel_of
from rkmend.rules.forms import reshaped
from rkmend.rules.nodes import nodes_of
from rkmend.rules.operands import known_shape
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class WideDistribution(SingleMend):
    """Softmax and 1x1 Conv over the bins of a distribution, for more than 8192 boxes at once.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5048, shift = 19,
        limit: 0x1fff, value: 0x21b0

    ## Why

    The boxes are the last axis, which is the width, and widths have 13 bits.

    ## Example

    The DFL head of a YOLO for 640x640 has 8400 boxes: `Reshape` [1, 64, 8400] to [1, 4, 16, 8400], `Transpose` 0 2 1 3,
    `Softmax` along the 16 bins, `Conv` 1x1 to their mean.

    ## What rkmend does

    * `boxes-as-map`: reshapes to [4, 16, 84, 100]: the sides of a box are the batch and the boxes a map. Softmax and
      Conv stay as they are; the Transpose is not needed.

    ## Exactness and its limits

    `exact`: the same sums of the same numbers. The number of boxes must be a product of two numbers up to 8192.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588, fp16: 8400 and 42840 boxes overflow, 2100 convert; mended, nothing is left to
    the CPU.
    """

    code = "RKM111"
    name = "distribution-of-many-boxes"
    operators = frozenset({"Softmax"})
    mend = "boxes-as-map"
    summary = "Takes the sides of the boxes for the batch and the boxes for a map."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Reshape, Transpose, Softmax and Conv in a row."""
        for node in nodes_of(model, ("Conv",)):
            if chain := _chain(node):
                boxes = known_shape(node.outputs[0])[-1]
                message = f"Softmax and Conv '{node.name}' work on {boxes} boxes along the width, which has 13 bits."
                names = tuple(str(one.name) for one in chain)
                yield Finding(self.code, self.name, names, {"boxes": boxes}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure that an operator can be to blame for."""
        return verdict.outcome in FAILED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The map."""
        conv = finding.node_in(model, -1)
        first, transpose, softmax, _ = _chain(conv)
        data = first.inputs[0]
        assert data is not None
        batch, sides, bins, boxes = known_shape(first.outputs[0])
        folded = two_factors(boxes, MAX_SIZE)
        assert folded is not None
        new = self.replacement(conv, [first, transpose, softmax])
        value = reshaped(new, "map", data, [batch * sides, bins, *folded])
        value = new.node("softmax", "Softmax", [value], {"axis": 1})
        value = new.node("mean", "Conv", [value, *conv.inputs[1:]], dict(conv.attributes))
        new.finish(reshaped(new, "boxes", value, known_shape(conv.outputs[0])))


def _chain(conv: ir.Node) -> list[ir.Node]:
    """The nodes that end in this one; none if they are not such a head, or are read by others as well."""
    chain = [conv]
    for kind in ("Conv", "Softmax", "Transpose", "Reshape"):
        node = chain[0]
        if node.op_type != kind or (node is not conv and len(node.outputs[0].uses()) != 1):
            return []
        if kind == "Reshape":
            break
        producer = node.inputs[0].producer() if node.inputs[0] is not None else None
        if producer is None or (node is not conv and node.outputs[0].is_graph_output()):
            return []
        chain.insert(0, producer)
    shape, result = static_shape(chain[0].outputs[0]), static_shape(conv.outputs[0])
    if shape is None or result is None or len(shape) != 4 or shape[-1] <= MAX_SIZE:
        return []
    swapped = list(chain[1].attributes.get_ints("perm", ())) == [0, 2, 1, 3]
    over_bins = chain[2].attributes.get_int("axis", -1) in (1, -3)
    mean = kernel_of(conv) == (1, 1) and result[1] == 1 and result[2:] == (shape[1], shape[3])
    return chain if swapped and over_bins and mean and two_factors(shape[-1], MAX_SIZE) else []
