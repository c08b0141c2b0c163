"""Proof: the evidence that a mended model equals the original, and what it does not cover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from rkmend.mend.region import Unproved


class Proof(msgspec.Struct, frozen=True):
    """The evidence that a mended model equals the original."""

    kind: str
    """`polynomial-identity` or `no-graph-change`."""
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
        kind="polynomial-identity",
        holds=False,
        inputs="",
        max_abs=math.inf,
        max_rel=math.inf,
        covers="",
        does_not_cover=f"It does not hold: {error}.",
    )


@dataclass(frozen=True)
class Claim:
    """What the runs of a proof would show.

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
        """The Proof, from the answers of `_prove_child`: the draws, the region's rounding, the whole model.

        Raises:
            Unproved: One of them speaks against it.
        """
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
