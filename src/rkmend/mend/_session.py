"""Session: a model that is run for a proof, in ONNX Runtime or, where that has no kernel for it, as ONNX defines it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint64)": np.uint64,
    "tensor(uint32)": np.uint32,
    "tensor(uint16)": np.uint16,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}

KINDS: dict[str, Callable[[np.random.Generator, list[int]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape, np.float32),
    "large": lambda rng, shape: rng.standard_normal(shape, np.float32) * np.float32(10),
    "unit": lambda rng, shape: rng.random(shape, np.float32),
    "zeros": lambda _rng, shape: np.zeros(shape, np.float32),
    "ones": lambda _rng, shape: np.ones(shape, np.float32),
}
LARGE = "large"
INTEGERS = 100
"""Largest integer that is fed under `LARGE`, where a model takes it; no dtype is too small for it."""


class _Evaluator:
    """The reference evaluator of the onnx package in the manner of an InferenceSession: slow, and complete."""

    @dataclass(frozen=True)
    class Spec:
        """As ONNX Runtime describes an input or output."""

        name: str
        type: str
        shape: list[int]

    def __init__(self, path: str) -> None:
        import onnx
        from onnx.reference import ReferenceEvaluator

        model = onnx.load(path)
        self._evaluator = ReferenceEvaluator(model)
        stored = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [self._spec(value) for value in model.graph.input if value.name not in stored]
        self._outputs = [self._spec(value) for value in model.graph.output]

    def get_inputs(self) -> list[Spec]:
        """Those that have to be fed."""
        return self._inputs

    def get_outputs(self) -> list[Spec]:
        """In graph order."""
        return self._outputs

    def run(self, _names: None, feed: dict[str, Array]) -> list[Array]:
        """All outputs."""
        return [np.asarray(array) for array in self._evaluator.run(None, feed)]

    def _spec(self, value: Any) -> Spec:  # noqa: ANN401 - the onnx package has no types
        import onnx

        kind = value.type.tensor_type
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
        word = {"float32": "float", "float64": "double"}.get(dtype, dtype)
        return self.Spec(value.name, f"tensor({word})", [axis.dim_value for axis in kind.shape.dim])


class Session:
    """A model, run as it is written: the optimiser would make two of two forms of the same thing.

    Attributes:
        engine: What runs it, in words.
    """

    def __init__(self, path: str) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self.engine = "ONNX Runtime"
        try:
            self._session: Any = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except (NoKernel, InvalidGraph, Fail):  # no kernel for this operator set, or for these dtypes
            self._session, self.engine = _Evaluator(path), "the reference evaluator of onnx"

    def integers(self, magnitude: int, seed: int) -> dict[str, Array]:
        """Inputs of whole numbers, uniform in [-magnitude, magnitude]."""
        rng = _generator(seed)
        return {
            spec.name: rng.integers(-magnitude, magnitude + 1, spec.shape, np.int16).astype(np.float32)
            for spec in self._session.get_inputs()
        }

    def normal(self, seed: int) -> dict[str, Array]:
        """Standard normal inputs; zeros where the dtype is not a floating-point one (they may be indices)."""
        rng = _generator(seed)
        feed = {}
        for spec in self._session.get_inputs():
            dtype = np.dtype(DTYPES[spec.type])
            if np.issubdtype(dtype, np.floating):
                feed[spec.name] = rng.standard_normal(spec.shape, np.float32).astype(dtype, copy=False)
            else:
                feed[spec.name] = np.zeros(spec.shape, dtype)
        return feed

    def shapes(self) -> dict[str, list[int]]:
        """Of the inputs, by name."""
        return {spec.name: spec.shape for spec in self._session.get_inputs()}

    def drawn(self, kind: str, seed: int) -> dict[str, Array]:
        """Inputs of one of `KINDS`; where the dtype is not a floating-point one, the first of these that it runs on.

        Whole numbers of any size (as indices they are out of bounds), 0 and 1, positive ones (divisors).
        """
        ranges = [(0, 1), (1, INTEGERS)]
        if kind == LARGE:
            ranges.insert(0, (-INTEGERS, INTEGERS))
        feeds = [self._drawn(kind, seed, low, high) for low, high in ranges]
        if any(array.dtype.kind in "iu" for array in feeds[0].values()):
            for feed in feeds:
                with contextlib.suppress(Exception):
                    self.run(feed)
                    return feed
        return feeds[0]

    def _drawn(self, kind: str, seed: int, low: int, high: int) -> dict[str, Array]:
        rng, feed = _generator(seed), {}
        for spec in self._session.get_inputs():
            dtype = np.dtype(DTYPES[spec.type])
            if np.issubdtype(dtype, np.floating):
                feed[spec.name] = KINDS[kind](rng, spec.shape).astype(dtype, copy=False)
            else:
                lowest = low if dtype.kind == "i" else max(low, 0)
                feed[spec.name] = rng.integers(lowest, high, spec.shape, endpoint=True).astype(dtype)
        return feed

    def run(self, feed: dict[str, Array]) -> dict[str, Array]:
        """The outputs by name, from inputs that may have another shape and dtype in another form of the model."""
        specs = self._session.get_inputs()
        fitting = {spec.name: _fitted(feed[spec.name], spec.shape, DTYPES[spec.type]) for spec in specs}
        results: list[Array] = self._session.run(None, fitting)
        return dict(zip((spec.name for spec in self._session.get_outputs()), results, strict=True))


def _fitted(array: Array, shape: list[int], dtype: type) -> Array:
    fitting: Array = np.asarray(array).reshape(shape).astype(dtype, copy=False)
    return fitting


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))  # the fastest; inputs may have 10^8 elements
