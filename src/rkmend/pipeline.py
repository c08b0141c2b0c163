"""The loop of a conversion: try, name the operator, mend, try again, verify. Fills the Conversion as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.attempts import Attempts
from rkmend.blame import Blame, Guilt
from rkmend.candidates import Candidates
from rkmend.culprits import LOCATED, Culprits, is_lost_in_joining
from rkmend.errors import InputError
from rkmend.graph import CannotExtract, cut_before, digest_ir
from rkmend.mend.apply import apply
from rkmend.mend.choose import Rejected, Search, State, Step, allowed
from rkmend.mend.prove import Proving
from rkmend.progress import Progress
from rkmend.recipe import Recipe, look_up
from rkmend.records import Conversion, Status
from rkmend.rules import Exactness, Rule
from rkmend.setting import Setting
from rkmend.summary import applied, interface, left_over, output_checks, price, refusal, rejection
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Reference
from rkmend.toolkit.trials import Done
from rkmend.toolkit.verdict import Outcome

if TYPE_CHECKING:
    import onnx_ir as ir

FURTHER = 8
"""How often a mended model that converts and computes something else is mended further."""


@dataclass
class Pipeline:
    """One conversion under way.

    Attributes:
        setting: Of its trials.
        rules: Those that take part.
        exactness: The least exact kind of mend that may be applied.
        reference: What the original computes.
        reference_of: Runs a head of the model with ONNX Runtime; the path is a folder for the samples.
        progress: Told what happens meanwhile.
        result: Filled by `run`, besides what `delivery` adds.
        tail: What is left for the CPU; None unless `run` found nothing better than a head of the model.
        unverified: Where nothing was found: the Trial that gave a file that computes something else.
    """

    setting: Setting
    rules: tuple[Rule, ...]
    exactness: Exactness
    reference: Reference
    reference_of: Callable[[ir.Model, Path], Reference]
    progress: Progress
    result: Conversion
    tail: ir.Model | None = None
    unverified: Done | None = None

    def __post_init__(self) -> None:
        self._culprits = Culprits(self.setting, self.rules, self.result)
        self._candidates = Candidates(self.rules, self.setting, self._culprits, self.result)
        self._blame = Blame(self.setting, self._culprits)
        self._attempts = Attempts(self.setting, self.result.model.inputs, self.reference, self.progress.step)

    def run(self, model: ir.Model, options: BuildOptions) -> State | None:
        """Tries, mends, verifies.

        Returns:
            The State whose files are to be delivered, or None with `result.reason` saying why there is none.
        """
        self.progress.step("trying the model as it is")
        start = State(model, options, self._attempts.run(model, options, "the model as it is", verify=True))
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
        done = self._attempts.run(start.model, start.options, "the same once more", verify=True, fresh=True)
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
            finding, mend = look_up(planned, model, self.setting.target_of(options))
            if not allowed(mend, self.exactness):
                self.result.reason = (
                    f"The recipe's {mend.name} is {mend.exactness.value}; {self.exactness.value} is allowed."
                )
                return None
            after = apply(model, mend)
            with Proving(model, after, finding, mend, self.setting.scratch) as proving:
                proof = proving.result()
            if not proof.holds:
                self.result.reason = f"The recipe's {mend.name} is not proved here: {proof.does_not_cover}"
                return None
            steps.append(Step(finding, mend, proof, model, options))
            model, options = after, mend.options(options) if mend.options else options
        self.progress.step("trying the mended model")
        done = self._attempts.run(model, options, "the recipe", verify=True)
        state, why = self._attempts.confirmed(State(model, options, done, tuple(steps)))
        self.result.verdict = self.result.first_verdict = state.verdict
        if why:
            guilt = self._guilt(state) or self._blame.by_parts(
                state, self._attempts.known_reference(state.options)
            )
            to_blame = f" To blame: {guilt.why}." if guilt else ""
            self.result.reason = f"With the recipe's mends {why}.{to_blame}"
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
            rejection(item, self.result.options, self.setting.target)
            for item in search.rejected
            if (item.finding, item.mend.name) not in chosen
        )
        if best is None:
            stuck = max(search.stuck, key=lambda state: len(state.steps), default=start)
            self.unverified = stuck.done if stuck.verdict.outcome is Outcome.WRONG else None
            self.result.verdict = stuck.verdict
            self.result.verification = output_checks(stuck.verdict, stuck.options)
            self.result.reason = refusal(
                stuck,
                self._culprits.of(stuck),
                self._candidates.known(stuck),
                search.rejected,
                self.exactness,
            )
            return None
        return self._adopted(best, status)

    def _search(self) -> Search:
        return Search(
            self.setting.target,
            self.exactness,
            candidates=self._candidates.mends,
            culprits=self._culprits.of,
            prove=lambda before, after, finding, mend: Proving(
                before, after, finding, mend, self.setting.scratch
            ),
            attempt=self._attempt,
        )

    def _adopted(self, best: State, status: Status) -> State:
        """Puts the State whose files are to be delivered into the result."""
        self.result.status = status
        self.result.verdict = best.verdict
        self.result.options = best.options
        self.result.mends = tuple(applied(best, self.setting.target, self.setting.trials.done))
        self.result.verification = output_checks(best.verdict, best.options)
        self.result.interface = interface(self.result.model, best)
        return best

    def _without_tail(self, search: Search) -> State | None:
        """Where nothing helps operators that come late: all before them, converted; the rest is for the CPU.

        So where an int8 output joins what needs ranges of its own.
        """
        whole = self._attempts.reference
        for stuck in search.stuck:
            if stuck.verdict.outcome not in LOCATED and not is_lost_in_joining(stuck):
                continue
            blamed: set[str] = set()
            at = stuck
            while more := set(self._culprits.of(at)) - blamed:
                blamed |= more
                try:
                    head, tail = cut_before(stuck.model, blamed)
                    self._attempts.reference = self.reference_of(
                        head, self.setting.scratch / f"head-{digest_ir(head)[:16]}"
                    )
                except (CannotExtract, InputError):
                    break
                self.progress.step(f"trying the model up to {', '.join(sorted(blamed))}")
                done = self._attempts.run(head, stuck.options, "the head of the model", verify=True)
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
        self._attempts.reference = whole
        return None

    def _cheapest_that_holds(self, search: Search, states: Sequence[State]) -> State | None:
        """The first State that keeps converting and agrees with ONNX Runtime; the others are filed with the reason."""
        best: State | None = None
        for number, state in enumerate(states):
            if best is None:
                self.progress.step(f"verifying {state.label}")
                best, why = self._carried_through(search, state, last=number == len(states) - 1)
                if best:
                    continue
            else:
                prices = f"{price(state, self.setting.target)} against {price(best, self.setting.target)}"
                why = f"costs more than {best.label}: {prices}"
            for step in state.steps[-1:]:
                search.rejected.append(Rejected(step.finding, step.mend, why, state.verdict, state.options))
        return best

    def _carried_through(self, search: Search, state: State, *, last: bool) -> tuple[State | None, str]:
        """A State that converts, confirmed; mended further, or otherwise, while it computes something else.

        Args:
            search: That it comes from.
            state: It converts.
            last: No other State is left to try.
        """
        why = ""
        for _ in range(FURTHER):
            state, why = self._attempts.confirmed(state)
            if not why:
                return state, ""
            if not state.verdict.fails_when_run:
                break
            guilt, further = self._guilt(state), None
            if guilt is None:
                further = search.follow(state)
                guilt = (
                    self._blame.by_parts(state, self._attempts.known_reference(state.options))
                    if further is None
                    else None
                )
            if guilt is not None:
                further = self._without(search, state, guilt, last=last)
            if further is None:
                break
            state = further
        if all(state is not one for one in search.stuck):
            search.stuck.append(state)
        return None, why

    def _guilt(self, state: State) -> Guilt | None:
        """The mend that makes a State disagree even in ONNX Runtime: no further mend would help that."""
        self.progress.step("looking whether a mend makes the numbers wrong")
        return self._blame.by_numbers(state, self._attempts.known_reference(state.options))

    def _without(self, search: Search, state: State, guilt: Guilt, *, last: bool) -> State | None:
        """Another mend in the place of the one that is to blame, and those that came after it found anew."""
        step = state.steps[guilt.number]
        self.result.notes += (f"A mend that makes the whole model disagree was left out. {guilt.why}.",)
        search.bar(step, f"makes the whole model disagree: {guilt.why}", state)
        if guilt.number == 0 and not last:  # what else there is for the first culprit is a State of its own
            return None
        self.progress.step(f"going on without {step.mend.name}")
        return search.again(state, guilt.number)

    def _attempt(self, state: State, model: ir.Model, options: BuildOptions, label: str) -> Done:
        """A Trial of what a mend made of a State; where the numbers are what is wrong, they are looked at."""
        return self._attempts.run(model, options, label, verify=state.verdict.fails_when_run)

    def known_reference(self, options: BuildOptions) -> Reference:
        """What the delivered model was held against, with the noise of a build with these options if measured."""
        return self._attempts.known_reference(options)
