"""Blame: which of the mends in a model makes it compute something else, although each was proved on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rkmend.culprits import WRONG_TRIALS, Culprits
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import BudgetSpent
from rkmend.errors import InputError
from rkmend.graph import CannotExtract, TensorSpec, digest_ir, extract
from rkmend.graph.names import listed
from rkmend.mend.bisect import first_guilty
from rkmend.mend.choose import State
from rkmend.mend.interface import inputs_of, outputs_of, read_inputs_of
from rkmend.setting import Setting
from rkmend.toolkit.tolerance import FP16, disagreements
from rkmend.toolkit.trial import Reference
from rkmend.verification.fitting import fit_reference
from rkmend.verification.rounded import agreement
from rkmend.wrong_numbers import part_judge, telling_sample

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Guilt:
    """A mend of a State that makes it disagree with the original.

    Attributes:
        number: Of the step.
        why: The mend, and what shows it, in a sentence.
    """

    number: int
    why: str


@dataclass(frozen=True)
class Blame:
    """Bisects over the mends of States whose simulator disagrees.

    Attributes:
        setting: Of the trials.
        culprits: Say which operators the simulator gets wrong.
    """

    setting: Setting
    culprits: Culprits

    def by_numbers(self, state: State, reference: Reference) -> Guilt | None:
        """The first mend after which ONNX Runtime, rounding as the NPU does, disagrees as well.

        Mends whose differences add up are found here, and those that need more precision than fp16 has. Not
        in an int8 build: its steps are too coarse to tell.

        Args:
            state: Its simulator disagrees.
            reference: Of the original, with noise.
        """
        if (
            state.options.quantize
            or telling_sample(state.done) is None
            or not _is_comparable(state, reference)
        ):
            return None
        evidence = "ONNX Runtime, rounding to fp16, agrees with the original without it and not with it"
        with suppress(InputError):
            return _guilt(state, lambda number: self._agrees(state.form(number)[0], reference), evidence)
        return None

    def by_parts(self, state: State, reference: Reference) -> Guilt | None:
        """The first mend after which the simulator is wrong on those operators where the whole model goes wrong.

        The whole model does not convert without its mends, so only what became of these operators is tried.
        """
        sample = telling_sample(state.done)
        if sample is None or not _is_comparable(state, reference):
            return None
        if not (culprits := self.culprits.of(state)):
            return None
        parts = _Parts(self.setting, state, culprits, reference, sample, Budget(trials=WRONG_TRIALS))
        evidence = f"the simulator is wrong on {listed(culprits)} alone, and was not before it"
        with suppress(BudgetSpent):
            return _guilt(state, parts.innocent, evidence)
        return None

    def _agrees(self, model: ir.Model, reference: Reference) -> bool:
        """Whether a model that is rounded to fp16 agrees.

        Raises:
            InputError: ONNX Runtime cannot run it.
        """
        folder = self.setting.scratch / "rounded"
        folder.mkdir(exist_ok=True)
        fitted = fit_reference(
            reference, inputs_of(model), outputs_of(model), self.setting.scratch / "fitted"
        )
        found = agreement(model, fitted, folder / f"{digest_ir(model)[:16]}.onnx")
        return not disagreements(found, FP16)


@dataclass(frozen=True)
class _Parts:
    """What the culprits of a State are, and what they were made of, each alone on what it is given in the model."""

    setting: Setting
    state: State
    culprits: tuple[str, ...]
    reference: Reference
    sample: str
    budget: Budget

    def innocent(self, number: int) -> bool:
        """Whether what the culprits were after so many mends is right, or is not there any more in the end."""
        model, _options = self.state.form(number)
        earlier = _earlier(self.culprits, self.state, number)
        present = [str(node.name) for node in model.graph if node.name in earlier]
        found = self._judged(present, number) if present else None
        if found is None:  # that proves nothing about operators which are the same in the end
            return set(present) != set(self.culprits)
        return all(found.values())

    def _judged(self, names: list[str], number: int) -> Mapping[str, bool] | None:
        """Which outputs of a part of the model after so many mends are right; None where it does not convert."""
        setting, (model, options) = self.setting, self.state.form(number)
        try:
            part = extract(model, names)
        except CannotExtract:
            return None
        inputs, outputs = read_inputs_of(model), outputs_of(model)
        fitted = fit_reference(self.reference, inputs, outputs, setting.scratch / "fitted")
        trial = replace(self.state.done.trial, options=options, reference=fitted)
        folder = setting.scratch / f"blame-{trial.key[:16]}-{number}"
        folder.mkdir(exist_ok=True)
        judge = part_judge(model, trial, self.sample, setting.trials, folder, self.budget)
        return judge(part, f"{', '.join(names)}, alone after {number} mends")


def _is_comparable(state: State, reference: Reference) -> bool:
    """Whether the original tells what every form of the model takes and gives, as it does not before a cut."""
    forms = [state.form(number)[0] for number in range(len(state.steps) + 1)]
    return all(
        _names(inputs_of(form)) <= _names(reference.inputs)
        and _names(outputs_of(form)) <= _names(reference.outputs)
        for form in forms
    )


def _names(specs: Iterable[TensorSpec]) -> set[str]:
    return {spec.name for spec in specs}


def _guilt(state: State, agrees: Callable[[int], bool], evidence: str) -> Guilt | None:
    number = first_guilty(len(state.steps), agrees)
    if number is None:
        return None
    return Guilt(number, f"{state.steps[number]}, mend {number + 1} of {len(state.steps)}: {evidence}")


def _earlier(names: tuple[str, ...], state: State, number: int) -> set[str]:
    """The nodes that nodes of a State were made of, as they were after so many of its mends."""
    nodes = set(names)
    for step in reversed(state.steps[number:]):
        made = {
            name for name in nodes if name.startswith(tuple(f"{old}/rkmend/" for old in step.finding.nodes))
        }
        nodes = (nodes - made) | (set(step.finding.nodes) if made else set())
    return nodes
