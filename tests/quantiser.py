"""Models that ONNX Runtime's own quantiser writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

INT8, UINT8 = QuantType.QInt8, QuantType.QUInt8
OPERATORS, PAIRS = QuantFormat.QOperator, QuantFormat.QDQ


class Random(CalibrationDataReader):
    """Four normal samples."""

    def __init__(self, model: onnx.ModelProto) -> None:
        rng = np.random.default_rng(0)
        shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
        self._samples = iter(
            [{name: rng.standard_normal(s, np.float32) for name, s in shapes.items()} for _ in range(4)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._samples, None)


def dynamic(
    model: onnx.ModelProto, folder: Path, *, per_channel: bool, weights: QuantType
) -> onnx.ModelProto:
    """Quantised at run time; products of two activations too."""
    before, after = folder / "float.onnx", folder / "dynamic.onnx"
    onnx.save(model, before)
    quantize_dynamic(
        before,
        after,
        per_channel=per_channel,
        weight_type=weights,
        extra_options={"MatMulConstBOnly": False},
    )
    return onnx.load(after)


def static(
    model: onnx.ModelProto,
    folder: Path,
    form: QuantFormat,
    *,
    per_channel: bool = False,
    activations: QuantType = UINT8,
) -> onnx.ModelProto:
    """Quantised with constant scales."""
    before, after = folder / "float.onnx", folder / "static.onnx"
    onnx.save(model, before)
    quantize_static(
        before,
        after,
        Random(model),
        quant_format=form,
        per_channel=per_channel,
        activation_type=activations,
        weight_type=INT8,
    )
    return onnx.load(after)
