"""Candidates: what the rules have to say about a failure, and the mends that are worth a try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from rkmend.culprits import Culprits
from rkmend.mend.choose import State
from rkmend.records import Conversion
from rkmend.rules import Finding, Mend, Rule
from rkmend.setting import Setting


@dataclass(frozen=True)
class Candidates:
    """The rules of a run, asked about States.

    Attributes:
        rules: Those that take part.
        setting: Of the trials.
        culprits: Finds them.
        result: Findings are noted in it.
    """

    rules: tuple[Rule, ...]
    setting: Setting
    culprits: Culprits
    result: Conversion

    def mends(self, state: State) -> Iterator[tuple[Finding, Mend]]:
        """The mends of every rule that recognises the failure: about the whole model, at its culprits, about the log.

        The culprits are looked for when nothing about the whole model is left to try.
        """
        found = list(self._found(state))
        for rule, finding in found:
            if not finding.nodes:
                yield from self._mends(rule, finding, state)
        culprits = set(self.culprits.of(state))
        for rule, finding in found:
            if culprits & set(finding.nodes):
                yield from self._mends(rule, finding, state)
        for rule, finding in self._reactions(state):
            yield from self._mends(rule, finding, state)

    def known(self, state: State) -> list[Finding]:
        """What the rules know of a State, whether they have a mend for it or not; what none knows only without that."""
        culprits, target = set(self.culprits.of(state)), self.setting.target_of(state.options)
        found, blind = list[Finding](), list[Finding]()
        for rule, finding in chain(self._found(state), self._reactions(state)):
            if not finding.nodes or culprits & set(finding.nodes):
                mends = rule.mends(state.model, target, finding)
                (blind if mends and all(mend.blind for mend in mends) else found).append(finding)
        return found or blind

    def _found(self, state: State) -> Iterator[tuple[Rule, Finding]]:
        """What every rule that recognises the failure finds in the graph."""
        target = self.setting.target_of(state.options)
        for rule in self.rules:
            if rule.recognises(state.verdict):
                for finding in rule.find(state.model, target):
                    yield rule, finding

    def _reactions(self, state: State) -> Iterator[tuple[Rule, Finding]]:
        """What every rule that recognises the failure concludes from its message and its culprits."""
        target = self.setting.target_of(state.options)
        for rule in self.rules:
            if rule.recognises(state.verdict):
                for finding in rule.react(state.verdict, self.culprits.of(state), target):
                    yield rule, finding

    def _mends(self, rule: Rule, finding: Finding, state: State) -> Iterator[tuple[Finding, Mend]]:
        mends = rule.mends(state.model, self.setting.target_of(state.options), finding)
        explained = not mends or not all(mend.last_resort for mend in mends)
        if explained and finding not in self.result.findings:
            self.result.findings += (finding,)
        for mend in mends:
            yield finding, mend
