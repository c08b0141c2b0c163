"""What a check found, for people, for grep and for GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import click

from rkmend.checking import Checked, Found, Operator
from rkmend.report.text import wrapped
from rkmend.rules.base import Level
from rkmend.rules.registry import get_rule

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.ADVICE: "cyan"}
GITHUB = {Level.ERROR: "error", Level.WARNING: "warning", Level.ADVICE: "notice"}
SHOWN_NODES = 3
"""Of a merged line, or of the tensors of an operator."""
SHOWN_ALIKE = 3
"""Findings of one rule below error level that are told in full; further ones are counted."""


@dataclass(frozen=True)
class _Told:
    """Findings that differ in nothing but the target."""

    found: Found
    targets: tuple[str, ...]


def full(checked: Checked) -> str:
    """Node by node: the operator with its shapes, the rule, the facts that break it, what rkmend would do."""
    parts = []
    for model, findings in groupby(_merged(checked.findings), key=lambda told: told.found.model):
        parts.append(click.style(printable(model), bold=True, underline=True))
        parts += _of_model(list(findings))
    return "\n\n".join([*parts, *_ends(checked)])


def concise(checked: Checked) -> str:
    """A line for each rule and level in a model, and a line that counts."""
    lines = []
    for alike in _alike(_merged(checked.findings)):
        found = alike[0].found
        level = click.style(found.level.value, fg=COLOURS[found.level], bold=True)
        start = f"{printable(found.model)}: {_places(alike)}: {level} {found.code} {found.name}"
        more = f" (and {len(alike) - 1} alike)" if len(alike) > 1 else ""
        lines.append(f"{start} [{','.join(alike[0].targets)}] {printable(found.message)}{more}")
    return "\n".join([*lines, *_ends(checked)])


def github(checked: Checked) -> str:
    """Workflow commands, which GitHub shows as annotations of a pull request."""
    lines = []
    for told in _merged(checked.findings):
        found = told.found
        title = f"{found.code} {found.name} ({', '.join(told.targets)})"
        properties = f"file={_property(found.model)},title={_property(title)}"
        help_ = f"\n{_help(found)}" if found.mend else ""
        lines.append(f"::{GITHUB[found.level]} {properties}::{_data(found.message + help_)}")
    for one in checked.unchecked:
        lines.append(f"::warning file={_property(one.model)},title=not checked::{_data(one.message)}")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Text of a model for the terminal: what would move its cursor or colour it is written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _data(text: str) -> str:
    """The message of a workflow command; a line break is part of it, and no command of a model's making follows."""
    lines = "\n".join(map(printable, text.split("\n")))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`; `advice` has no plural."""
    return f"{number} {noun}{'s' if number != 1 and noun != 'advice' else ''}"


def _merged(findings: Sequence[Found]) -> list[_Told]:
    """Findings that are the same for several targets become one."""
    targets: dict[tuple[object, ...], list[str]] = {}
    firsts: dict[tuple[object, ...], Found] = {}
    for found in findings:
        key = (found.model, found.code, found.nodes, found.level, found.message)
        targets.setdefault(key, []).append(found.target)
        firsts.setdefault(key, found)
    order = list(Level)
    models = list(dict.fromkeys(found.model for found in findings))
    told = [_Told(found, tuple(targets[key])) for key, found in firsts.items()]
    return sorted(told, key=lambda one: (models.index(one.found.model), order.index(one.found.level)))


def _alike(findings: Sequence[_Told]) -> list[list[_Told]]:
    """Those of the same model, rule, level and targets together."""
    groups: dict[tuple[object, ...], list[_Told]] = {}
    for told in findings:
        key = (told.found.model, told.found.code, told.found.level, told.targets)
        groups.setdefault(key, []).append(told)
    return list(groups.values())


def _of_model(findings: list[_Told]) -> Iterator[str]:
    """The findings about the model as a whole, then those at nodes, grouped by node, then what is only counted."""
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    shown: list[_Told] = []
    for told in findings:
        key = (told.found.code, told.targets)
        counts[key] += 1
        if told.found.level is Level.ERROR or counts[key] <= SHOWN_ALIKE:
            shown.append(told)
    by_place: dict[tuple[str, ...], list[_Told]] = {}
    for told in shown:
        by_place.setdefault(told.found.nodes, []).append(told)
    for here in by_place.values():
        blocks = [_operator(operator) for operator in here[0].found.operators[:SHOWN_NODES]]
        blocks += [_finding(told) for told in here]
        yield "\n".join(blocks)
    for alike in _alike(findings):
        rest = len(alike) - sum(told in shown for told in alike)
        if rest:
            found = alike[0].found
            head = f"{_level(found)} at {counted(rest, 'more place')}"
            yield f"  {head}; `--format concise` or `json` has them all."


def _operator(operator: Operator) -> str:
    """`Conv /a/b/Conv (module a.b)` and its tensors."""
    module = f" (module {printable(operator.module)})" if operator.module else ""
    head = f"  {click.style(operator.operator, bold=True)} {printable(operator.name)}{module}"
    lines = [*_tensors(operator.inputs, "      "), *_tensors(operator.outputs, "   -> ")]
    return "\n".join([head, *lines])


def _tensors(tensors: Sequence[str], start: str) -> list[str]:
    lines = [f"{start}{printable(tensor)}" for tensor in tensors[:SHOWN_NODES]]
    more = len(tensors) - SHOWN_NODES
    return [*lines, *([f"{start}{more} more"] if more > 0 else ())]


def _finding(told: _Told) -> str:
    found = told.found
    lines = [f"  {_level(found)}  [{', '.join(told.targets)}]"]
    lines.append(wrapped(get_rule(found.code).summary_line, indent="    "))
    lines.append(wrapped(printable(found.message), indent="    "))
    if found.facts:
        facts = ", ".join(f"{name} = {value}" for name, value in found.facts.items())
        lines.append(_labelled("because", printable(facts)))
    if found.mend:
        lines.append(_labelled("help", _help(found)))
    return "\n".join(lines)


def _level(found: Found) -> str:
    level = click.style(found.level.value, fg=COLOURS[found.level], bold=True)
    return f"{level} {click.style(found.code, bold=True)} {found.name}"


def _labelled(label: str, text: str) -> str:
    return f"    {click.style(label, bold=True)}: {wrapped(text, indent='      ', first=len(label) + 6).lstrip()}"


def _help(found: Found) -> str:
    assert found.mend is not None
    summary = found.mend.summary
    return f"rkmend convert would try {found.mend.name} ({found.mend.exactness.value}): {summary}"


def _places(alike: Sequence[_Told]) -> str:
    nodes = [node for told in alike for node in told.found.nodes[:1]]
    if not nodes:
        return "the whole model"
    more = len(nodes) - 1
    return printable(nodes[0]) + (f" (+{more})" if more else "")


def _ends(checked: Checked) -> Iterator[str]:
    """What was not checked, what was mended, and the count."""
    for one in checked.unchecked:
        head = click.style("not checked", fg="yellow", bold=True)
        yield f"{printable(one.model)}: {head}: {printable(one.message)}\n{printable_lines(one.hint)}"
    for model, out in checked.written.items():
        mends = [f"{fixed.mend} ({fixed.code})" for fixed in checked.fixed if fixed.model == model]
        listed = ", ".join(f"{name} x{times}" for name, times in Counter(mends).items())
        yield (
            f"{printable(model)}: mended by {listed}; written to {printable(out)}.\n"
            "It is untried: no toolkit has seen it. `rkmend convert` tries, proves and verifies."
        )
    yield _count(checked)


def printable_lines(text: str) -> str:
    """As `printable`, line by line."""
    return "\n".join(map(printable, text.splitlines()))


def _count(checked: Checked) -> str:
    told = _merged(checked.findings)
    if not told:
        return "Nothing found." if not checked.unchecked else "Nothing found in what could be checked."
    levels = Counter(one.found.level for one in told)
    listed = ", ".join(counted(levels[level], level.value) for level in Level if levels[level])
    codes = list(dict.fromkeys(one.found.code for one in told))
    return f"{listed}. `rkmend rule {codes[0]}` tells more" + (" of each." if len(codes) > 1 else ".")
