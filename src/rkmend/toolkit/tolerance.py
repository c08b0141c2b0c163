"""How far the simulator may be from ONNX Runtime before a verdict is `wrong`, and why."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rkmend.toolkit.verdict import OutputAgreement


class Tolerance(msgspec.Struct, frozen=True):
    """What still counts as the same numbers."""

    dtype: str
    cosine: float
    """Smallest cosine similarity of a whole output."""
    channel_cosine: float
    """Smallest cosine similarity of any slice of axis 1 that carries weight."""
    max_rel: float
    """Largest absolute difference, as a share of the largest reference value."""
    floor: float
    """Outputs whose largest reference value is below this are compared by absolute difference against it."""
    reason: str
    noise_factor: float = 0.0
    """A difference of up to so many times what rounding alone makes is noise; with 0 it explains nothing."""

    def holds(self, found: OutputAgreement) -> bool:
        """Whether one output of one sample is the same within this tolerance."""
        if not found.shape_ok or not found.finite:
            return False
        if found.reference_max <= self.floor:
            return found.max_abs <= self.floor
        return (
            not loses_a_part(found)
            and found.cosine >= self.cosine
            and found.worst_channel_cosine >= self.channel_cosine
            and found.max_rel <= self.max_rel
        )


FP16 = Tolerance(
    dtype="fp16",
    cosine=0.999,
    channel_cosine=0.99,
    max_rel=0.1,
    floor=2.0**-10,
    noise_factor=4.0,
    reason=(
        "an fp16 NPU rounds every tensor to 11 bits (2^-11 = 0.05 %); over a few hundred layers that random-walks "
        "to about 1 % of the signal, a cosine of 0.99995; 0.999 is a noise of 4.5 %, more than rounding can make. "
        "The simulator's difference was 0.3 to 3.3 times that of rounding every tensor to fp16 for outputs of eight "
        "networks that are right, and 3.6 to 16, sample by sample, for one with a wrong MaxPool"
    ),
)

INT8 = Tolerance(
    dtype="int8",
    cosine=0.98,
    channel_cosine=0.9,
    max_rel=0.5,
    floor=2.0**-6,
    noise_factor=2.0,
    reason=(
        "an int8 tensor has 256 steps (0.2 % noise of full scale per layer, more where the range is skewed); over "
        "tens of layers a cosine of 0.98, a noise of 20 %, is the edge of what calibrated networks show. "
        "The simulator's difference was 0.3 to 1.1 times that of rounding every tensor to its steps, for single layers "
        "of 50 kinds"
    ),
)


def tolerance_for(*, quantized: bool) -> Tolerance:
    """The tolerance for a build."""
    return INT8 if quantized else FP16


TELLING = 0.3
"""Noise of up to this share of the signal leaves a sample that tells right from wrong."""
PART_COSINE = 0.5
"""A part of an output that is further off than this is lost. Rounding explains it and is no excuse: boxes and scores in
one int8 output leave the scores all zero, which no sample shows in the whole."""


def loses_a_part(found: OutputAgreement) -> bool:
    """Whether nothing is left of one of the tensors that were joined to an output."""
    return found.worst_part_cosine < PART_COSINE


def is_noise(found: OutputAgreement, tolerance: Tolerance) -> bool:
    """Whether rounding alone makes a difference of that size."""
    if found.noise is None or not found.shape_ok or not found.finite:
        return False
    return found.noise.times <= tolerance.noise_factor


def explained(found: OutputAgreement, tolerance: Tolerance) -> bool:
    """Whether a difference is that of rounding and leaves something of all parts."""
    return is_noise(found, tolerance) and not loses_a_part(found)


def disagreements(found: Iterable[OutputAgreement], tolerance: Tolerance) -> list[OutputAgreement]:
    """The outputs that differ by more than the tolerance and more than rounding explains.

    A sample on which rounding leaves nothing but noise speaks neither for nor against a model; so the noise of an
    output is no excuse unless the output was found right on another sample that is above the noise.
    """
    found = list(found)
    sound = {agreement.output for agreement in found if _tells(agreement, tolerance)}
    return [
        agreement
        for agreement in found
        if not tolerance.holds(agreement)
        and not (agreement.output in sound and explained(agreement, tolerance))
    ]


def _tells(found: OutputAgreement, tolerance: Tolerance) -> bool:
    """Whether an output is right on a sample that would show it if it were not."""
    if found.noise is None or tolerance.holds(found):
        return tolerance.holds(found) and found.reference_max > tolerance.floor
    return explained(found, tolerance) and found.noise.share <= TELLING
