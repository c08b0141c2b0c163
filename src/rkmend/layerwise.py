"""Verification layer by layer: where within a converted model the simulator parts from ONNX Runtime."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.first_wrong import comparable
from rkmend.diagnose.losses import feeds, largest_loss, sources
from rkmend.errors import InputError
from rkmend.graph import CannotExtract, freeze, load
from rkmend.graph.values import static_shape
from rkmend.records import LayerCheck, Layerwise
from rkmend.toolkit.layers import FoundLayer, compare_layers
from rkmend.toolkit.tolerance import tolerance_for
from rkmend.toolkit.trial import Limits, Reference
from rkmend.toolkit.trials import Done
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.toolkit.workers import Workers
from rkmend.verification.activations import Activations
from rkmend.wrong_numbers import telling_sample

if TYPE_CHECKING:
    import onnx_ir as ir

CHEAP = 16_000_000
"""Numbers within a network up to which its layers are compared unasked. The analysis takes 0.3 s a million, most
of it to write them down as text (own measurement, 2.3.2), and ONNX Runtime keeps all of them in memory at once."""
UNASKED_SECONDS, UNASKED_TRIALS = 60.0, 3.0
"""Where a comparison that nobody asked for is ended: so many seconds, and so many times what the Trial of the model
took, since the model is built once more."""


def delivered(done: Done) -> ir.Model:
    """The model of a Trial, with inferred shapes."""
    return freeze(load(done.trial.model), {}).ir


def numbers_within(model: ir.Model) -> int:
    """How many numbers there are in the tensors that would be compared."""
    return sum(map(_size, comparable(model.graph)))


def check_layers(
    done: Done,
    model: ir.Model,
    original: ir.Model | None,
    reference: Reference,
    workers: Workers,
    folder: Path,
    limits: Limits,
) -> Layerwise:
    """Compares every tensor of the graph that the toolkit built.

    Args:
        done: The Trial of the model that is delivered, or kept as unverified; verified, so it has a reference.
        model: The model of that Trial; see `delivered`.
        original: The model as it was given; None where only a part of it was converted.
        reference: What the original computes.
        workers: One of them does it.
        folder: Does not exist yet; holds all values while this runs.
        limits: Of the process that does it.

    Raises:
        EnvironmentFailure: The toolkit cannot be used any more.
        OSError: The disk is full.
    """
    started = time.monotonic()
    assert done.trial.reference
    samples = {one.name: one for one in done.trial.reference.samples}
    sample = samples[telling_sample(done) or next(iter(samples))]
    whole = next(one for one in reference.samples if one.name == sample.name)
    names = [str(value.name) for value in comparable(model.graph)]
    values: dict[str, tuple[str, Path, str]] = {}
    if original is not None:
        fed, inputs = whole.network or whole.inputs, [spec.name for spec in reference.inputs]
        known = _run(Activations(original, fed, folder / "original", inputs=inputs), original, names)
        values |= {name: ("original", *where) for name, where in known.items()}
    if not done.trial.options.mean_values and not done.trial.options.std_values:
        new = [name for name in names if name not in values]
        known = _run(Activations(model, sample.inputs, folder / "delivered"), model, new)
        values |= {name: ("delivered", *where) for name, where in known.items()}
    (folder / "analysis").mkdir(parents=True)
    found, why = compare_layers(done.trial, sample, values, workers, folder / "analysis", limits)
    return _judged(model, sample.name, found, why, started, quantize=done.trial.options.quantize)


def _run(given: Activations, model: ir.Model, names: Sequence[str]) -> dict[str, tuple[Path, str]]:
    """Where those of the values stand that a model has; none if ONNX Runtime cannot run it."""
    mine = {str(value.name) for value in comparable(model.graph)}
    with suppress(CannotExtract, InputError):
        return given.values([name for name in names if name in mine])
    return {}


def _judged(
    model: ir.Model, sample: str, found: Sequence[FoundLayer], why: str, started: float, *, quantize: bool
) -> Layerwise:
    tolerance = tolerance_for(quantized=quantize)
    placed = {one.value for one in found if one.value}
    behind = feeds(model, placed)
    wrong = {one.value for one in found if not tolerance.holds(one.agreement)} & placed
    begins = sources(behind, wrong)
    lost = {value: max(_lost(one.agreement) for one in found if one.value == value) for value in placed}
    largest = largest_loss(behind, lost)
    makers = {str(value.name): str(node.name) for node in model.graph for value in node.outputs}
    checks = tuple(
        LayerCheck(
            tensor=one.tensor,
            operator=one.operator,
            node=makers.get(one.value, ""),
            reference=one.reference,
            cosine=one.agreement.cosine,
            max_abs=one.agreement.max_abs,
            max_rel=one.agreement.max_rel,
            finite=one.agreement.finite,
            single_cosine=one.single_cosine,
            ok=tolerance.holds(one.agreement),
            source=one.value in begins and not tolerance.holds(one.agreement),
        )
        for one in found
    )
    there = next(
        (one.tensor for one in found if one.value == largest and _lost(one.agreement) == lost[largest]), ""
    )
    seconds = round(time.monotonic() - started, 3)
    return Layerwise(sample, tolerance, checks, there, why, seconds)


def _lost(found: OutputAgreement) -> float:
    """Share of the energy that is error."""
    return 1.0 - max(0.0, found.cosine) ** 2 if found.finite else 1.0


def _size(value: ir.Value) -> int:
    return math.prod(static_shape(value) or ())
