"""How much memory features take, layer by layer: each from the layer that writes it to the last that reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.targets import Target
from rkmend.tiling.storage import BYTES, IMAGE_CHANNELS, feature_bytes

if TYPE_CHECKING:
    import onnx_ir as ir


def value_bytes(value: ir.Value | None, dtype: str, target: Target) -> int:
    """Bytes of a value in DRAM; 0 where its shape is unknown. Floats are kept as the model's dtype."""
    shape = static_shape(value)
    if value is None or shape is None or value.dtype is None:
        return 0
    count = math.prod(shape)
    if not value.dtype.is_floating_point():
        return math.ceil(count * value.dtype.itemsize)
    if len(shape) < 2 or (len(shape) == 4 and shape[1] in IMAGE_CHANNELS and value.is_graph_input()):
        return count * BYTES[dtype]
    channels = shape[1] if len(shape) < 4 else shape[-3]  # what leads them is a batch
    return feature_bytes(channels, count // max(1, channels), dtype, target)


def live_bytes(
    steps: Sequence[tuple[Iterable[ir.Value], Iterable[ir.Value]]],
    outputs: Iterable[ir.Value],
    sizes: dict[ir.Value, int],
) -> list[int]:
    """Bytes in memory during each step.

    Args:
        steps: What each reads and writes; views resolved to what they show.
        outputs: Of the model; they stay to the end.
        sizes: Bytes of every value.
    """
    last = {value: place for place, (reads, writes) in enumerate(steps) for value in (*reads, *writes)}
    last.update((value, len(steps)) for value in outputs)
    first = {value: place for place, (_reads, writes) in reversed([*enumerate(steps)]) for value in writes}
    change = [0] * (len(steps) + 1)
    for value, end in last.items():
        change[first.get(value, 0)] += sizes[value]  # what no step writes comes in from outside
        change[min(end + 1, len(steps))] -= sizes[value]
    now, found = 0, []
    for difference in change[:-1]:
        now += difference
        found.append(now)
    return found
