"""Plan: what `plan` gives back and what `--json` prints, field by field the same."""

from __future__ import annotations

from typing import Literal

import msgspec

from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.split import Split

SCHEMA = "rkmend-plan/1"
"""Raised when a field changes its meaning or goes away; new fields may come without."""

Kind = Literal["Conv", "depth-wise Conv", "ConvTranspose", "MatMul", "other", "view", "fused"]


class LayerPlan(msgspec.Struct, frozen=True):
    """One operator of the model."""

    name: str
    operator: str
    """As ONNX calls it."""
    kind: Kind
    """The first four are computed by the convolution unit. A view moves nothing, a fused operator is computed along
    with the layer that `into` names."""
    input_shapes: tuple[tuple[int, ...] | None, ...]
    """None where the shape does not follow from the inputs of the model."""
    output_shape: tuple[int, ...] | None
    dtype: str
    into: str = ""
    fused: tuple[str, ...] = ()
    """Operators that are computed along with it, by their ONNX names."""
    geometry: ConvGeometry | None = None
    """Of the convolution that it is computed as."""
    split: Split | None = None
    unsplit: str = ""
    """Why there is no `split`."""
    macs: int = 0
    macs_padded: int = 0
    """With channels and pixels padded to what is computed at once."""
    input_bytes: int = 0
    weight_bytes: int = 0
    output_bytes: int = 0
    cycles_npu: int | None = None
    """Computing, on one core; None where it is not estimated."""
    cycles_ddr: int | None = None
    cycles: int | None = None
    """The larger of the two."""
    bound: Literal["compute", "DRAM"] | None = None
    live_bytes: int = 0
    """Features that are in memory while it runs: its own, and those that later layers read."""

    @property
    def computed(self) -> bool:
        """Whether the convolution unit computes it."""
        return self.cycles_npu is not None

    @property
    def utilisation(self) -> float | None:
        """Share of the multiplications that are not with padding."""
        # of one input channel the compiler counts the taps once for all outputs
        return min(1.0, self.macs / self.macs_padded) if self.macs_padded else None

    @property
    def moved_bytes(self) -> int:
        """From and to DRAM."""
        return self.input_bytes + self.weight_bytes + self.output_bytes


class Totals(msgspec.Struct, frozen=True):
    """Over all layers."""

    macs: int
    macs_padded: int
    cycles: int
    """Of what the convolution unit computes: comparable with the sum that the toolkit prints."""
    cycles_compute_bound: int
    """Of them, those of layers that computing bounds."""
    cycles_other: int
    """For moving the features of all other layers; the toolkit's table has 0 for them."""
    moved_bytes: int
    """From and to DRAM."""
    weight_bytes: int
    peak_bytes: int
    """Features in memory at once, at most."""
    peak_at: str
    """The layer at which they are."""


class Plan(msgspec.Struct, frozen=True):
    """A model on a Target."""

    model: str
    target: str
    dtype: str
    layers: tuple[LayerPlan, ...]
    """In graph order; without operators whose results are constants."""
    totals: Totals
    schema: str = SCHEMA
