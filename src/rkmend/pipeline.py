"""The loop of a conversion: try, name the operator, mend, try again, verify. Fills the Conversion as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.localise import by_reduction, named_by_log
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.trial_oracle import TrialOracle, observation_of
from rkmend.graph import digest_ir, save
from rkmend.mend.choose import Rejected, Search, State
from rkmend.mend.prove import Proving
from rkmend.records import Conversion, Culprit, Status
from rkmend.rules import Exactness, Finding, Mend, all_rules
from rkmend.summary import applied, output_checks, price, refusal, rejection
from rkmend.targets import Target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Calibration, Reference, Trial
from rkmend.toolkit.trials import Done, Trials
from rkmend.toolkit.verdict import Outcome, Verdict
from rkmend.verification.reference import candidate_reference

if TYPE_CHECKING:
    import onnx_ir as ir

REPETITIONS = 3
"""Trials a mended model must pass before it is delivered. The compiler is not deterministic: a Conv with any padding
beyond its kernel converts in one run and aborts in the next (own trials, 2.3.2), so one success proves little."""


LOCATED = (Outcome.REJECTED, Outcome.ABORTED, Outcome.UNSOUND)
"""Outcomes that are worth cutting the model into pieces for: a failure that comes fast and by itself."""
WRONG_SECONDS = 180.0
"""How long wrong numbers are traced to their operators: each piece is run by ONNX Runtime and by the simulator."""
FURTHER = 8
"""How often a mended model that converts and computes something else is mended further."""


@dataclass(frozen=True)
class Progress:
    """What a long conversion tells while it runs; all silent by default.

    Attributes:
        step: A stage begins; the argument says which, in a few words.
        trial: A Trial begins (no Verdict yet) or has ended.
        install: A step of making the toolkit environment and the fraction done.
    """

    step: Callable[[str], None] = lambda _text: None
    trial: Callable[[Trial, Verdict | None], None] = lambda _trial, _verdict: None
    install: Callable[[str, float], None] = lambda _text, _fraction: None


@dataclass
class Pipeline:
    """One conversion under way.

    Attributes:
        result: Filled by `run`, besides what `delivery` adds.
    """

    target: Target
    toolkit: Toolkit
    scratch: Path
    trials: Trials
    calibration: Calibration | None
    reference: Reference
    exactness: Exactness
    progress: Progress
    result: Conversion
    _named: dict[str, Culprit] = field(default_factory=dict)

    def run(self, model: ir.Model, options: BuildOptions) -> State | None:
        """Tries, mends, verifies.

        Returns:
            The State whose files are to be delivered, or None with `result.reason` saying why there is none.
        """
        self.progress.step("trying the model as it is")
        start = State(model, options, self._try(model, options, "the model as it is", verify=True))
        self.result.first_verdict = start.verdict
        if start.verdict.outcome is Outcome.ABORTED:
            start = self._once_more(start)
        self.result.verdict = start.verdict
        if start.verdict.converted:
            self.result.status = Status.CONVERTED
            self.result.verification = output_checks(start.verdict, self.result.options)
            return start
        return self._mend(start)

    def _once_more(self, start: State) -> State:
        """Repeats a native crash: the compiler is not deterministic, and mends are for what stays."""
        done = self._try(start.model, start.options, "the same once more", verify=True, fresh=True)
        if done.verdict.converted:
            note = "The failure is flaky: the same model converted in a second run. A later build may fail again."
        elif done.verdict.signature != start.verdict.signature:
            note = f"The failure is flaky: a second run ended in {done.verdict.signature}."
        else:
            return start
        self.result.notes += (note,)
        return State(start.model, start.options, done)

    def _mend(self, start: State) -> State | None:
        self.progress.step("looking for the operator")
        self._culprits(start)
        self.progress.step("trying mends")
        rejected: list[Rejected] = []
        search = Search(
            self.target,
            self.exactness,
            candidates=self._candidates,
            culprits=self._culprits,
            prove=lambda before, after, finding, mend: Proving(before, after, finding, mend, self.scratch),
            attempt=self._attempt,
            rejected=rejected,
        )
        best = self._cheapest_that_holds(search, search.converted(start))
        self.result.rejected_mends = tuple(
            rejection(item, self.result.options, self.target) for item in rejected
        )
        if best is None:
            self.result.verification = output_checks(start.verdict, self.result.options)
            self.result.reason = refusal(start, self._culprits(start), len(rejected))
            return None
        self.result.status = Status.MENDED
        self.result.verdict = best.verdict
        self.result.options = best.options
        self.result.mends = tuple(applied(best, self.target, self.trials.done))
        self.result.verification = output_checks(best.verdict, best.options)
        return best

    def _cheapest_that_holds(self, search: Search, states: Sequence[State]) -> State | None:
        """The first State that keeps converting and agrees with ONNX Runtime; the others are filed with the reason."""
        best: State | None = None
        for state in states:
            step = state.steps[-1]
            if best is None:
                self.progress.step(f"verifying {step.mend.name}")
                best, why = self._carried_through(search, state)
                if best:
                    continue
            else:
                prices = f"{price(state, self.target)} against {price(best, self.target)}"
                why = f"costs more than {best.steps[-1].mend.name}: {prices}"
            search.rejected.append(Rejected(step.finding, step.mend, why, state.verdict, state.options))
        return best

    def _carried_through(self, search: Search, state: State) -> tuple[State | None, str]:
        """A State that converts, confirmed; mended further while it converts and computes something else."""
        why = ""
        for _ in range(FURTHER):
            state, why = self._confirmed(state)
            if not why:
                return state, ""
            further = search.follow(state) if state.verdict.outcome is Outcome.WRONG else None
            if further is None:
                break
            state = further
        return None, why

    def _confirmed(self, state: State) -> tuple[State, str]:
        """Runs a State's Trial again until it has converted `REPETITIONS` times; the last run verifies.

        Returns:
            The State of the last run, and what speaks against it.
        """
        for number in range(2, REPETITIONS + 1):
            last = number == REPETITIONS
            label = f"{state.steps[-1].mend.name}, run {number} of {REPETITIONS}"
            done = self._try(state.model, state.options, label, verify=last, fresh=not last)
            state = State(state.model, state.options, done, state.steps)
            if done.verdict.outcome is Outcome.WRONG:
                return state, f"the simulator disagrees: {done.verdict.message}"
            if not done.verdict.converted:
                return state, f"flaky: run {number} of {REPETITIONS} ended in {done.verdict.signature}"
        return state, ""

    def _attempt(self, state: State, model: ir.Model, options: BuildOptions, label: str) -> Done:
        """A Trial of what a mend made of a State; where the numbers are what is wrong, they are looked at."""
        return self._try(model, options, label, verify=state.verdict.outcome is Outcome.WRONG)

    def _try(
        self, model: ir.Model, options: BuildOptions, label: str, *, verify: bool = False, fresh: bool = False
    ) -> Done:
        digest = digest_ir(model)
        path = self.scratch / f"{digest[:16]}.onnx"
        if not path.exists():
            save(model, path)
        reference = self.reference if verify else None
        trial = Trial(label, path, digest, self.target, self.toolkit, options, self.calibration, reference)
        return self.trials.run(trial, fresh=fresh)

    def _culprits(self, state: State) -> tuple[str, ...]:
        """The nodes a State's failure comes from; found once per State."""
        return self._located(state).nodes

    def _located(self, state: State) -> Culprit:
        key = state.done.trial.key
        if key not in self._named:
            self._named[key] = self._locate(state)
        return self._named[key]

    def _locate(self, state: State) -> Culprit:
        report = state.done.report()
        nodes, how = named_by_log(state.model, report), "named by the toolkit's log"
        signature = state.verdict.signature
        wrong = state.verdict.outcome is Outcome.WRONG
        if not nodes and signature and (wrong or state.verdict.outcome in LOCATED):
            observed = observation_of(state.done)
            oracle = TrialOracle(
                self.trials,
                self.target,
                self.toolkit,
                state.options,
                self.scratch / "parts",
                calibration=self.calibration,
                reference_for=candidate_reference if wrong else None,
                budget=Budget(seconds=WRONG_SECONDS if wrong else None),
            )
            oracle.adapt(observed)
            baseline = Baseline(str(signature), (observed,))
            nodes = by_reduction(state.model, baseline, oracle)
            how = "the fewest operators that fail alike on their own"
        kinds = {str(node.name): node.op_type for node in state.model.graph.all_nodes()}
        fatal = [failure for failure in report.config_failures if failure.fatal]
        fields = msgspec.to_builtins(fatal[0]) if fatal else {}
        return Culprit(nodes, tuple(kinds[node] for node in nodes), how, fields)

    def _candidates(self, state: State) -> list[tuple[Finding, Mend]]:
        """The mends of every rule that recognises the failure and holds at one of its culprits."""
        culprit = self._located(state)
        if culprit.nodes and all(culprit.nodes != known.nodes for known in self.result.culprits):
            self.result.culprits += (culprit,)
        culprits, pairs = set(culprit.nodes), []
        for rule in all_rules():
            if not rule.recognises(state.verdict):
                continue
            for finding in chain(rule.find(state.model, self.target), rule.react(state.verdict)):
                if not finding.nodes or culprits & set(finding.nodes):
                    if finding not in self.result.findings:
                        self.result.findings += (finding,)
                    pairs += [(finding, mend) for mend in rule.mends(state.model, self.target, finding)]
        return pairs
