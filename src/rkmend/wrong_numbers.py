"""Traces wrong numbers of a converted model to their operators, by Trials of its parts on real activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.first_wrong import first_wrong
from rkmend.graph import digest_ir, save
from rkmend.toolkit.tolerance import FP16, disagreements, explained
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
    trial, reference = done.trial, done.trial.reference
    options = trial.options
    wrong = [found for found in disagreements(done.verdict.agreement, FP16) if found.shape_ok]
    if reference is None or not wrong or options.quantize or options.mean_values or options.std_values:
        return ()
    name = min(wrong, key=lambda found: (_is_right(found), found.fp16.share if found.fp16 else 0.0)).sample
    sample = next(sample for sample in reference.samples if sample.name == name)
    given = Activations(
        model, sample.inputs, scratch / "activations", digest=f"{reference.digest} {name} {digest_ir(model)}"
    )
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

    return first_wrong(model, {found.output for found in wrong if found.sample == name}, judge)


def _is_right(found: OutputAgreement) -> bool:
    return FP16.holds(found) or explained(found)
