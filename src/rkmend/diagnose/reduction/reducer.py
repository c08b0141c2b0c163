"""The reducer: from a failing model to the smallest one that still fails alike, with a certificate that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rkmend.diagnose.oracle import BudgetSpent, Candidate, Observation, Oracle
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.reduction.change import CannotChange, Change, Scale
from rkmend.diagnose.reduction.nodes import node_changes, reduce_nodes
from rkmend.diagnose.reduction.parameters import parameters
from rkmend.diagnose.reduction.record import Proviso
from rkmend.graph import CannotExtract, InvalidModel, digest_ir, validated

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_OTHER_FAILURES = 8
"""Candidates that are kept aside; a second bug is worth a look, a ninth kind is noise."""


@dataclass(frozen=True)
class OtherSeen:
    """The first candidate that failed in another way."""

    failure: str
    label: str
    model: ir.Model


@dataclass
class Reducer:
    """A reduction under way; implements `Hunt`.

    Attributes:
        model: The smallest model so far that fails alike.
        baseline: Of the model as given.
        oracle: Judges the candidates.
        adopted: Told of every simplification that was adopted; `model` is the simplified one then.
        doing: Told what is being tried.
        culprit: The smallest set of nodes that fails alike, with the sizes, attributes and weights of the model as
            given; None as long as it is looked for.
        certificate: For each change of `model`, why it is none; complete when `unfinished` is empty.
        unfinished: Why the reduction ended early.
        refused: Candidates that did not fail alike.
        invalid: Changes that gave no valid model.
        others: The first candidate with each other failure; `other_counts` says how many there were.
    """

    model: ir.Model
    baseline: Baseline
    oracle: Oracle
    adopted: Callable[[Change], None] = lambda _change: None
    doing: Callable[[str], None] = lambda _text: None
    culprit: ir.Model | None = None
    certificate: list[Proviso] = field(default_factory=list)
    unfinished: str = ""
    refused: int = 0
    invalid: int = 0
    others: dict[str, OtherSeen] = field(default_factory=dict)
    other_counts: Counter[str] = field(default_factory=Counter)
    _searched: bool = False
    _refuted: dict[str, Observation] = field(default_factory=dict)
    """By digest, the run which shows that a candidate does not fail alike."""

    def run(self, suspects: Sequence[str] = ()) -> None:
        """Reduces nodes, then parameters, until no single change keeps the failure.

        Args:
            suspects: Nodes that the log names: tried first.
        """
        try:
            self.doing("nodes")
            reduce_nodes(self, suspects)
            if self.culprit is None:
                self.culprit = self.model
            while True:
                self.doing("sizes and attributes")
                while self._round():
                    pass
                self.doing("certificate")
                if self._certified():
                    return
                reduce_nodes(self)
        except BudgetSpent as spent:
            self.unfinished = spent.message

    def first(self, changes: Iterable[Change]) -> Change | None:
        """See `Hunt.first`."""
        with closing(self._observed(changes)) as judged:
            for change, candidate, seen in judged:
                if not isinstance(seen, Observation) or candidate is None:
                    continue
                if self._refutation(candidate, seen) is None:
                    self._adopt(change, candidate)
                    return change
        return None

    def _round(self) -> bool:
        """Every parameter once; whether any became simpler."""
        before, visited = self.model, set[tuple[str, str]]()
        while step := next((s for s in parameters(self.model) if _key(s) not in visited), None):
            if isinstance(step, Scale):
                visited.add(_key(step))
                self._shrink(step)
                continue
            tried: list[Change] = []
            self.first(_noting(_changes_until_scale(parameters(self.model), visited), tried))
            visited.update(_key(change) for change in tried)
        self._searched = True
        return self.model is not before

    def _shrink(self, scale: Scale) -> None:
        """The smallest value that still fails: the simplest and three values between, then between those.

        When all were searched before, most are where they have to be: then what the certificate will try comes first.
        """
        low, high = scale.smallest - 1, scale.current  # low does not fail alike, high does
        probes = _below(scale) if self._searched else {scale.smallest, *_between(scale.smallest, high)}
        while high - low > 1:
            now = next((s for s in _scales(self.model) if s.element == scale.element), scale)
            if now.current != high:
                return  # the element is another one now; the round meets it again
            changes = {value: now.to(value) for value in sorted(probes)}
            found = self.first(changes.values())
            high = next((value for value, change in changes.items() if change is found), high)
            low = max([low, *(value for value in changes if value < high)])
            probes = _between(low, high)

    def _certified(self) -> bool:
        """Draws the certificate; False when a change turned out to keep the failure after all: it was adopted."""
        self.certificate = []
        changes = list(node_changes(self.model))
        for step in parameters(self.model):
            changes += map(step.to, sorted(_below(step))) if isinstance(step, Scale) else [step]
        with closing(self._observed(changes)) as judged:
            for change, candidate, seen in judged:
                if not isinstance(seen, Observation) or candidate is None:
                    self.certificate.append(Proviso(change.element, change.what, None, str(seen)))
                elif refutation := self._refutation(candidate, seen):
                    self.certificate.append(Proviso(change.element, change.what, refutation, ""))
                else:
                    self._adopt(change, candidate)
                    return False
        return True

    def _adopt(self, change: Change, candidate: Candidate) -> None:
        self.model = candidate.model
        self.adopted(change)

    def _observed(
        self, changes: Iterable[Change]
    ) -> Generator[tuple[Change, Candidate | None, Observation | str], None, None]:
        """What becomes of changes of the current model: an observation, or why there is no valid model to observe.

        Invalid ones come out with the valid one after them; the order is that of the changes. To be closed by those
        who do not want all: a Ctrl-C while Python clears up after them would be lost.
        """
        waiting: list[tuple[Change, Candidate | None, str]] = []

        def candidates() -> Iterator[Candidate]:
            for change in changes:
                try:
                    model = validated(change.apply(self.model))
                except (CannotChange, CannotExtract, InvalidModel) as error:
                    self.invalid += 1
                    waiting.append((change, None, error.message))
                    continue
                candidate = Candidate(model, f"{change.element}: {change.what}")
                waiting.append((change, candidate, ""))
                yield candidate

        judged = self.oracle.observe(candidates())
        try:
            for candidate, observation in judged:
                while (head := waiting.pop(0))[1] is not candidate:
                    yield head[0], None, head[2]
                yield head[0], candidate, observation
        finally:
            judged.close()
        for change, _, why in waiting:
            yield change, None, why

    def _refutation(self, candidate: Candidate, seen: Observation) -> Observation | None:
        """The run which shows that a candidate does not fail as the baseline does; None when it does.

        It is repeated as the stability of the baseline asks for, but not when that was done before.
        """
        digest = digest_ir(candidate.model)
        if digest in self._refuted:
            return self._refuted[digest]
        refutation = self.baseline.refutation(self.oracle, candidate, seen)
        if refutation is not None:
            self._refuted[digest] = refutation
            self.refused += 1
            failure = refutation.failure
            if failure is not None:
                self.other_counts[failure] += 1
                if len(self.others) < MOST_OTHER_FAILURES:
                    self.others.setdefault(failure, OtherSeen(failure, candidate.label, candidate.model))
        return refutation


def _between(low: int, high: int) -> set[int]:
    """Up to three values between two others, in equal distances."""
    return {low + (high - low) * part // 4 for part in (1, 2, 3)} - {low, high}


def _key(step: Change | Scale) -> tuple[str, str]:
    return step.element, step.what if isinstance(step, Change) else ""


def _scales(model: ir.Model) -> Iterator[Scale]:
    return (step for step in parameters(model) if isinstance(step, Scale))


def _changes_until_scale(steps: Iterable[Change | Scale], visited: set[tuple[str, str]]) -> Iterator[Change]:
    """The changes that were not visited, up to the first Scale that was not."""
    for step in steps:
        if _key(step) in visited:
            continue
        if isinstance(step, Scale):
            return
        yield step


def _noting(changes: Iterable[Change], tried: list[Change]) -> Iterator[Change]:
    for change in changes:
        tried.append(change)
        yield change


def _below(scale: Scale) -> set[int]:
    """What the certificate tries of a number: the simplest, half, and one less."""
    return {scale.smallest, max(scale.smallest, scale.current // 2), scale.current - 1}
