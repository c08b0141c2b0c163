"""The search: which mends, at which nodes, in which order, and which of the models that convert is the cheapest.

The unit is a State: a model, its options, the mends in it and what its Trial gave. A step applies one
mend at the culprit that shows now, proves it and tries it. At the first culprit every mend is tried;
further culprits of a branch take the same mend first, so the trials grow with the sum of the two and not
with the power.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rkmend.mend.apply import apply
from rkmend.mend.proof import Proof
from rkmend.mend.prove import Proving
from rkmend.rules import CannotApply, Exactness, Finding, Mend
from rkmend.rules.base import STUCK
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import disagreements, tolerance_for
from rkmend.toolkit.trials import Done
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_STEPS = 100
"""Mends in one model: a network may need one at every layer, and a rule that mends its own work must end."""
ORDER = tuple(Exactness)
"""Strictest first; a run allows a level and everything before it."""


@dataclass(frozen=True)
class Step:
    """One mend applied to one finding.

    Attributes:
        model: What it was applied to.
        options: Likewise.
        done: The Trial of that; None where it was applied by a recipe, without one.
    """

    finding: Finding
    mend: Mend
    proof: Proof
    model: ir.Model
    options: BuildOptions
    done: Done | None = None

    def __str__(self) -> str:
        place = ", ".join(self.finding.nodes) or "the whole model"
        return f"{self.finding.code} {self.mend.name} at {place}"


@dataclass(frozen=True)
class Rejected:
    """A mend that was considered and led nowhere, and why."""

    finding: Finding
    mend: Mend
    why: str
    verdict: Verdict | None = None
    options: BuildOptions | None = None


@dataclass(frozen=True)
class State:
    """A model on its way."""

    model: ir.Model
    options: BuildOptions
    done: Done
    steps: tuple[Step, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the Trial of this model gave."""
        return self.done.verdict

    @property
    def label(self) -> str:
        """Its last mend, for the names of trials."""
        return self.steps[-1].mend.name if self.steps else "the model as it is"

    def form(self, number: int) -> tuple[ir.Model, BuildOptions]:
        """What was there after so many of its mends."""
        if number == len(self.steps):
            return self.model, self.options
        return self.steps[number].model, self.steps[number].options


@dataclass(frozen=True)
class _Candidate:
    """A mend that was applied; its proof is under way."""

    finding: Finding
    mend: Mend
    model: ir.Model
    options: BuildOptions
    proving: Proving


@dataclass
class Search:
    """What a search needs from outside, and what it leaves behind.

    Attributes:
        target: For the rules and the cost.
        exactness: The least exact level that may be applied.
        candidates: The findings and mends for what a State's failure shows, those about the whole model first; drawn
            one by one, since those about single nodes need the culprits.
        culprits: The nodes a State's failure comes from.
        prove: Begins to prove one application: (before, after, finding, mend).
        attempt: Runs the Trial of a candidate: (the State it comes from, model, options, label).
        rejected: Filled as the search goes.
        stuck: States that no mend leads on from; filled as the search goes.
        barred: Mends that are out, by rule, name and nodes; see `bar`.
    """

    target: Target
    exactness: Exactness
    candidates: Callable[[State], Iterable[tuple[Finding, Mend]]]
    culprits: Callable[[State], tuple[str, ...]]
    prove: Callable[[ir.Model, ir.Model, Finding, Mend], Proving]
    attempt: Callable[[State, ir.Model, BuildOptions, str], Done]
    rejected: list[Rejected] = field(default_factory=list)
    stuck: list[State] = field(default_factory=list)
    barred: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)

    def converted(self, start: State) -> list[State]:
        """Every mended State that converts, cheapest first."""
        firsts = list(self._steps(start, self.candidates(start)))
        if not firsts:
            self.stuck.append(start)
        found = [end for end in map(self.follow, firsts) if end is not None]
        return sorted(found, key=lambda state: cost(state.verdict, state.options, self.target))

    def follow(self, state: State) -> State | None:
        """Takes a branch to its end: the same mend at each next culprit, another where that one does not help."""
        while not state.verdict.converted:
            pairs = _same_first(self.candidates(state), state.steps[-1].mend.name if state.steps else "")
            further = next(self._steps(state, pairs), None) if len(state.steps) < MOST_STEPS else None
            if further is None:
                self.stuck.append(state)
                for step in state.steps[-1:]:
                    cured = ", ".join(step.finding.nodes) or step.finding.name
                    why = f"cures {cured}, but then {_failure(state.verdict)}"
                    self.rejected.append(Rejected(step.finding, step.mend, why, state.verdict, state.options))
                return None
            state = further
        return state

    def bar(self, step: Step, why: str, state: State) -> None:
        """Rules a mend out from now on that is to blame for what is wrong with a State."""
        self.rejected.append(Rejected(step.finding, step.mend, why, state.verdict, state.options))
        self.barred.add(_key(step.finding, step.mend))

    def again(self, state: State, number: int) -> State | None:
        """Takes a branch to its end anew from before one of its mends."""
        step = state.steps[number]
        assert step.done is not None
        return self.follow(State(step.model, step.options, step.done, state.steps[:number]))

    def _steps(self, state: State, pairs: Iterable[tuple[Finding, Mend]]) -> Iterator[State]:
        """The States that one mend leads to, as far as they are better than this one.

        The proof of the next mend runs while the Trial of this one does: one keeps a core busy, the other another.
        """
        queue = iter(pairs)
        with ExitStack() as proofs:
            following, leads_on = self._begin(state, queue, proofs), False
            while (candidate := following) is not None:
                if leads_on and candidate.mend.last_resort:
                    return
                proof = candidate.proving.result()
                following = self._begin(state, queue, proofs)
                if after := self._step(state, candidate, proof):
                    leads_on = True
                    yield after
                    if (
                        not candidate.finding.nodes
                    ):  # what the whole model needs, the others will need as well
                        return

    def _begin(
        self, state: State, queue: Iterator[tuple[Finding, Mend]], proofs: ExitStack
    ) -> _Candidate | None:
        """Begins to prove the next mend that can be applied at all."""
        for finding, mend in queue:
            if _key(finding, mend) in self.barred:
                continue
            try:
                model, options = self._changed(state, mend)
            except CannotApply as error:
                self.rejected.append(Rejected(finding, mend, str(error)))
                continue
            proving = proofs.enter_context(self.prove(state.model, model, finding, mend))
            return _Candidate(finding, mend, model, options, proving)
        return None

    def _step(self, state: State, candidate: _Candidate, proof: Proof) -> State | None:
        """Tries a proved mend; None, and the reason on file, when it leads nowhere."""
        finding, mend = candidate.finding, candidate.mend
        if not proof.holds:
            self.rejected.append(Rejected(finding, mend, f"not proved: {proof.does_not_cover}"))
            return None
        place = finding.nodes[0] if finding.nodes else "the whole model"
        done = self.attempt(state, candidate.model, candidate.options, f"{mend.name} at {place}")
        step = Step(finding, mend, proof, state.model, state.options, state.done)
        after = State(candidate.model, candidate.options, done, (*state.steps, step))
        if done.verdict.converted or self._progress(state, after):
            return after
        why = f"the toolkit still fails: {_failure(done.verdict)}"
        self.rejected.append(Rejected(finding, mend, why, done.verdict, after.options))
        return None

    def _changed(self, state: State, mend: Mend) -> tuple[ir.Model, BuildOptions]:
        if not allowed(mend, self.exactness):
            raise CannotApply(f"it is {mend.exactness.value}; mends up to {self.exactness.value} are allowed")
        if mend.options is None:
            return apply(state.model, mend), state.options
        options = mend.options(state.options)
        if options == state.options:
            raise CannotApply("the option is set already")
        return state.model, options

    def _progress(self, before: State, after: State) -> bool:
        """Whether other nodes are to blame now than before."""
        step, fails_alike = after.steps[-1], after.verdict.signature == before.verdict.signature
        if not step.finding.nodes:  # it was about the whole model: another failure is one further on
            return not fails_alike or (
                _missing(after) < _missing(before) or _differing(after) < _differing(before)
            )
        if step.mend.options and before.verdict.fails_when_run and not after.verdict.fails_when_run:
            return False  # the graph is as it was, and now not even built
        if step.mend.options and not step.mend.blind and not fails_alike:  # so it is with the whole build
            return True
        blamed, left = self.culprits(before), set(self.culprits(after))
        if before.verdict.outcome in STUCK:  # several were foreseen at once, and one is mended at a time
            return left < set(blamed)
        return not left & _touched(after, blamed) or self._leads_on(before, after)

    def _leads_on(self, before: State, after: State) -> bool:
        """Whether a rule that had nothing to say before has a mend for what is wrong now.

        So where what a mend puts in fails for another reason than what was there.
        """
        known = {finding.code for finding, _mend in self.candidates(before)}
        return any(
            finding.code not in known and not mend.blind and allowed(mend, self.exactness)
            for finding, mend in self.candidates(after)
        )


def _key(finding: Finding, mend: Mend) -> tuple[str, str, tuple[str, ...]]:
    return finding.code, mend.name, finding.nodes


def _missing(state: State) -> int:
    """How many outputs a simulated model did not give, or not in their shape."""
    return sum(not found.shape_ok for found in state.verdict.agreement)


def _differing(state: State) -> int:
    """How many outputs, counted on each sample, a simulated model gave wrongly."""
    tolerance = tolerance_for(quantized=state.options.quantize)
    return len(disagreements(state.verdict.agreement, tolerance))


def _same_first(pairs: Iterable[tuple[Finding, Mend]], name: str) -> Iterator[tuple[Finding, Mend]]:
    """Those about the whole model, then the mend of this name, then the others."""
    later = []
    for finding, mend in pairs:
        if finding.nodes:
            later.append((finding, mend))
        else:
            yield finding, mend
    yield from sorted(later, key=lambda pair: pair[1].name != name)


def allowed(mend: Mend, least: Exactness) -> bool:
    """Whether a mend is as exact as a run demands."""
    return ORDER.index(mend.exactness) <= ORDER.index(least)


def cost(verdict: Verdict, options: BuildOptions, target: Target) -> tuple[int, int, int]:
    """What a converted model costs, for comparison: CPU operators, chip cycles, kilobytes moved.

    CPU operators come first: a CPU row costs nothing in the compiler's table and much on the board, so a
    model never wins by moving work there. Operators whose cycles the compiler gives as 0 (Pad, Add)
    still move bytes, which decide between equal cycles.
    """
    return len(verdict.cpu_ops), chip_cycles(verdict, options, target), verdict.rw_kb


def chip_cycles(verdict: Verdict, options: BuildOptions, target: Target) -> int:
    """The cycles of the table, weighted by what the file leaves idle.

    The table estimates one core whatever the file can use. A file built with `single_core_mode` keeps
    one core of `target.cores` busy, so for the same table it holds the chip that many times longer.
    """
    return verdict.cycles * (target.cores if options.single_core_mode else 1)


def _touched(state: State, nodes: tuple[str, ...]) -> set[str]:
    """The nodes before the last step and the ones it put in their place."""
    new = {
        str(node.name)
        for node in state.model.graph
        if any(str(node.name).startswith(f"{name}/rkmend/") for name in nodes)
    }
    return set(nodes) | new


def _failure(verdict: Verdict) -> str:
    return f"{verdict.outcome.value} ({verdict.signature})"
