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
from rkmend.toolkit.tolerance import FP16, disagreements, explained
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
        None of them where this cannot say: an int8 build, inputs that the toolkit scales, outputs that are missing.
    """
    name = telling_sample(done)
    if name is None:
        return ()
    wrong = _wrong(done)
    judge = part_judge(model, done.trial, name, trials, scratch, budget)
    return first_wrong(model, {found.output for found in wrong if found.sample == name}, judge)


def telling_sample(done: Done) -> str | None:
    """The name of the sample on which a model is wrong beyond doubt; None where its parts cannot be looked at."""
    options, wrong = done.trial.options, _wrong(done)
    if not done.trial.reference or options.quantize or options.mean_values or options.std_values:
        return None
    noises = ((_is_right(found), found.noise.share if found.noise else 0.0, found.sample) for found in wrong)
    return min(noises, default=(False, 0.0, None))[-1]


def _wrong(done: Done) -> list[OutputAgreement]:
    return [found for found in disagreements(done.verdict.agreement, FP16) if found.shape_ok]


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
    numbers = count(1)

    def judge(part: ir.Model, label: str) -> Mapping[str, bool] | None:
        path = scratch / f"{next(numbers)}.onnx"
        save(part, path)
        expected = given.reference(part, path)
        if expected is None:
            return None
        tried = replace(trial, label=label, model=path, digest=digest_ir(part), reference=expected)
        attempt = trials.attempt(tried)
        if not attempt.remembered:
            budget.spend()
        found = next(trials.lookahead.results([attempt])).verdict.agreement
        if not found or not any(one.shape_ok for one in found):
            return None
        return {one.output: _is_right(one) for one in found}

    return judge


def _is_right(found: OutputAgreement) -> bool:
    return FP16.holds(found) or explained(found, FP16)
