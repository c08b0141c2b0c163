"""Selection: which rules take part in a run, in the way linters do it: by code, prefix of a code, or name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkmend.errors import InputError
from rkmend.rules.base import Rule
from rkmend.rules.registry import all_rules, suggestion

ALL = "ALL"


@dataclass(frozen=True)
class Selection:
    """Rules by selectors: `RKM101`, `RKM1`, `padding-beyond-kernel` or `ALL`.

    The longest selector that fits a rule decides, so `select=("RKM1",), ignore=("RKM101",)` and the reverse both
    mean what they say; of equal ones `ignore` wins.

    Attributes:
        select: What takes part.
        ignore: What does not.
    """

    select: tuple[str, ...] = (ALL,)
    ignore: tuple[str, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        """The rules that take part, in order of code.

        Raises:
            InputError: A selector that fits no rule.
        """
        for selector in (*self.select, *self.ignore):
            if not any(_fits(selector, rule) for rule in all_rules()):
                raise InputError(
                    f"no rule fits '{selector}'{suggestion(selector)}",
                    hint="Give codes (RKM101), prefixes (RKM1), names or ALL; `rkmend rules` lists them.",
                )
        return tuple(
            rule for rule in all_rules() if _strongest(self.select, rule) > _strongest(self.ignore, rule)
        )


def _strongest(selectors: Sequence[str], rule: Rule) -> int:
    """How exactly any of the selectors fits a rule; 0 when none does."""
    return max((_fits(selector, rule) for selector in selectors), default=0)


def _fits(selector: str, rule: Rule) -> int:
    """How exactly a selector fits a rule: the length of what they share and one; 0 when it does not."""
    if selector.upper() == ALL:
        return 1
    if selector.lower() == rule.name:
        return 1 + len(rule.code)
    return 1 + len(selector) if selector and rule.code.startswith(selector.upper()) else 0
