"""RKM503: a normalisation over several axes that is scaled along some of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.forms import reshaped
from rkmend.rules.nodes import nodes_of
from rkmend.rules.operands import known_shape
from rkmend.rules.replacement import Replacement
from rkmend.rules.single_mend import SingleMend
from rkmend.rules.toolkit.normalisation import Normalisation, match_normalisation
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class PartialScale(SingleMend):
    """A normalisation over several axes, written in single operators, with a scale for some of these axes.

    ## What happens

    `build` raises one of

        ValueError: cannot reshape array of size 3 into shape (1,256,128,3)
        ValueError: operands could not be broadcast together with shapes (1,128,1,1) (1,16,1,1)

    in `swap_reshape_norm`, in `swap_norm_reshape` when that rule is disabled, in `exNorm_infer` without either.

    ## Why

    The toolkit makes one operator of the mean, the deviation, the scale and the shift, and that operator wants a number
    of the scale and the shift for each normalised element.

    ## Example

    Mean and variance over `[1, 2, 3]` of an image, then a scale per channel: GroupNormalization with one group, and
    normalisation of whole images in TensorFlow.

    ## What rkmend does

    * `instance-norm`: writes the normalisation as InstanceNormalization with each normalised part for a channel; scale
      and shift stay as they are.

    ## Exactness and its limits

    `rounding`: sums are taken in another order.

    ## Evidence

    Toolkit 2.3.2, rk3588: over `[0, 1, 2, 3]`, `[1, 2, 3]`, `[1, 2]` of three axes; a scale for all of the normalised
    axes, for none of them or for all elements converts. What keeps the operators from being made one (Relu before the
    scale, Reciprocal for Div) also helps, but costs more: the operators are left single.
    """

    code = "RKM503"
    name = "partial-scale"
    level = Level.ERROR
    operators = frozenset({"Div"})
    mend = "instance-norm"
    summary = "Writes the normalisation as InstanceNormalization, its scale and shift behind it."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Normalisations with a constant factor behind them, it or the shift after it of such a shape."""
        for node in nodes_of(model, self.operators):
            found = match_normalisation(node)
            if found is None or not found.partly_scaled():
                continue
            names = tuple(str(one.name) for one in found.nodes)
            axes = " ".join(map(str, found.axes))
            message = (
                f"'{node.name}' ends a normalisation over axes {axes} that is scaled along some of them."
            )
            yield Finding(self.code, self.name, names, {"axes": axes}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """A Python exception."""
        return verdict.outcome is Outcome.REJECTED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """One operator for the normalisation."""
        node = finding.node_in(model, -1)
        found = match_normalisation(node)
        assert found is not None
        new = self.replacement(node, _unread(found))
        new.finish(_instance_norm(found, new))


def _unread(found: Normalisation) -> list[ir.Node]:
    """The nodes before the last that nothing else reads."""
    gone = {found.nodes[-1]}
    for node in reversed(found.nodes[:-1]):
        outputs = node.outputs
        if not any(value.is_graph_output() for value in outputs) and all(
            use.node in gone for value in outputs for use in value.uses()
        ):
            gone.add(node)
    return [node for node in found.nodes[:-1] if node in gone]


def _instance_norm(found: Normalisation, new: Replacement) -> ir.Value:
    """Reshape to [1, parts, rows, columns], InstanceNormalization, Reshape back."""
    import numpy as np

    shape, dtype = known_shape(found.value), found.value.dtype
    assert dtype is not None
    whole = math.prod(shape)
    parts = whole // math.prod(known_shape(found.nodes[-1].outputs[0])[axis] for axis in found.axes)
    layout = [1, parts, whole // (parts * shape[-1]), shape[-1]]
    inputs = [
        reshaped(new, "parts", found.value, layout),
        new.constant("one", np.ones(parts, dtype.numpy())),
        new.constant("zero", np.zeros(parts, dtype.numpy())),
    ]
    normal = new.node("norm", "InstanceNormalization", inputs, {"epsilon": found.epsilon})
    result = reshaped(new, "back", normal, shape)
    for turn in found.turns:
        result = new.node("turn", "Transpose", [result], turn.attributes)
    return result
