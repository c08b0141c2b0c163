"""Reduction: what a reduction gives back and what stands in reduction.json, field by field the same."""

from __future__ import annotations

import msgspec

from rkmend.diagnose.oracle import Observation

SCHEMA = "rkmend-reduction/1"
"""Raised when a field changes its meaning or goes away; new fields may come without."""


class NodeFacts(msgspec.Struct, frozen=True):
    """A node that is left."""

    name: str
    """In the reproducer."""
    operator: str
    original: str
    """The name of the node it comes from in the model as given."""
    inputs: tuple[str, ...]
    """What it reads, for example `float32 [1, 384, 3, 1198]`; `-` for an input that is left out."""
    outputs: tuple[str, ...]
    attributes: dict[str, str]


class Proviso(msgspec.Struct, frozen=True):
    """One line of the certificate: an element of the reproducer, a way to simplify it, and why it has to stay."""

    element: str
    change: str
    observation: Observation | None
    """Of the simplified model: it converted, or failed in another way. None when there was nothing to try."""
    reason: str
    """Why there was nothing to try: the change gives no valid model. Empty when there is an observation."""


class OtherFailure(msgspec.Struct, frozen=True):
    """A failure of another kind that candidates ran into: no progress here, perhaps a second bug."""

    failure: str
    count: int
    label: str
    """Of the first candidate that gave it."""
    file: str
    """Name of that candidate's file in the results folder."""


class Reduction(msgspec.Struct, kw_only=True):
    """What came of a reduction."""

    schema: str = SCHEMA
    rkmend: str
    model: str
    """Path of the model as given."""
    sha256: str
    oracle: str
    """Who judged: `RKNN-Toolkit2 2.3.2 for rk3588`, or the check command."""
    failure: str
    """The failure that was kept, as in `Observation.failure`."""
    baseline: tuple[Observation, ...]
    """Runs of the model as given."""
    final: tuple[Observation, ...]
    """Runs of the reproducer, after everything else."""
    flaky: float | None
    """Share of the baseline's runs that gave the failure, when it was not all of them."""
    repetitions: int
    """How often a candidate was run before it was said not to fail alike."""
    nodes_before: int
    nodes_after: int
    bytes_before: int
    bytes_after: int
    """Size of the model with its weights."""
    nodes: tuple[NodeFacts, ...]
    steps: tuple[str, ...]
    """What was done to the model, in order: `node 'relu' (Relu): removed`."""
    certificate: tuple[Proviso, ...]
    minimal: bool
    """Whether every line of the certificate was drawn: no single change keeps the failure."""
    unfinished: str
    """Why the reduction ended before that (the budget was spent); empty when it did not."""
    weights_matter: bool
    """Whether the failure went away when the weights were replaced by random numbers."""
    doubt: str = ""
    """Why the failure may have nothing to do with the model; empty when it has."""
    other_failures: tuple[OtherFailure, ...]
    trials: int
    """Candidates that were run."""
    remembered: int
    """Candidates that were answered from memory."""
    invalid: int
    """Candidates that were no valid models and cost no trial."""
    resumed: bool
    seconds: float
    files: dict[str, str] = {}
