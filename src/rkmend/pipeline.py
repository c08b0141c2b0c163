"""The loop of a conversion: try, name the operator, mend, try again, verify. Fills the Conversion as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.localise import by_reduction, named_by_log
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.trial_oracle import TrialOracle, observation_of
from rkmend.errors import InputError
from rkmend.graph import CannotExtract, cut_before, digest_ir, save
from rkmend.mend.apply import apply
from rkmend.mend.choose import Rejected, Search, State, Step, allowed
from rkmend.mend.interface import outputs_of, read_inputs_of
from rkmend.mend.prove import Proving
from rkmend.recipe import Recipe, look_up
from rkmend.records import Conversion, Culprit, Status
from rkmend.rules import Exactness, Finding, Mend, Rule
from rkmend.summary import applied, interface, left_over, output_checks, price, refusal, rejection
from rkmend.targets import Target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Calibration, Reference, Trial
from rkmend.toolkit.trials import Done, Trials
from rkmend.toolkit.verdict import Outcome, Verdict
from rkmend.verification.fitting import fit_calibration, fit_reference
from rkmend.verification.reference import candidate_reference
from rkmend.wrong_numbers import trace_wrong

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
        rules: Those that take part.
        result: Filled by `run`, besides what `delivery` adds.
        tail: What is left for the CPU; None unless `run` found nothing better than a head of the model.
        unverified: Where nothing was found: the Trial that gave a file that computes something else.
        reference_of: Runs a head of the model with ONNX Runtime; the path is a folder for the samples.
    """

    target: Target
    toolkit: Toolkit
    scratch: Path
    trials: Trials
    calibration: Calibration | None
    reference: Reference
    exactness: Exactness
    rules: tuple[Rule, ...]
    progress: Progress
    result: Conversion
    reference_of: Callable[[ir.Model, Path], Reference]
    tail: ir.Model | None = None
    unverified: Done | None = None
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
            self.result.interface = interface(self.result.model, start)
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

    def replay(self, model: ir.Model, options: BuildOptions, recipe: Recipe) -> State | None:
        """Applies the mends of a recipe, each proved as in a search, and verifies what comes of them.

        Raises:
            InputError: The recipe does not fit the model.
        """
        steps: list[Step] = []
        for planned in recipe.steps:
            self.progress.step(f"applying {planned.mend}")
            finding, mend = look_up(planned, model, self.target)
            if not allowed(mend, self.exactness):
                self.result.reason = (
                    f"The recipe's {mend.name} is {mend.exactness.value}; {self.exactness.value} is allowed."
                )
                return None
            after = apply(model, mend)
            with Proving(model, after, finding, mend, self.scratch) as proving:
                proof = proving.result()
            if not proof.holds:
                self.result.reason = f"The recipe's {mend.name} is not proved here: {proof.does_not_cover}"
                return None
            model, options = after, mend.options(options) if mend.options else options
            steps.append(Step(finding, mend, proof))
        self.progress.step("trying the mended model")
        done = self._try(model, options, "the recipe", verify=True)
        state, why = self._confirmed(State(model, options, done, tuple(steps)))
        self.result.verdict = self.result.first_verdict = state.verdict
        if why:
            self.result.reason = f"With the recipe's mends {why}."
            self.result.verification = output_checks(state.verdict, options)
            return None
        return self._adopted(state, Status.MENDED if steps else Status.CONVERTED)

    def _mend(self, start: State) -> State | None:
        self.progress.step("looking for the cause and for mends")
        search = self._search()
        best, status = self._cheapest_that_holds(search, search.converted(start)), Status.MENDED
        if best is None:
            best, status = self._without_tail(search), Status.PARTIAL
        chosen = [(step.finding, step.mend.name) for step in best.steps] if best else []
        self.result.rejected_mends = tuple(
            rejection(item, self.result.options, self.target)
            for item in search.rejected
            if (item.finding, item.mend.name) not in chosen
        )
        if best is None:
            stuck = max(search.stuck, key=lambda state: len(state.steps), default=start)
            culprits = self._culprits(stuck)
            self.unverified = stuck.done if stuck.verdict.outcome is Outcome.WRONG else None
            self.result.verdict = stuck.verdict
            self.result.verification = output_checks(stuck.verdict, stuck.options)
            self.result.reason = refusal(
                stuck, culprits, self._known(stuck, culprits), search.rejected, self.exactness
            )
            return None
        return self._adopted(best, status)

    def _known(self, state: State, culprits: Sequence[str]) -> list[Finding]:
        """What the rules know of a State that nothing helped."""
        found = [finding for _rule, finding in chain(self._found(state), self._reactions(state))]
        return [finding for finding in found if not finding.nodes or set(culprits) & set(finding.nodes)]

    def _search(self) -> Search:
        return Search(
            self.target,
            self.exactness,
            candidates=self._candidates,
            culprits=self._culprits,
            prove=lambda before, after, finding, mend: Proving(before, after, finding, mend, self.scratch),
            attempt=self._attempt,
        )

    def _adopted(self, best: State, status: Status) -> State:
        """Puts the State whose files are to be delivered into the result."""
        self.result.status = status
        self.result.verdict = best.verdict
        self.result.options = best.options
        self.result.mends = tuple(applied(best, self.target, self.trials.done))
        self.result.verification = output_checks(best.verdict, best.options)
        self.result.interface = interface(self.result.model, best)
        return best

    def _without_tail(self, search: Search) -> State | None:
        """Where nothing helps operators that come late: all before them, converted; the rest is for the CPU."""
        whole = self.reference
        for stuck in list(search.stuck):
            blamed: set[str] = set()
            at = stuck
            while more := set(self._culprits(at)) - blamed:
                blamed |= more
                try:
                    head, tail = cut_before(stuck.model, blamed)
                    self.reference = self.reference_of(head, self.scratch / f"head-{digest_ir(head)[:16]}")
                except (CannotExtract, InputError):
                    break
                self.progress.step(f"trying the model up to {', '.join(sorted(blamed))}")
                done = self._try(head, stuck.options, "the head of the model", verify=True)
                at = State(head, stuck.options, done, stuck.steps)
                further = self._search()
                best = self._cheapest_that_holds(
                    further, [at] if at.verdict.converted else further.converted(at)
                )
                if best is not None:
                    self.tail = tail
                    self.result.tail = left_over(tail, stuck.verdict)
                    return best
                at = further.stuck[-1] if further.stuck else at
        self.reference = whole
        return None

    def _cheapest_that_holds(self, search: Search, states: Sequence[State]) -> State | None:
        """The first State that keeps converting and agrees with ONNX Runtime; the others are filed with the reason."""
        best: State | None = None
        for state in states:
            if best is None:
                self.progress.step(f"verifying {state.label}")
                best, why = self._carried_through(search, state)
                if best:
                    continue
            else:
                prices = f"{price(state, self.target)} against {price(best, self.target)}"
                why = f"costs more than {best.label}: {prices}"
            for step in state.steps[-1:]:
                search.rejected.append(Rejected(step.finding, step.mend, why, state.verdict, state.options))
        return best

    def _carried_through(self, search: Search, state: State) -> tuple[State | None, str]:
        """A State that converts, confirmed; mended further while it converts and computes something else."""
        why = ""
        for _ in range(FURTHER):
            state, why = self._confirmed(state)
            if not why:
                return state, ""
            further = search.follow(state) if _fails_when_run(state.verdict) else None
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
            label = f"{state.label}, run {number} of {REPETITIONS}"
            done = self._try(state.model, state.options, label, verify=last, fresh=not last)
            state = State(state.model, state.options, done, state.steps)
            if done.verdict.outcome is Outcome.WRONG:
                return state, f"the simulator disagrees: {done.verdict.message}"
            if not done.verdict.converted:
                return state, f"flaky: run {number} of {REPETITIONS} ended in {done.verdict.signature}"
        return state, ""

    def _attempt(self, state: State, model: ir.Model, options: BuildOptions, label: str) -> Done:
        """A Trial of what a mend made of a State; where the numbers are what is wrong, they are looked at."""
        return self._try(model, options, label, verify=_fails_when_run(state.verdict))

    def _try(
        self, model: ir.Model, options: BuildOptions, label: str, *, verify: bool = False, fresh: bool = False
    ) -> Done:
        digest = digest_ir(model)
        path = self.scratch / f"{digest[:16]}.onnx"
        if not path.exists():
            save(model, path)
        inputs, samples = read_inputs_of(model), self.scratch / "fitted"
        reference = fit_reference(self.reference, inputs, outputs_of(model), samples) if verify else None
        calibration = self.calibration and fit_calibration(
            self.calibration, self.result.model.inputs, inputs, samples
        )
        trial = Trial(label, path, digest, self.target, self.toolkit, options, calibration, reference)
        done = self.trials.run(trial, fresh=fresh)
        if verify and done.verdict.outcome is Outcome.WRONG and self.reference.measure:
            self.progress.step("measuring what fp16 rounding alone does to the model")
            self.reference = self.reference.measure()
            return self._try(model, options, label, verify=True)
        return done

    def _culprits(self, state: State) -> tuple[str, ...]:
        """The nodes a State's failure comes from; found once per State."""
        return self._located(state).nodes

    def _located(self, state: State) -> Culprit:
        key = state.done.trial.key
        if key not in self._named:
            self._named[key] = culprit = self._locate(state)
            if culprit.nodes and all(culprit.nodes != known.nodes for known in self.result.culprits):
                self.result.culprits += (culprit,)
        return self._named[key]

    def _locate(self, state: State) -> Culprit:
        report = state.done.report()
        nodes, how = named_by_log(state.model, report), "named by the toolkit's log"
        signature = state.verdict.signature
        wrong = state.verdict.outcome is Outcome.WRONG
        budget = Budget(seconds=WRONG_SECONDS if wrong else None)
        if not nodes and wrong:
            parts = self.scratch / f"wrong-{state.done.trial.key[:16]}"
            nodes = trace_wrong(state.model, state.done, self.trials, parts, budget)
            how = "the first whose result is wrong while what they are given is right"
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
                budget=budget,
            )
            oracle.adapt(observed)
            baseline = Baseline(str(signature), (observed,))
            nodes = by_reduction(state.model, baseline, oracle)
            how = "the fewest operators that fail alike on their own"
        kinds = {str(node.name): node.op_type for node in state.model.graph.all_nodes()}
        fatal = [failure for failure in report.config_failures if failure.fatal]
        fields = msgspec.to_builtins(fatal[0]) if fatal else {}
        return Culprit(nodes, tuple(kinds[node] for node in nodes), how, fields)

    def _candidates(self, state: State) -> Iterator[tuple[Finding, Mend]]:
        """The mends of every rule that recognises the failure: about the whole model, at its culprits, about the log.

        The culprits are looked for when nothing about the whole model is left to try.
        """
        found = list(self._found(state))
        for rule, finding in found:
            if not finding.nodes:
                yield from self._mends(rule, finding, state)
        culprits = set(self._culprits(state))
        for rule, finding in found:
            if culprits & set(finding.nodes):
                yield from self._mends(rule, finding, state)
        for rule, finding in self._reactions(state):
            yield from self._mends(rule, finding, state)

    def _found(self, state: State) -> Iterator[tuple[Rule, Finding]]:
        """What every rule that recognises the failure finds in the graph."""
        for rule in self.rules:
            if rule.recognises(state.verdict):
                for finding in rule.find(state.model, self.target):
                    yield rule, finding

    def _reactions(self, state: State) -> Iterator[tuple[Rule, Finding]]:
        """What every rule that recognises the failure concludes from its message and its culprits."""
        for rule in self.rules:
            if rule.recognises(state.verdict):
                for finding in rule.react(state.verdict, self._culprits(state)):
                    yield rule, finding

    def _mends(self, rule: Rule, finding: Finding, state: State) -> Iterator[tuple[Finding, Mend]]:
        mends = rule.mends(state.model, self.target, finding)
        explained = not mends or not all(mend.last_resort for mend in mends)
        if explained and finding not in self.result.findings:
            self.result.findings += (finding,)
        for mend in mends:
            yield finding, mend


def _fails_when_run(verdict: Verdict) -> bool:
    """Whether a model is built and only the simulator fails on it, or computes something else."""
    return verdict.signature is not None and verdict.signature.stage == "simulate"
