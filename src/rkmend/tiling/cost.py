"""What a Conv costs by the compiler's own reckoning: multiplications, bytes and cycles of one core.

Source: the cycles that toolkit 2.3.2 prints for a layer (`Network Layer Information Table`); the trials that
`rkmend.tiling.storage` names. It counts neither the start of a task nor what a row band loads twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rkmend.targets import Target
from rkmend.tiling import storage
from rkmend.tiling.bands import depthwise_chunk
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import BYTES, is_depthwise, rounded

PIXELS = 16
"""Output pixels are computed in groups of this many."""


@dataclass(frozen=True)
class Cost:
    """What one layer costs.

    Attributes:
        macs: Multiply-accumulates that the definition of the operator asks for.
        macs_padded: Those that are done, channels and pixels being padded to what is computed at once.
        input_bytes: Read from DRAM: features.
        weight_bytes: Read from DRAM: weights and bias.
        output_bytes: Written to DRAM.
        cycles_npu: Of one core, computing.
        cycles_ddr: Moving all bytes.
    """

    macs: int
    macs_padded: int
    input_bytes: int
    weight_bytes: int
    output_bytes: int
    cycles_npu: int
    cycles_ddr: int

    @property
    def total(self) -> int:
        """Cycles: the compiler takes computing and moving to overlap."""
        return max(self.cycles_npu, self.cycles_ddr)

    @property
    def bound(self) -> Literal["compute", "DRAM"]:
        """Which of the two takes longer."""
        return "compute" if self.cycles_npu >= self.cycles_ddr else "DRAM"


def conv_cost(
    geometry: ConvGeometry,
    dtype: str,
    target: Target,
    *,
    bias: bool = True,
    source: tuple[int, int] | None = None,
) -> Cost:
    """The cost of a Conv, or of a ConvTranspose as the Conv over its stuffed input.

    Args:
        geometry: Of the Conv. Groups are computed as one Conv whose other weights are zero, unless depth-wise.
        dtype: One that the target has: `fp16` or `int8`.
        target: For which.
        bias: Whether there is one; int8 always has.
        source: Height and width of the input as it lies in memory, where that is not what the geometry has.
    """
    mac = target.mac[dtype]
    batch, out_channels, rows, columns = geometry.output_shape
    taps = geometry.kernel_h * geometry.kernel_w
    pixels = batch * rounded(rows * columns, PIXELS)
    if is_depthwise(geometry) or (geometry.channels == 1 < out_channels):
        unit = target.depthwise_channels  # of one channel, all outputs are computed at once
        padded = pixels * taps * rounded(geometry.channels, unit)
        cycles = padded // unit
    else:
        kernel = max(mac.least, taps * rounded(geometry.channels, mac.channels))
        padded = pixels * kernel * rounded(out_channels, mac.kernels)
        cycles = padded // mac.per_cycle
    height, width = source or (geometry.height, geometry.width)
    read = storage.input_bytes(geometry, batch * height * width, dtype, target)
    weights = storage.weight_bytes(geometry, dtype, target)
    if bias or dtype == "int8":
        weights += storage.bias_bytes(geometry, dtype, target)
    stored = storage.output_channels(geometry, dtype, target)
    if target.depthwise_overhang and is_depthwise(geometry):
        parts = depthwise_chunk(geometry, BYTES[dtype], target) < geometry.channels
        stored += mac.kernels if parts else 0
    written = batch * rows * columns * stored * BYTES[dtype]
    return Cost(
        macs=batch * rows * columns * out_channels * taps * geometry.channels // geometry.groups,
        macs_padded=padded,
        input_bytes=read,
        weight_bytes=weights,
        output_bytes=written,
        cycles_npu=cycles,
        cycles_ddr=dram_cycles(read + weights + written, target),
    )


def dram_cycles(moved: int, target: Target) -> int:
    """Cycles that it takes to move so many bytes."""
    return round(moved / target.dram_bytes_per_cycle)
