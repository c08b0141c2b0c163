"""What a check found, for people and for grep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from rkmend.checking import Checked, Found, Operator
from rkmend.report.findings import Told, help_of, merged, message_of
from rkmend.report.sentences import facts_told
from rkmend.report.text import columns, printable, printable_lines, wrapped
from rkmend.rules.base import Level
from rkmend.rules.registry import get_rule
from rkmend.words import ENGLISH, N_, Language, Say

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.ADVICE: "cyan"}
LEVELS = {Level.ERROR: N_("error"), Level.WARNING: N_("warning"), Level.ADVICE: N_("advice")}
SHOWN_NODES = 3
"""Of a merged line, or of the tensors of an operator."""
SHOWN_ALIKE = 3
"""Findings of one rule below error level that are told in full; further ones are counted."""


def full(checked: Checked, say: Say = ENGLISH) -> str:
    """Node by node: the operator with its shapes, the rule, the facts that break it, what rkmend would do."""
    parts = []
    for model, findings in groupby(merged(checked.findings), key=lambda told: told.found.model):
        parts.append(click.style(printable(model), bold=True, underline=True))
        parts += _of_model(list(findings), say)
    return "\n\n".join([*parts, *_ends(checked, say)])


def concise(checked: Checked, say: Say = ENGLISH) -> str:
    """A line for each rule and level in a model, and a line that counts."""
    lines = []
    for alike in _alike(merged(checked.findings)):
        found = alike[0].found
        level = click.style(say(LEVELS[found.level]), fg=COLOURS[found.level], bold=True)
        start = f"{printable(found.model)}: {_places(alike, say)}: {level} {found.code} {found.name}"
        more = say(" (and {number} alike)", number=len(alike) - 1) if len(alike) > 1 else ""
        told = " ".join(_told(found, say))
        lines.append(f"{start} [{','.join(alike[0].targets)}] {told}{more}")
    return "\n".join([*lines, *_ends(checked, say)])


def counted(number: int, level: Level, say: Say) -> str:
    """`1 error`, `2 errors`; `advice` has no plural."""
    if level is Level.ERROR:
        return say.many("{count} error", "{count} errors", number)
    if level is Level.WARNING:
        return say.many("{count} warning", "{count} warnings", number)
    return say("{count} advice", count=number)


def _alike(findings: Sequence[Told]) -> list[list[Told]]:
    """Those of the same model, rule, level and targets together."""
    groups: dict[tuple[object, ...], list[Told]] = {}
    for told in findings:
        key = (told.found.model, told.found.code, told.found.level, told.targets)
        groups.setdefault(key, []).append(told)
    return list(groups.values())


def _of_model(findings: list[Told], say: Say) -> Iterator[str]:
    """The findings about the model as a whole, then those at nodes, grouped by node, then what is only counted."""
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    shown: list[Told] = []
    for told in findings:
        key = (told.found.code, told.targets)
        counts[key] += 1
        if told.found.level is Level.ERROR or counts[key] <= SHOWN_ALIKE:
            shown.append(told)
    by_place: dict[tuple[str, ...], list[Told]] = {}
    for told in shown:
        by_place.setdefault(told.found.nodes, []).append(told)
    for here in by_place.values():
        blocks = [_operator(operator, say) for operator in here[0].found.operators[:SHOWN_NODES]]
        blocks += [_finding(told, say) for told in here]
        yield "\n".join(blocks)
    for alike in _alike(findings):
        rest = len(alike) - sum(told in shown for told in alike)
        if rest:
            more = say.many(
                "{level} at {count} more place; `--format concise` or `json` has them all.",
                "{level} at {count} more places; `--format concise` or `json` has them all.",
                rest,
                level=_level(alike[0].found, say),
            )
            yield f"  {more}"


def _operator(operator: Operator, say: Say) -> str:
    """`Conv /a/b/Conv (module a.b)` and its tensors."""
    module = say(" (module {module})", module=printable(operator.module)) if operator.module else ""
    head = f"  {click.style(operator.operator, bold=True)} {printable(operator.name)}{module}"
    lines = [*_tensors(operator.inputs, "      ", say), *_tensors(operator.outputs, "   -> ", say)]
    return "\n".join([head, *lines])


def _tensors(tensors: Sequence[str], start: str, say: Say) -> list[str]:
    lines = [f"{start}{printable(tensor)}" for tensor in tensors[:SHOWN_NODES]]
    more = len(tensors) - SHOWN_NODES
    return [*lines, *([start + say("{number} more", number=more)] if more > 0 else ())]


def _finding(told: Told, say: Say) -> str:
    found = told.found
    lines = [f"  {_level(found, say)}  [{', '.join(told.targets)}]"]
    if say.language is Language.EN:
        lines.append(wrapped(get_rule(found.code).summary_line, indent="    "))
    lines += [wrapped(text, indent="    ") for text in _told(found, say)]
    if found.facts:
        lines.append(_labelled(say("because"), printable(facts_told(found.facts))))
    if found.mend:
        lines.append(_labelled(say("help"), help_of(found, say)))
    return "\n".join(lines)


def _told(found: Found, say: Say) -> list[str]:
    return [printable(text) for text in message_of(found, say)]


def _level(found: Found, say: Say) -> str:
    level = click.style(say(LEVELS[found.level]), fg=COLOURS[found.level], bold=True)
    return f"{level} {click.style(found.code, bold=True)} {found.name}"


def _labelled(label: str, text: str) -> str:
    return f"    {click.style(label, bold=True)}: {wrapped(text, indent='      ', first=columns(label) + 6).lstrip()}"


def _places(alike: Sequence[Told], say: Say) -> str:
    nodes = [node for told in alike for node in told.found.nodes[:1]]
    if not nodes:
        return say("the whole model")
    more = len(nodes) - 1
    return printable(nodes[0]) + (f" (+{more})" if more else "")


def _ends(checked: Checked, say: Say) -> Iterator[str]:
    """What was not checked, what was mended, and the count."""
    for one in checked.unchecked:
        head = click.style(say("not checked"), fg="yellow", bold=True)
        yield f"{printable(one.model)}: {head}: {printable(one.message)}\n{printable_lines(one.hint)}"
    for model, out in checked.written.items():
        mends = [f"{fixed.mend} ({fixed.code})" for fixed in checked.fixed if fixed.model == model]
        listed = ", ".join(f"{name} x{times}" for name, times in Counter(mends).items())
        yield say(
            "{model}: mended by {mends}; written to {out}.\n"
            "It is untried: no toolkit has seen it. `rkmend convert` tries, proves and verifies.",
            model=printable(model),
            mends=listed,
            out=printable(out),
        )
    yield _count(checked, say)


def _count(checked: Checked, say: Say) -> str:
    told = merged(checked.findings)
    if not told:
        return (
            say("Nothing found.") if not checked.unchecked else say("Nothing found in what could be checked.")
        )
    levels = Counter(one.found.level for one in told)
    listed = say.listed(counted(levels[level], level, say) for level in Level if levels[level])
    codes = list(dict.fromkeys(one.found.code for one in told))
    if len(codes) > 1:
        return say("{levels}. `rkmend rule {code}` tells more of each.", levels=listed, code=codes[0])
    return say("{levels}. `rkmend rule {code}` tells more.", levels=listed, code=codes[0])
