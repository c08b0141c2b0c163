"""What is known to fail, and what mends it."""

from __future__ import annotations

from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Mend, Rule
from rkmend.rules.registry import all_rules, get_rule

__all__ = ["CannotApply", "Exactness", "Fact", "Finding", "Mend", "Rule", "all_rules", "get_rule"]
