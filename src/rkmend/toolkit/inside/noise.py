"""How a difference compares with what rounding alone makes of the same model: noise, or something else."""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDING = 2.0**-11
"""One rounding to fp16, relative: the least that any output of an NPU is off by."""
TINY = 1e-30
"""Against a division by zero."""
MOST = 1e9
"""Stands for any larger ratio: JSON has no infinity."""


def known_noise(path: str | None, output: str) -> dict[str, np.ndarray]:
    """What is known of the noise of an output: nothing where it was not measured."""
    if path is None:
        return {}
    with np.load(path) as arrays:
        known = {kind: f"{kind}:{output}" for kind in ("noise", "values")}
        return {kind: arrays[key] for kind, key in known.items() if key in arrays.files}


def known_parts(path: str | None, output: str) -> np.ndarray | None:
    """Which part each element of an output belongs to; None where it is one."""
    if path is None:
        return None
    with np.load(path) as arrays:
        key = f"parts:{output}"
        return arrays[key] if key in arrays.files else None


def measure(reference: np.ndarray, got: np.ndarray, known: dict[str, np.ndarray]) -> dict[str, float]:
    """Compares what the simulator is off by with what rounding alone is off by.

    Args:
        reference: What the original model computes.
        got: What the simulator gives, of the same size.
        known: `noise`: how far rounding alone takes each element. For an output of indices or of truth values that
            were just chosen or compared besides `values`: what was chosen from or compared, as [outer, choices, inner]
            or as a difference, with its noise.

    Returns:
        The fields of `toolkit.verdict.Noise`. Where rounding alone is not finite it explains nothing.
    """
    noise = np.nan_to_num(known["noise"].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    got = got.reshape(reference.shape)
    if "values" not in known:
        want, noise = reference.astype(np.float64), noise.reshape(reference.shape)
        wrong, whole = np.abs(want - got.astype(np.float64)), _rms(want)
        if reference.dtype.kind == "f":
            largest = np.abs(want).max(initial=0.0)
            return _of_numbers(wrong, noise, whole, (ROUNDING * whole, ROUNDING * largest))
        # integers have no rounding of their own, and 0 says as much as 1
        return _of_numbers(wrong, noise, max(whole, 1.0), (0.0, 0.0))
    values = known["values"].astype(np.float64)
    if reference.dtype == np.bool_:
        return _of_signs(reference.astype(bool) != got.astype(bool), values, noise)
    return _of_choices(reference, got, values, noise)


def _of_numbers(
    wrong: np.ndarray, noise: np.ndarray, whole: float, least: tuple[float, float]
) -> dict[str, float]:
    """Of quantities: how far each is off, against how far rounding takes it.

    Args:
        wrong: By how much each differs.
        noise: By how much rounding moves it.
        whole: What there is of a signal, root mean square.
        least: How far off all of them may be at any rate, root mean square, and one of them.
    """
    typical, (mean, most) = _rms(noise), least
    ratios = [_rms(wrong) / (typical + mean + TINY)]
    if wrong.ndim >= 3 and wrong.size:
        axes = (0, *range(2, wrong.ndim))
        ratios.append(_rms(wrong, axes).max() / (_rms(noise, axes).max() + mean + TINY))
    peak = wrong.max(initial=0.0) / (noise.max(initial=0.0) + most + TINY)
    return _record(typical / (whole + TINY), max(ratios), peak, np.count_nonzero(wrong))


def _of_signs(differs: np.ndarray, margins: np.ndarray, noise: np.ndarray) -> dict[str, float]:
    """Of a comparison: by how much it was decided against how far rounding moves its two sides."""
    margins = np.broadcast_to(np.abs(margins), differs.shape)
    noise = np.broadcast_to(noise, differs.shape)
    worst = np.max(margins[differs] / (noise[differs] + TINY), initial=0.0)
    return _record(_rms(noise) / (_rms(margins) + TINY), worst, worst, np.count_nonzero(differs))


def _of_choices(
    want: np.ndarray, have: np.ndarray, values: np.ndarray, noise: np.ndarray
) -> dict[str, float]:
    """Of ArgMax, ArgMin and TopK: how far what was chosen is from what should have been."""
    outer, choices, inner = values.shape
    want, have = (one.reshape(outer, -1, inner).astype(np.int64) for one in (want, have))
    differs = want != have
    inside = (have >= 0) & (have < choices)
    have = np.where(inside, have, 0)

    def at(array: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, places, axis=1)

    typical = np.sqrt(np.square(noise).mean(axis=1, keepdims=True))
    noise = np.maximum(noise, typical)
    gaps = np.abs(at(values, want) - at(values, have))
    worst = np.max((gaps / (at(noise, want) + at(noise, have) + TINY))[differs], initial=0.0)
    if not inside.all():
        worst = MOST
    spread = values - values.mean(axis=1, keepdims=True)
    return _record(_rms(noise) / (_rms(spread) + TINY), worst, worst, np.count_nonzero(differs))


def _rms(array: np.ndarray, axes: Any = None) -> Any:
    return np.sqrt(np.square(array).mean(axis=axes)) if array.size else 0.0


def _record(share: Any, ratio: Any, peak: Any, differ: Any) -> dict[str, float]:
    """All as JSON can hold it."""
    shares = {"share": share, "ratio": ratio, "peak": peak}
    known = {name: float(min(one, MOST)) if np.isfinite(one) else MOST for name, one in shares.items()}
    return {**known, "differ": int(differ)}
