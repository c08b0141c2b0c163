"""Traces wrong numbers of a converted model to their operators, by Trials of its parts on real activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.first_wrong import Judge, first_wrong
from rkmend.graph import digest_ir, save
from rkmend.toolkit.calibration import calibrate_on
from rkmend.toolkit.tolerance import Tolerance, disagreements, explained, is_noise, tolerance_for
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Done, Trials
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.verification.activations import Activations

if TYPE_CHECKING:
    import onnx_ir as ir


def trace_wrong(
    model: ir.Model, done: Done, trials: Trials, scratch: Path, budget: Budget
) -> tuple[str, ...]:
    """The nodes that wrong numbers come from; see `first_wrong`.

    Args:
        model: With inferred shapes; `done` is its Trial.
        done: Its verdict is `wrong`.
        trials: Runs the parts.
        scratch: Folder of its own.
        budget: Charged for each part that is not remembered.

    Returns:
        None of them where this cannot say: inputs that the toolkit scales, outputs that are missing.
    """
    name = telling_sample(done)
    if name is None:
        return ()
    wrong = _wrong(done)
    judge = part_judge(model, done.trial, name, trials, scratch, budget)
    return first_wrong(model, {found.output for found in wrong if found.sample == name}, judge)


def telling_sample(done: Done) -> str | None:
    """The name of the sample on which a model is wrong beyond doubt; None where its parts cannot be looked at.

    In an int8 build that is where nothing but rounding is to be seen.
    """
    options, wrong = done.trial.options, _wrong(done)
    if not done.trial.reference or options.mean_values or options.std_values:
        return None
    tolerance = tolerance_for(quantized=options.quantize)
    noises = (
        (is_noise(found, tolerance), found.noise.share if found.noise else 0.0, found.sample)
        for found in wrong
    )
    noisy, _share, name = min(noises, default=(False, 0.0, None))
    return None if noisy and options.quantize else name


def is_drowned(done: Done) -> bool:
    """Whether all that is wrong with a converted model is as far off as rounding alone takes it."""
    tolerance = tolerance_for(quantized=done.trial.options.quantize)
    wrong = disagreements(done.verdict.agreement, tolerance)
    return bool(wrong) and all(is_noise(found, tolerance) for found in wrong)


def _wrong(done: Done) -> list[OutputAgreement]:
    tolerance = tolerance_for(quantized=done.trial.options.quantize)
    return [found for found in disagreements(done.verdict.agreement, tolerance) if found.shape_ok]


def part_judge(
    model: ir.Model, trial: Trial, sample: str, trials: Trials, scratch: Path, budget: Budget
) -> Judge:
    """What judges parts of a model, on what they are given in it.

    Args:
        model: With inferred shapes.
        trial: Its Trial, or one of another form of it that takes the same inputs.
        sample: Name of what the model is given; see `telling_sample`.
        trials: Runs the parts.
        scratch: Folder of its own.
        budget: Charged for each part that is not remembered.
    """
    reference = trial.reference
    assert reference is not None
    inputs = next(one for one in reference.samples if one.name == sample).inputs
    digest = f"{reference.digest} {sample} {digest_ir(model)}"
    given = Activations(model, inputs, scratch / "activations", digest=digest)
    numbers, quantize = count(1), trial.options.quantize
    tolerance = tolerance_for(quantized=quantize)

    def judge(part: ir.Model, label: str) -> Mapping[str, bool] | None:
        path = scratch / f"{next(numbers)}.onnx"
        save(part, path)
        expected = given.reference(part, path, quantize=quantize)
        if expected is None:
            return None
        fed = expected.samples[0].inputs
        calibration = calibrate_on(fed, fed.parent) if quantize else None
        tried = replace(
            trial,
            label=label,
            model=path,
            digest=digest_ir(part),
            reference=expected,
            calibration=calibration,
        )
        attempt = trials.attempt(tried)
        if not attempt.remembered:
            budget.spend()
        found = next(trials.lookahead.results([attempt])).verdict.agreement
        if not found or not any(one.shape_ok for one in found):
            return None
        return {one.output: _is_right(one, tolerance) for one in found}

    return judge


def _is_right(found: OutputAgreement, tolerance: Tolerance) -> bool:
    return tolerance.holds(found) or explained(found, tolerance)
