"""RKM264: a ScatterND that writes a block into a tensor, in an int8 build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Finding
from rkmend.rules.forms import cut, joined, reshaped
from rkmend.rules.model.folding import fold, foldable
from rkmend.rules.operands import constant_of, is_constant, known_shape
from rkmend.rules.whole_model import WholeModelRule
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array
    from rkmend.rules.replacement import Replacement

Block = tuple[tuple[int, int], ...]
"""Begin and end along each axis that is indexed."""


class ScatteredBlock(WholeModelRule):
    """A ScatterND at constant places, in an int8 build.

    ## What happens

    The model converts without a word, and what is written comes out cut off: a state of 11.7 as 4.1.

    ## Why

    PyTorch exports `state[:, :, 2:6] = new` as a ScatterND at constant indices. Where such a state is given from
    outside and passed through several of them, the toolkit quantises what is written by the range of what was there.

    ## Example

    A streaming network that keeps the last frames of its layers in one tensor, input and output of the model.

    ## What rkmend does

    * `joined-slices`: where the indices are a block, cuts out what is before and behind it along each axis, and joins
      these with what is written. Indices that are computed from constants are folded before.

    ## Exactness and its limits

    `exact`: elements change places only. Not with a reduction. Other indices are left alone.

    ## Evidence

    Toolkit 2.3.2, rk3588, int8: an audio denoiser with 18 of them has a state off by 9 times what rounding explains;
    mended it is as near as rounding allows. One ScatterND alone, with updates of up to 20 times the range of the data,
    is right, and so are all in fp16, so that the rule waits for a build that computes something else.
    """

    code = "RKM264"
    name = "scattered-block"
    operators = frozenset({"ScatterND"})
    mend = "joined-slices"
    summary = "Joins what ScatterND writes with what is around it."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """In int8 builds only."""
        if target.only_int8:
            yield from super().find(model, target)

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Where the indices are a block, or are computed from constants alone."""
        scattered = [node for node in model.graph if _writes(node)]
        computed = set(foldable(model)) if scattered else set()
        return [
            node
            for node in scattered
            if _block(node) is not None or (node.inputs[1] and node.inputs[1].producer() in computed)
        ]

    def rewrite(self, model: ir.Model) -> None:
        """Folds the indices, then replaces each that is a block."""
        fold(model, _makers([node.inputs[1] for node in model.graph if _writes(node)], foldable(model)))
        blocks = {node: block for node in model.graph if _writes(node) and (block := _block(node))}
        if not blocks:
            raise CannotApply("the indices are no blocks")
        for node, block in blocks.items():
            new, (data, _indices, updates) = self.replacement(node), node.inputs
            assert data is not None and updates is not None
            shape = known_shape(data)
            sizes = [end - begin for begin, end in block]
            written = reshaped(new, "written", updates, [*sizes, *shape[len(block) :]])
            parts = [(axis, *ends) for axis, ends in enumerate(block) if ends != (0, shape[axis])]
            new.finish(_around(new, data, written, parts, shape))

    def recognises(self, verdict: Verdict) -> bool:
        """A model that computes something else."""
        return verdict.outcome is Outcome.WRONG


def _writes(node: ir.Node) -> bool:
    reduces = node.attributes.get_string("reduction", "none") != "none"
    return (
        node.op_type == "ScatterND"
        and not node.domain
        and not reduces
        and static_shape(node.inputs[0]) is not None
    )


def _block(node: ir.Node) -> Block | None:
    """The block that constant indices are, in its own order; None for any other."""
    import numpy as np

    shape, indices = static_shape(node.inputs[0]), constant_of(node.inputs[1])
    if shape is None or indices is None or indices.size == 0:
        return None
    rows: Array = indices.reshape(-1, indices.shape[-1])
    rows = np.where(rows < 0, rows + np.array(shape[: rows.shape[1]]), rows)
    begins, ends = rows.min(axis=0), rows.max(axis=0) + 1
    grid = np.stack(np.meshgrid(*map(np.arange, begins, ends), indexing="ij"), axis=-1)
    if not np.array_equal(grid.reshape(-1, rows.shape[1]), rows):
        return None
    return tuple(zip(begins.tolist(), ends.tolist(), strict=True))


def _makers(values: Sequence[ir.Value | None], known: Sequence[ir.Node]) -> list[ir.Node]:
    """Those of the nodes that values are computed by, in the same order."""
    waiting, among = list(values), set(known)
    needed: set[ir.Node] = set()
    while waiting:
        value = waiting.pop()
        maker = None if value is None or is_constant(value) else value.producer()
        if maker in among and maker not in needed:
            needed.add(maker)
            waiting += maker.inputs
    return [node for node in known if node in needed]


def _around(
    new: Replacement,
    data: ir.Value,
    written: ir.Value,
    parts: Sequence[tuple[int, int, int]],
    shape: Sequence[int],
) -> ir.Value:
    """`written` in the place of a block of `data`, which begins and ends within it along these axes."""
    if not parts:
        return written
    (axis, begin, end), *rest = parts
    inner = written
    if rest:
        inner = _around(new, cut(new, f"middle_{axis}", data, axis, begin, end), written, rest, shape)
    before = [cut(new, f"before_{axis}", data, axis, 0, begin)] if begin else []
    behind = [cut(new, f"behind_{axis}", data, axis, end, shape[axis])] if end < shape[axis] else []
    return joined(new, f"around_{axis}", [*before, inner, *behind], axis)
