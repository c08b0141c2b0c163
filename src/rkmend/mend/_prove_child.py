"""Runs pairs of models in ONNX Runtime for `prove`, in a process whose memory goes when it ends.

    python -m rkmend.mend._prove_child JOBS.json

reads a list of `{"kind": ..., arguments}` and prints the list of answers as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
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


class Session:
    """A model, run as it is written: the optimiser would make two of two forms of the same thing."""

    def __init__(self, path: str) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

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
        """Inputs of one of `KINDS`; 0 and 1 where the dtype is not a floating-point one (they may be indices)."""
        rng, feed = _generator(seed), {}
        for spec in self._session.get_inputs():
            dtype = np.dtype(DTYPES[spec.type])
            if np.issubdtype(dtype, np.floating):
                feed[spec.name] = KINDS[kind](rng, spec.shape).astype(dtype, copy=False)
            else:
                feed[spec.name] = rng.integers(0, 2, spec.shape).astype(dtype)
        return feed

    def run(self, feed: dict[str, Array]) -> list[Array]:
        """The outputs."""
        result: list[Array] = self._session.run(None, feed)
        return result


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))  # the fastest; inputs may have 10^8 elements


def identity(before: str, after: str, magnitude: int, seed: int) -> str:
    """Where two models first differ on whole numbers; empty when nowhere. +0 and -0 are equal."""
    session = Session(before)
    feed = session.integers(magnitude, seed)
    return _first_difference(session.run(feed), Session(after).run(feed))


def places(before: str, after: str) -> str:
    """Where two models first put another element, when every element of the inputs has a number of its own."""
    session, feed, first = Session(before), {}, 0
    for name, shape in session.shapes().items():
        size = int(np.prod(shape, dtype=np.int64))
        feed[name] = np.arange(first, first + size, dtype=np.float32).reshape(shape)
        first += size
    return _first_difference(session.run(feed), Session(after).run(feed))


def numeric(before: str, after: str, seed: int) -> dict[str, float]:
    """How two models differ on inputs of several kinds: normal, large, small and positive, zeros, ones."""
    session, other = Session(before), Session(after)
    worst: dict[str, float] = {"max_abs": 0.0, "max_rel": 0.0, "draws": 0.0}
    for number, kind in enumerate(KINDS):
        feed = session.drawn(kind, seed + number)
        found = _differences(session.run(feed), other.run(feed))
        worst = {
            "max_abs": max(worst["max_abs"], found["max_abs"]),
            "max_rel": max(worst["max_rel"], found["max_rel"]),
            "draws": worst["draws"] + 1,
        }
    return worst


def rounding(before: str, after: str, absolute: str, factor: float, seed: int) -> dict[str, float]:
    """How two models differ on normal inputs, and how much of a rounding error bound that uses up.

    Args:
        before: The original.
        after: The mended one.
        absolute: The original in float32 with the absolute values of its weights.
        factor: The bound is this times what `absolute` gives for the absolute values of the inputs.
        seed: Of the inputs.
    """
    session = Session(before)
    feed = session.normal(seed)
    ours, theirs = session.run(feed), Session(after).run(feed)
    sizes = Session(absolute).run(
        {name: np.abs(array).astype(np.float32, copy=False) for name, array in feed.items()}
    )
    del feed
    answer = _differences(ours, theirs)
    answer["of_bound"] = 0.0
    for x, y, size in zip(ours, theirs, sizes, strict=True):
        share = np.divide(_distance(x, y), size * np.float32(factor), where=size > 0, out=_distance(x, y))
        answer["of_bound"] = max(answer["of_bound"], float(share.max(initial=0)))
    return answer


def model(before: str, after: str, seed: int) -> dict[str, float]:
    """How two whole models differ on normal inputs."""
    session = Session(before)
    feed = session.normal(seed)
    return _differences(session.run(feed), Session(after).run(feed))


def _first_difference(before: list[Array], after: list[Array]) -> str:
    for ours, theirs in zip(before, after, strict=True):
        if ours.shape != theirs.shape:
            return f"shape {list(ours.shape)} became {list(theirs.shape)}"
        wrong = ours != theirs
        if wrong.any():
            place = np.unravel_index(int(wrong.argmax()), wrong.shape)
            return f"{int(wrong.sum())} of {wrong.size} outputs differ, first at {[int(i) for i in place]}"
    return ""


def _differences(before: list[Array], after: list[Array]) -> dict[str, float]:
    """The largest absolute difference, and the largest relative to the largest value of its output."""
    max_abs = max_rel = 0.0
    for ours, theirs in zip(before, after, strict=True):
        if ours.shape != theirs.shape:
            return {"max_abs": float("inf"), "max_rel": float("inf")}
        largest = float(_distance(ours, theirs).max(initial=0))
        scale = float(np.abs(ours).max(initial=0))
        max_abs = max(max_abs, largest)
        max_rel = max(max_rel, largest / (scale or 1.0))
    return {"max_abs": max_abs, "max_rel": max_rel}


def _distance(ours: Array, theirs: Array) -> Array:
    """Element by element, in float32; 0 where both are NaN or the same infinity."""
    distance = np.abs(ours.astype(np.float32, copy=False) - theirs.astype(np.float32, copy=False))
    if not np.isfinite(distance).all():
        alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        distance = np.where(alike, 0, np.nan_to_num(distance, nan=np.inf))
    return distance


def main() -> None:
    """Answers the jobs of the file named on the command line."""
    kinds: dict[str, Callable[..., Any]] = {
        "identity": identity,
        "places": places,
        "numeric": numeric,
        "rounding": rounding,
        "model": model,
    }
    jobs: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    answers: list[Any] = [kinds[job.pop("kind")](**job) for job in jobs]
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
