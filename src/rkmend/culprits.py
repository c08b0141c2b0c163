"""Culprits: which operators a failure comes from; asked of the log first, then of experiments."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.localise import beyond_registers, by_reduction, named_by_log
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.trial_oracle import TrialOracle, observation_of
from rkmend.errors import InputError
from rkmend.mend.choose import State
from rkmend.records import Conversion, Culprit
from rkmend.rules import Rule
from rkmend.rules.base import STUCK, Level
from rkmend.setting import Setting
from rkmend.toolkit.tolerance import loses_a_part
from rkmend.toolkit.verdict import Outcome
from rkmend.verification.loudness import loudest
from rkmend.verification.parts import joining
from rkmend.verification.reference import candidate_calibration, candidate_reference
from rkmend.verification.samples import Sample
from rkmend.wrong_numbers import is_drowned, trace_wrong

LOCATED = (Outcome.REJECTED, Outcome.ABORTED, Outcome.UNSOUND)
"""Outcomes that are worth cutting the model into pieces for: a failure that comes fast and by itself."""
WRONG_TRIALS = 60
"""How many pieces are tried to trace wrong numbers, or a failing simulator, to their operators; each is run by ONNX
Runtime and the simulator. A number of trials and not a time: what is found must not depend on what else the machine
does."""


LOCATED_TRIALS = 200
"""How many are tried to find the operators of a failing build; each is built, in seconds."""


def is_lost_in_joining(state: State) -> bool:
    """Whether an output joins tensors of which its one int8 range leaves nothing."""
    return state.verdict.outcome is Outcome.WRONG and any(map(loses_a_part, state.verdict.agreement))


@dataclass
class Culprits:
    """Finds the culprits of States, of each one once.

    Attributes:
        setting: Of the trials.
        rules: Those that take part.
        result: Those found are noted in it.
    """

    setting: Setting
    rules: tuple[Rule, ...]
    result: Conversion
    _known: dict[str, Culprit] = field(default_factory=dict)

    def of(self, state: State) -> tuple[str, ...]:
        """Names of the nodes that a State's failure comes from; none when it could not be told."""
        key = state.done.trial.key
        if key not in self._known:
            self._known[key] = culprit = self._locate(state)
            if culprit.nodes and all(culprit.nodes != known.nodes for known in self.result.culprits):
                self.result.culprits += (culprit,)
        return self._known[key].nodes

    def _locate(self, state: State) -> Culprit:
        report = state.done.report()
        nodes, how = named_by_log(state.model, report), "named by the toolkit's log"
        wrong = state.verdict.outcome is Outcome.WRONG
        budget = Budget(trials=WRONG_TRIALS if state.verdict.fails_when_run else LOCATED_TRIALS)
        drowned = wrong and state.options.quantize and is_drowned(state.done)
        if not nodes and drowned:  # rounding hides them from a trial of their own
            nodes, how = self._foreseen(state, mended=True), "foreseen to compute something else"
        if not nodes and is_lost_in_joining(state):
            lost = {found.output for found in state.verdict.agreement if loses_a_part(found)}
            nodes, how = joining(state.model, lost), "joins tensors of different size to one int8 output"
        if not nodes and wrong:
            parts = self.setting.scratch / f"wrong-{state.done.trial.key[:16]}"
            nodes = trace_wrong(state.model, state.done, self.setting.trials, parts, budget)
            how = "the first whose result is wrong while what they are given is right"
        if not nodes and drowned:
            nodes, how = self._loud(state), "int8 rounds what they compute too coarsely"
        # A part of an int8 build is calibrated on random inputs, so that its numbers prove nothing.
        judged = wrong and not state.options.quantize
        if not nodes and (judged or state.verdict.outcome in LOCATED):
            nodes = self._reduced(state, budget)
            how = "the fewest operators that fail alike on their own"
        if not nodes and (wrong or state.verdict.outcome in STUCK):
            nodes, how = self._foreseen(state, mended=wrong), "foreseen to fail; not tried on their own"
        kinds = {str(node.name): node.op_type for node in state.model.graph.all_nodes()}
        fatal = [failure for failure in report.config_failures if failure.fatal]
        fields = msgspec.to_builtins(fatal[0]) if fatal else {}
        return Culprit(nodes, tuple(kinds[node] for node in nodes), how, fields)

    def _foreseen(self, state: State, *, mended: bool = False) -> tuple[str, ...]:
        """The nodes on which a rule holds that no model converts rightly with; if told so, those it has a mend for."""
        target = self.setting.target_of(state.options)
        found = [
            node
            for rule in self.rules
            if rule.recognises(state.verdict)
            for finding in rule.find(state.model, target)
            if rule.level_of(finding, target) is Level.ERROR
            and (not mended or rule.mends(state.model, target, finding))
            for node in finding.nodes
        ]
        return tuple(dict.fromkeys(found))

    def _loud(self, state: State) -> tuple[str, ...]:
        """The operators that compute the tensors whose rounding makes most of the noise of an int8 build."""
        trial, options = state.done.trial, state.options
        if not trial.reference or options.mean_values or options.std_values:
            return ()
        samples = [Sample(sample.inputs.stem, sample.inputs) for sample in trial.reference.samples]
        folder = self.setting.scratch / f"loud-{trial.key[:16]}"
        folder.mkdir()
        try:
            loud = loudest(state.model, samples, folder, options.float16_tensors)
        except InputError:
            return ()
        return tuple(str(node.name) for node in state.model.graph if node.outputs[0].name in loud)

    def _reduced(self, state: State, budget: Budget) -> tuple[str, ...]:
        observed, setting = observation_of(state.done), self.setting
        oracle = TrialOracle(
            setting.trials,
            setting.target,
            setting.toolkit,
            state.options,
            setting.scratch / "parts",
            calibration_for=candidate_calibration if state.options.quantize else None,
            reference_for=candidate_reference if state.verdict.fails_when_run else None,
            budget=budget,
        )
        oracle.adapt(observed)
        baseline = Baseline(str(state.verdict.signature), (observed,))
        suspects = beyond_registers(state.model, state.done.report())
        return by_reduction(state.model, baseline, oracle, suspects)
