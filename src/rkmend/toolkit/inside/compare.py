"""How two arrays agree: the numbers behind every claim that a model computes the same thing."""

from __future__ import annotations

from typing import Any

import numpy as np

CHANNEL_FLOOR = 0.01
"""A slice of axis 1 counts for the worst-channel cosine from this share of the strongest slice's energy on."""

PART_FLOOR = 2.0**-6
"""A part whose largest number is below this is not looked at: a score of 0.01 may as well be 0."""


def compare(
    reference: np.ndarray, got: np.ndarray, *, output: str, sample: str, parts: np.ndarray | None = None
) -> dict[str, Any]:
    """Compares one output with its reference.

    Args:
        reference: Any shape, any numeric or bool dtype.
        got: What should equal it.
        output: Name of the output, for the record.
        sample: Name of the input sample, for the record.
        parts: The number of the part that each element belongs to, where the output joins several.

    Returns:
        The fields of `toolkit.verdict.OutputAgreement`; sums are over all elements in float64. Elements where
        either side is not finite are left out of the sums and reported by `finite`.
    """
    record: dict[str, Any] = {"output": output, "sample": sample, "shape_ok": True}
    if reference.shape != got.shape:
        # The toolkit gives a rank-0 output back with one axis: the same numbers in the same order.
        if reference.size != got.size or _squeezed(reference) != _squeezed(got):
            return {**record, "shape_ok": False, **_nothing(reference)}
        got = got.reshape(reference.shape)
    want = reference.astype(np.float64)
    have = got.astype(np.float64)
    fine_want, fine_have = np.isfinite(want), np.isfinite(have)
    record["finite"] = bool(np.array_equal(fine_want, fine_have))
    record["reference_max"] = float(np.abs(want[fine_want]).max(initial=0.0))
    fine = fine_want & fine_have
    if not fine.all():
        want, have = np.where(fine, want, 0.0), np.where(fine, have, 0.0)
    record["cosine"] = _cosine(want, have)
    record["max_abs"] = float(np.abs(want - have).max(initial=0.0))
    record["max_rel"] = record["max_abs"] / (record["reference_max"] or 1.0)
    record["worst_channel_cosine"] = _worst_channel(want, have, record["cosine"])
    if parts is not None:
        record["worst_part_cosine"] = _worst_part(want.ravel(), have.ravel(), parts.ravel())
    return record


def missing(reference: np.ndarray, *, output: str, sample: str) -> dict[str, Any]:
    """The record of an output that is not there at all."""
    return {"output": output, "sample": sample, "shape_ok": False, **_nothing(reference)}


def _nothing(reference: np.ndarray) -> dict[str, Any]:
    values = reference.astype(np.float64)
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return {
        "finite": False,
        "cosine": 0.0,
        "max_abs": largest,
        "max_rel": 1.0,
        "reference_max": largest,
        "worst_channel_cosine": 0.0,
    }


def _squeezed(array: np.ndarray) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _cosine(want: np.ndarray, have: np.ndarray) -> float:
    """Cosine similarity; 1 for two zero vectors, 0 when only one is zero."""
    norms = float(np.sqrt(np.square(want).sum())) * float(np.sqrt(np.square(have).sum()))
    if norms == 0.0:
        return 1.0 if not want.any() and not have.any() else 0.0
    return min(1.0, float((want * have).sum()) / norms)


def _worst_part(want: np.ndarray, have: np.ndarray, parts: np.ndarray) -> float:
    """Smallest cosine over the parts that are not next to nothing."""
    chosen = [parts == part for part in range(parts.max(initial=-1) + 1)]
    counting = [one for one in chosen if np.abs(want[one]).max(initial=0.0) > PART_FLOOR]
    return min((_cosine(want[one], have[one]) for one in counting), default=1.0)


def _worst_channel(want: np.ndarray, have: np.ndarray, whole: float) -> float:
    """Smallest cosine over the slices of axis 1: a head that comes out all zero hides in the whole tensor."""
    if want.ndim < 3 or not 1 < want.shape[1] <= 4096:
        return whole
    axes = (0, *range(2, want.ndim))
    energy = np.square(want).sum(axis=axes)
    counts = energy > CHANNEL_FLOOR * energy.max(initial=0.0)
    if not counts.any():
        return whole
    dots = (want * have).sum(axis=axes)
    norms = np.sqrt(energy) * np.sqrt(np.square(have).sum(axis=axes))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = np.where(norms > 0, dots / norms, 0.0)
    return min(1.0, float(cosines[counts].min()))
