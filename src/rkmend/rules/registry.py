"""The list of all rules. A new rule is a new file: every concrete Rule in this package is in the list."""

from __future__ import annotations

import difflib
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from types import GenericAlias

from rkmend.errors import InputError
from rkmend.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in order of code."""
    import rkmend.rules

    modules = [
        import_module(found.name) for found in pkgutil.walk_packages(rkmend.rules.__path__, "rkmend.rules.")
    ]
    kinds = [kind for module in modules for kind in vars(module).values() if _is_rule(kind, module.__name__)]
    return tuple(sorted((kind() for kind in kinds), key=lambda rule: rule.code))


def get_rule(code: str) -> Rule:
    """The rule with this code or name.

    Raises:
        InputError: No such rule.
    """
    for rule in all_rules():
        if code.upper() == rule.code or code.lower() == rule.name:
            return rule
    raise InputError(f"unknown rule '{code}'{suggestion(code)}", hint="`rkmend rules` lists them.")


def suggestion(unknown: str) -> str:
    """Goes on a message about an unknown code or name with the nearest one; empty where none is near."""
    known = [rule.code for rule in all_rules()] + [rule.name for rule in all_rules()]
    near = difflib.get_close_matches(unknown, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _is_rule(kind: object, module: str) -> bool:
    """Whether this is a rule that is defined in this module."""
    return (
        isinstance(kind, type)
        and not isinstance(kind, GenericAlias)  # such as `tuple[int, ...]`, which is a type to CPython 3.10
        and issubclass(kind, Rule)
        and not inspect.isabstract(kind)
        and kind.__module__ == module
    )
