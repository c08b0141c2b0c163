"""RKM057: an input of four axes that the NPU cannot bring into its own order of elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.conv.limits import MAX_SIZE
from rkmend.rules.replacement import PROVENANCE
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

ATOM = 8
"""Elements of fp16 that are stored together."""
WHOLE = 4
"""Elements of a map whose multiples are brought into order otherwise."""
SMALL = {"rk3562": 7, "rk3566": 7, "rk3568": 7}
"""Targets where larger maps are as well."""


class WideInput(SingleMend):
    """An input of four axes with a very long row, or with more than 8192 channels.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    model fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4030, shift = 0,
        limit: 0x1fff, value: 0x30d3

    ## Why

    The toolkit puts a convolution by 1 in front of the model, which brings the input into the order of elements that
    the NPU works on, and it has sizes of 13 bits: a row of one, three or four channels by the number of channels by
    an eighth, or the channels of maps whose size is no multiple of 4.

    ## Example

    `Conv` on sound of 1x1x1x160000; `Relu` on 1x9000x7x7.

    ## What rkmend does

    * `three-axes`: gives these inputs three axes, the rows and columns in one, and reshapes them inside the model. The
      toolkit brings an input of three axes into its order in another way.

    ## Exactness and its limits

    Exact. The interface changes: the same memory is fed under another shape. Long rows are left alone where a map has
    more than one of them: the Reshape to it overflows in its turn.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16, Relu and Conv: 1x1x1x33000 and 1x4x4x16384 convert, 1x1x1x66000, 1x4x4x16400 and
    1x3x1x40000 overflow (0x4030); long rows of two or five channels do not. Of channels over 8192, Relu and Transpose,
    fp16 and int8: on rk3588 (0x403c) and rk3576 (0x3020) maps of 2, 3, 5 to 7, 9, 10, 13 and 26 elements overflow (all
    44), those of 1, 4, 12, 16, 20 and 24 convert; on rk3562 and rk3566 those of 2, 3 and 5 to 7 do, and from 10 on
    none. Behind a Conv on rk3588 9001 channels convert, 12000 overflow.
    """

    code = "RKM057"
    name = "wide-input"
    mend = "three-axes"
    summary = "Takes the inputs {inputs} with rows and columns as one axis."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All such inputs together."""
        if wide := _wide(model, target):
            names = ", ".join(str(value.name) for value in wide)
            certain = sum(_is_deep(value, target) and not _is_cut(value, target) for value in wide)
            message = f"The NPU cannot bring these inputs into its own order of elements: {names}."
            yield Finding(self.code, self.name, (), {"inputs": names, "certain": certain}, message)

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error where channels overflow for certain."""
        return Level.ERROR if finding.facts["certain"] else self.level

    def recognises(self, verdict: Verdict) -> bool:
        """A register that overflows."""
        return verdict.outcome is Outcome.UNSOUND and "REGTASK" in verdict.message

    def change(self, model: ir.Model, finding: Finding) -> None:
        """A Reshape behind each of them, in front of all other nodes."""
        import numpy as np
        import onnx_ir as ir

        names = str(finding.facts["inputs"]).split(", ")
        for value in [one for one in graph_inputs(model.graph) if one.name in names]:
            shape, uses = static_shape(value), list(value.uses())
            assert shape is not None
            name = f"{value.name}/rkmend/map"
            sizes = ir.val(f"{name}_shape", const_value=ir.tensor(np.array(shape, np.int64)))
            model.graph.register_initializer(sizes)
            note = dict(zip(PROVENANCE, (self.code, self.mend, ""), strict=True))
            node = ir.node("Reshape", [value, sizes], name=name, metadata_props=note)
            whole = node.outputs[0]
            whole.name, whole.type, whole.shape = name, value.type, ir.Shape(shape)
            for use in uses:
                use.node.replace_input_with(use.idx, whole)
            model.graph.insert_before(model.graph[0], node)
            value.shape = ir.Shape([*shape[:2], shape[2] * shape[3]])


def _wide(model: ir.Model, target: Target) -> list[ir.Value]:
    """Inputs that may overflow."""
    return [
        value
        for value in graph_inputs(model.graph)
        if value.uses() and not value.is_graph_output() and (_is_long(value) or _is_deep(value, target))
    ]


def _is_long(value: ir.Value) -> bool:
    shape = static_shape(value)
    if shape is None or len(shape) != 4:
        return False
    _batch, channels, height, width = shape
    return height == 1 and channels in (1, 3, 4) and channels * width > ATOM * MAX_SIZE


def _is_deep(value: ir.Value, target: Target) -> bool:
    shape = static_shape(value)
    if shape is None or len(shape) != 4 or shape[1] <= MAX_SIZE:
        return False
    elements = shape[2] * shape[3]
    return elements > 1 and elements % WHOLE > 0 and elements <= SMALL.get(target.name, elements)


def _is_cut(value: ir.Value, target: Target) -> bool:
    """Whether a Conv on RK3588 reads it, which takes some 9000 channels."""
    return target.name == "rk3588" and any(use.node.op_type == "Conv" for use in value.uses())
