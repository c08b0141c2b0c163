"""RKM209: BatchNormalization in training mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.forms import reduced, reshaped
from rkmend.rules.operands import known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.operators.per_channel import along_channels
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class BatchNormTraining(OperatorRule):
    """A BatchNormalization that was exported in training mode: it uses the statistics of the input itself.

    ## What happens

    `build` raises:

        ValueError: The '...' of type BatchNormalization is in Training mode, which is not supperted.

    ## Why

    The toolkit has inference in mind.

    ## Example

    `BatchNormalization` with `training_mode` 1. Most models with it were exported so by mistake: then export again
    after `model.eval()`, which is cheaper and gives other numbers.

    ## What rkmend does

    * `statistics`: normalises each channel by InstanceNormalization, the batch laid out as one image, and updates the
      running statistics where they are read. (Written out with ReduceMean it is taken for a LayerNormalization by the
      toolkit's rule `replace_torch_layernorm3`, which raises.)

    ## Exactness and its limits

    `rounding`: the same numbers in another order. This is what the model says, in training mode.

    ## Evidence

    Toolkit 2.3.2, rk3588: two backend tests of ONNX, with and without the running statistics.
    """

    code = "RKM209"
    name = "batch-norm-training"
    level = Level.ERROR
    operators = frozenset({"BatchNormalization"})
    mend = "statistics"
    summary = "Normalises each channel by its own mean and variance."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """In training mode."""
        return {} if node.attributes.get_int("training_mode", 0) else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"BatchNormalization '{node.name}' is in training mode."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Mean, variance, and what they are used for."""
        value, scale, bias, *running = node.inputs
        shape = known_shape(value)
        if value is None or len(shape) < 2:
            raise CannotApply("it has no axis of channels")
        unit = _normalised(new, value, shape, node.attributes.get_float("epsilon", 1e-5))
        scaled = new.node("scaled", "Mul", [unit, along_channels(new, "scale", scale, len(shape))])
        made = new.node("normalised", "Add", [scaled, along_channels(new, "bias", bias, len(shape))])
        momentum = node.attributes.get_float("momentum", 0.9)
        wanted = [output.uses() or output.is_graph_output() for output in node.outputs[1:]]
        statistics = _statistics(new, value, len(shape)) if any(wanted) else ()
        updates = (
            _updated(new, name, old, batch, momentum)
            for name, old, batch in zip(("mean", "variance"), running, statistics, strict=False)
        )
        return [made, *(updates if any(wanted) else [None] * len(wanted))]


def _normalised(new: Replacement, value: ir.Value, shape: Sequence[int], epsilon: float) -> ir.Value:
    """Each channel less its mean, divided by its deviation: InstanceNormalization, the batch laid out as one image."""
    import numpy as np

    batch, channels = shape[:2]
    single = batch == 1 and len(shape) > 2
    swapped = {"perm": [1, 0, *range(2, len(shape))]}
    image = value
    if not single:
        image = new.node("channels_first", "Transpose", [value], swapped)
        image = reshaped(new, "image", image, [1, channels, -1, 1])
    assert value.dtype is not None
    one, zero = (
        new.constant(name, np.full(channels, number, value.dtype.numpy()))
        for name, number in (("one", 1), ("zero", 0))
    )
    unit = new.node("unit", "InstanceNormalization", [image, one, zero], {"epsilon": epsilon})
    if single:
        return unit
    back = reshaped(new, "back", unit, [channels, batch, *shape[2:]])
    return new.node("batch_first", "Transpose", [back], swapped)


def _statistics(new: Replacement, value: ir.Value, rank: int) -> tuple[ir.Value, ir.Value]:
    """Mean and variance of each channel, as vectors."""
    axes = [axis for axis in range(rank) if axis != 1]
    mean = reduced(new, "mean", "ReduceMean", value, axes)
    centred = new.node("centred", "Sub", [value, mean])
    variance = reduced(new, "variance", "ReduceMean", new.node("squared", "Mul", [centred, centred]), axes)
    return reshaped(new, "batch_mean", mean, [-1]), reshaped(new, "batch_variance", variance, [-1])


def _updated(new: Replacement, name: str, old: ir.Value | None, batch: ir.Value, momentum: float) -> ir.Value:
    """The running statistic: momentum times the old one and the rest of the batch's."""
    import numpy as np

    assert batch.dtype is not None
    kept, added = (
        new.constant(f"{part}_{name}", np.array([share], batch.dtype.numpy()))
        for part, share in (("kept", momentum), ("added", 1 - momentum))
    )
    parts = [
        new.node(f"old_part_{name}", "Mul", [old, kept]),
        new.node(f"new_part_{name}", "Mul", [batch, added]),
    ]
    return new.node(f"running_{name}", "Add", parts)
