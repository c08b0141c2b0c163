"""BuildOptions: what the toolkit is asked to do besides converting; set by the user, changed by mends."""

from __future__ import annotations

from typing import Any

import msgspec


class BuildOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The toolkit's own options, under the toolkit's own names (API guide 2.3.2, `rknn.config`, `rknn.build`).

    Only what differs from the defaults is passed on, so that options which an older version does not know
    are never sent to it unasked.
    """

    quantize: bool = False
    """Build an int8 model; the calibration data travels with the Trial."""
    quantized_dtype: str = "w8a8"
    quantized_algorithm: str = "normal"
    quantized_method: str = "channel"
    optimization_level: int = 3
    disable_rules: tuple[str, ...] = ()
    op_target: dict[str, str] = {}
    """Node output or operator name -> `cpu`, `npu` or `auto`."""
    single_core_mode: bool = False
    """Leave out the two- and three-core versions of every layer: the file runs on one NPU core only."""
    compress_weight: bool = False
    mean_values: tuple[tuple[float, ...], ...] = ()
    """Per input, per channel; the toolkit feeds (x - mean) / std to the network."""
    std_values: tuple[tuple[float, ...], ...] = ()
    float16_tensors: tuple[str, ...] = ()
    """Of an int8 build: tensors that stay in float16 (`custom_quantize_layers` of hybrid quantisation); those that the
    toolkit has fused away are passed over."""

    def config(self) -> dict[str, Any]:
        """The keyword arguments for `rknn.config`, besides `target_platform`."""
        changed: dict[str, Any] = msgspec.to_builtins(self)
        for ours in ("quantize", "float16_tensors"):
            changed.pop(ours, None)
        return changed

    def describe(self) -> str:
        """The options that differ from the toolkit's defaults, in a line; `defaults` if none does."""
        changed = msgspec.to_builtins(self)
        return ", ".join(f"{name}={value}" for name, value in changed.items()) or "defaults"
