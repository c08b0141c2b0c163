"""NotFinite: the common case of a rule about numbers that fp16 makes infinite or NaN on the way."""

from __future__ import annotations

from rkmend.rules.single_mend import SingleMend
from rkmend.toolkit.verdict import Outcome, Verdict


class NotFinite(SingleMend):
    """A rule about results that are infinite or NaN although fp16 could hold what they should be."""

    def recognises(self, verdict: Verdict) -> bool:
        """The numbers are wrong: where a maximum, a comparison or a mask comes later, no NaN is left to be seen."""
        return verdict.outcome is Outcome.WRONG
