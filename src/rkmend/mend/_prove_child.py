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

from rkmend.mend._session import KINDS, Array, Session


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


def numeric(before: str, after: str, seed: int, left_out: dict[str, str] | None = None) -> dict[str, Any]:
    """How two models differ on inputs of several kinds: normal, large, small and positive, zeros, ones.

    Args:
        before: The original.
        after: The other one; its inputs and outputs may have other shapes and dtypes.
        seed: Of the inputs.
        left_out: Outputs that only `before` has -> the input whose value they are said to be.
    """
    session, other = Session(before), Session(after)
    worst: dict[str, float] = {"max_abs": 0.0, "max_rel": 0.0, "rms_rel": 0.0, "draws": 0.0}
    for number, kind in enumerate(KINDS):
        feed = session.drawn(kind, seed + number)
        ours, theirs = session.run(feed), other.run(feed)
        theirs |= {name: feed[source] for name, source in (left_out or {}).items()}
        found = _differences(ours, {name: _reshaped(theirs[name], ours[name]) for name in ours})
        worst = {
            "max_abs": max(worst["max_abs"], found["max_abs"]),
            "max_rel": max(worst["max_rel"], found["max_rel"]),
            "rms_rel": max(worst["rms_rel"], found["rms_rel"]),
            "draws": worst["draws"] + 1,
        }
    return {**worst, "engines": " and ".join(dict.fromkeys((session.engine, other.engine)))}


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
    for name, size in sizes.items():
        x, y = ours[name], theirs[name]
        share = np.divide(_distance(x, y), size * np.float32(factor), where=size > 0, out=_distance(x, y))
        answer["of_bound"] = max(answer["of_bound"], float(share.max(initial=0)))
    return answer


def model(before: str, after: str, seed: int) -> dict[str, float]:
    """How two whole models differ on normal inputs."""
    session = Session(before)
    feed = session.normal(seed)
    return _differences(session.run(feed), Session(after).run(feed))


def _first_difference(before: dict[str, Array], after: dict[str, Array]) -> str:
    for name, ours in before.items():
        theirs = after[name]
        if ours.shape != theirs.shape:
            return f"shape {list(ours.shape)} became {list(theirs.shape)}"
        wrong = ours != theirs
        if wrong.any():
            place = np.unravel_index(int(wrong.argmax()), wrong.shape)
            return f"{int(wrong.sum())} of {wrong.size} outputs differ, first at {[int(i) for i in place]}"
    return ""


def _reshaped(array: Array, like: Array) -> Array:
    fitting: Array = array.reshape(like.shape) if array.size == like.size else array
    return fitting


def _differences(before: dict[str, Array], after: dict[str, Array]) -> dict[str, float]:
    """The largest absolute difference, and two relative ones, each for the output where it is largest.

    `max_rel` is the largest difference over the largest value, `rms_rel` the same of root mean squares.
    """
    max_abs = max_rel = rms_rel = 0.0
    for name, ours in before.items():
        theirs = after[name]
        if ours.shape != theirs.shape:
            return {"max_abs": float("inf"), "max_rel": float("inf"), "rms_rel": float("inf")}
        distance = _distance(ours, theirs)
        largest = float(distance.max(initial=0))
        scale = float(np.abs(ours.astype(_precision(ours), copy=False)).max(initial=0))
        max_abs = max(max_abs, largest)
        max_rel = max(max_rel, largest / (scale or 1.0))
        rms_rel = max(rms_rel, _rms(distance) / (_rms(ours) or 1.0))
    return {"max_abs": max_abs, "max_rel": max_rel, "rms_rel": rms_rel}


def _rms(array: Array) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))) if array.size else 0.0


def _distance(ours: Array, theirs: Array) -> Array:
    """Element by element; 0 where both are NaN or the same infinity."""
    precision = _precision(ours)
    distance: Array = np.abs(ours.astype(precision, copy=False) - theirs.astype(precision, copy=False))
    if not np.isfinite(distance).all():
        alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        distance = np.where(alike, 0, np.nan_to_num(distance, nan=np.inf))
    return distance


def _precision(array: Array) -> type[np.floating[Any]]:
    """In which to subtract: float32 is too narrow for integers and float64."""
    narrow = array.dtype in (np.float32, np.float16, np.bool_)
    return np.float32 if narrow else np.float64


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
