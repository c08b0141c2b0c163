"""Proof: the evidence that a mended model equals the original, and what it does not cover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from rkmend.mend.region import Unproved


class Proof(msgspec.Struct, frozen=True):
    """The evidence that a mended model equals the original."""

    kind: str
    """`polynomial-identity`, `element-places`, `numeric-comparison` or `no-graph-change`; docs/proof.md."""
    holds: bool
    inputs: str
    """What was fed."""
    max_abs: float
    """Largest absolute difference of any output of the whole model, in ONNX Runtime, with its own weights."""
    max_rel: float
    """The same, divided by the largest absolute value of that output."""
    covers: str
    """What is proved; empty when the proof does not hold."""
    does_not_cover: str
    """What is left open; when the proof does not hold, what speaks against it."""


NO_GRAPH_CHANGE = Proof(
    kind="no-graph-change",
    holds=True,
    inputs="none",
    max_abs=0.0,
    max_rel=0.0,
    covers="The graph is the original one; only the build options differ.",
    does_not_cover="What the compiler makes of the option (see the verification) and the board.",
)


def refuted(error: Exception) -> Proof:
    """The Proof that failed, and why."""
    return Proof(
        kind="none",
        holds=False,
        inputs="",
        max_abs=math.inf,
        max_rel=math.inf,
        covers="",
        does_not_cover=f"It does not hold: {error}.",
    )


class Claim(Protocol):
    """What the runs of a proof would show."""

    def judged(self, answers: list[Any]) -> Proof:
        """The Proof, from the answers of `_prove_child` to the jobs of the claim.

        Raises:
            Unproved: One of them speaks against it.
        """
        ...


@dataclass(frozen=True)
class SamePolynomials:
    """Both sides are polynomials that agree on random whole numbers, and by rounding on the model's weights.

    Attributes:
        magnitude: Of the whole numbers that are fed.
        draws: How often they are drawn.
        degree: Of the polynomials.
        survival: Probability at most that a wrong rewrite passes all draws.
    """

    magnitude: int
    draws: int
    degree: int
    survival: float

    def judged(self, answers: list[Any]) -> Proof:
        """See `Claim.judged`: the draws, the region's rounding, the whole model."""
        for number, difference in enumerate(answers[: self.draws]):
            if difference:
                raise Unproved(f"with whole numbers (draw {number}) {difference}")
        used = answers[self.draws]["of_bound"]
        if not used <= 1:
            raise Unproved(
                f"with the model's own weights the difference is {used:.3g} times what rounding explains"
            )
        return Proof(
            kind="polynomial-identity",
            holds=True,
            inputs=f"{self.draws} draws of whole numbers in [-{self.magnitude}, {self.magnitude}] for weights and "
            "inputs of the region; standard normal inputs with the model's own weights",
            max_abs=answers[-1]["max_abs"],
            max_rel=answers[-1]["max_rel"],
            covers="At this shape, in real arithmetic, the region gives the same outputs for all finite inputs, "
            f"weights and biases: both sides are polynomials of degree {self.degree}, equal on {self.draws} random "
            f"draws computed without rounding; a wrong one would pass with probability {self.survival:.0e} at most. "
            "The rest of the graph is untouched. With the model's own weights the region differs by "
            f"{used:.2g} of the bound for float rounding.",
            does_not_cover="NaN and infinite inputs, overflow, the sign of zeros, the NPU's own rounding "
            "(see the verification) and the board.",
        )


class SamePlaces:
    """Both sides only move elements, and every element to the same place."""

    def judged(self, answers: list[Any]) -> Proof:
        """See `Claim.judged`: the places, the whole model."""
        if answers[0]:
            raise Unproved(f"with a number for each element {answers[0]}")
        last = answers[-1] or {
            "max_abs": 0.0,
            "max_rel": 0.0,
        }  # of the whole model, where the region is not all of it
        return Proof(
            kind="element-places",
            holds=True,
            inputs="inputs of the region in which every element is a number of its own",
            max_abs=last["max_abs"],
            max_rel=last["max_rel"],
            covers="At this shape, for all inputs, NaN and infinite ones included: the operators of the region only "
            "move elements, and every output element comes from the same input element. The rest of the graph is "
            "untouched.",
            does_not_cover="The NPU's own rounding (see the verification) and the board.",
        )


@dataclass(frozen=True)
class SameNumbers:
    """Both sides give the same numbers on random inputs, as far as their exactness says.

    Attributes:
        tolerance: Largest difference allowed, relative to the largest value of an output; 0 for bit for bit.
        whole: Whether the whole model was compared, and not a region of it.
        noise: Where it is not 0: the largest root mean square of the difference that is allowed, relative to
            that of the output; then `tolerance` does not count.
    """

    tolerance: float
    whole: bool
    noise: float = 0.0

    def judged(self, answers: list[Any]) -> Proof:
        """See `Claim.judged`: the comparison, the whole model."""
        found, last = answers[0], answers[-1]
        if self.noise and not found["rms_rel"] <= self.noise:
            raise Unproved(
                f"the root mean square of the difference is {found['rms_rel']:.3g} of that of the output; "
                f"{self.noise:.3g} is allowed"
            )
        if not self.noise and not found["max_rel"] <= self.tolerance:
            raise Unproved(
                f"the outputs differ by {found['max_abs']:.4g}, {found['max_rel']:.3g} of the largest value; "
                f"{self.tolerance:.3g} is allowed"
            )
        what = "model" if self.whole else "region"
        same = (
            "the same outputs bit for bit"
            if self.tolerance == 0 and not self.noise
            else f"outputs that differ by {found['rms_rel']:.2g} in the root mean square"
            if self.noise
            else f"outputs within {self.tolerance:.2g} of the largest value"
        )
        rest = "" if self.whole else " The rest of the graph is untouched."
        return Proof(
            kind="numeric-comparison",
            holds=True,
            inputs=f"{int(found['draws'])} inputs of the {what}: normal, ten times as large, in [0, 1), zeros, ones",
            max_abs=last["max_abs"],
            max_rel=last["max_rel"],
            covers=f"At this shape, in {found['engines']} and with the model's own weights, the {what} gives {same} on "
            f"these inputs.{rest}",
            does_not_cover="Other inputs: this is a test, not a proof for all of them. The NPU's own rounding (see the "
            "verification) and the board.",
        )
