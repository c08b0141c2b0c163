"""Checking: what the rules say of a model before any toolkit runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.errors import InputError
from rkmend.graph.glance import Glance, glance, no_collection
from rkmend.graph.surgery import describe_shape
from rkmend.graph.walk import every_node
from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Level, Mend, Rule
from rkmend.rules.nodes import kind_of, kinds_in
from rkmend.rules.remembered import unchanging
from rkmend.rules.selection import Selection
from rkmend.targets import Target, load_target

if TYPE_CHECKING:
    import onnx_ir as ir

SCHEMA = "rkmend-check/1"
FIXING = (Exactness.EXACT, Exactness.ROUNDING)
"""Mends that may be applied without being asked for."""
MOST_FIXES = 200
"""A rule that mends its own work must end."""
FALLBACK = ("fp16", "int8")
"""The dtype that a model is checked for where none is given: the first that the target has."""


class Operator(msgspec.Struct, frozen=True):
    """A node as its user knows it."""

    name: str
    operator: str
    """Its type."""
    module: str
    """The path of the PyTorch module that it was exported from, where the name tells; else empty."""
    inputs: tuple[str, ...]
    """Name, dtype and shape of each tensor that it reads."""
    outputs: tuple[str, ...]


class Proposal(msgspec.Struct, frozen=True):
    """The mend that `rkmend convert` would try first."""

    name: str
    summary: str
    exactness: Exactness


class Found(msgspec.Struct, frozen=True):
    """A finding in a model, for a target."""

    model: str
    """The path as it was given."""
    code: str
    name: str
    level: Level
    target: str
    nodes: tuple[str, ...]
    """None when it is the model as a whole."""
    facts: dict[str, Fact]
    """What makes the rule hold."""
    message: str
    mend: Proposal | None
    operators: tuple[Operator, ...]
    """The nodes, in the same order."""


class Unchecked(msgspec.Struct, frozen=True):
    """What could not be checked of a model."""

    model: str
    message: str
    hint: str


class Fixed(msgspec.Struct, frozen=True):
    """A mend that was applied without any Trial."""

    model: str
    code: str
    mend: str
    nodes: tuple[str, ...]
    exactness: Exactness


class Checked(msgspec.Struct, frozen=True):
    """What the rules say of some models: findings in order of model, target, level and graph."""

    schema: str
    findings: tuple[Found, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    written: dict[str, str] = {}
    """Model -> the mended file."""

    @property
    def errors(self) -> int:
        """Findings at error level."""
        return sum(found.level is Level.ERROR for found in self.findings)


def check(
    model: str | Path,
    targets: str | Sequence[str],
    *,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    rules: Selection | None = None,
    dtype: str | None = None,
) -> Checked:
    """Says what will fail, what will be slow and why, without any toolkit.

    Args:
        model: The .onnx file.
        targets: SoCs, as the toolkit spells them.
        inputs: Shapes of dynamic inputs. Where they are missing, what needs shapes is not checked.
        rules: Which take part; all by default.
        dtype: `fp16` or `int8`, which the model is to run in; by default fp16 where the target has it.

    Raises:
        InputError: The file is no valid ONNX model, a target, rule or input does not exist, or a target has no such
            dtype.
    """
    taking_part, aims = (rules or Selection()).rules(), aims_of(targets, dtype)
    with no_collection():
        return _checked(str(model), glance(Path(model), inputs or {}), aims, taking_part)


def check_of(
    seen: Glance,
    model: str,
    targets: str | Sequence[str],
    *,
    rules: Selection | None = None,
    dtype: str | None = None,
) -> Checked:
    """What the rules say of a model that was read already.

    Args:
        seen: The model.
        model: What it is called.
        targets: As for `check`.
        rules: As for `check`.
        dtype: As for `check`.

    Raises:
        InputError: A target or rule does not exist, or a target has no such dtype.
    """
    taking_part, aims = (rules or Selection()).rules(), aims_of(targets, dtype)
    with no_collection():
        return _checked(model, seen, aims, taking_part)


def _checked(model: str, seen: Glance, aims: Sequence[Target], rules: Sequence[Rule]) -> Checked:
    if seen.missing:
        rules = tuple(rule for rule in rules if not rule.static_only)
    return Checked(SCHEMA, findings=_told(model, seen.ir, aims, rules), unchecked=_unchecked(model, seen))


def fix(
    model: str | Path,
    targets: str | Sequence[str],
    out: Path,
    *,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    rules: Selection | None = None,
    dtype: str | None = None,
) -> Checked:
    """Applies the first exact or rounding mend of every error and warning, writes the model, and checks what is left.

    Nothing is tried on a toolkit: that is what `convert` is for.

    Args:
        model: The .onnx file.
        targets: A mend is applied if it is one of these that has the finding.
        out: The file to write; it is not written if there is nothing to mend.
        inputs: As for `check`; the mended model is static.
        rules: As for `check`.
        dtype: As for `check`.

    Raises:
        InputError: As `check`; or inputs are dynamic; or the file cannot be written.
    """
    from rkmend.graph import export

    taking_part = (rules or Selection()).rules()
    aims = aims_of(targets, dtype)
    seen = glance(Path(model), inputs or {})
    if seen.missing:
        raise seen.missing
    mended, steps = _mended(seen.ir, aims, taking_part)
    if steps:
        export(mended, out)
    return Checked(
        SCHEMA,
        findings=_told(str(model), mended, aims, taking_part),
        fixed=tuple(
            Fixed(str(model), finding.code, mend.name, finding.nodes, mend.exactness)
            for finding, mend in steps
        ),
        written={str(model): str(out)} if steps else {},
    )


def together(parts: Iterable[Checked]) -> Checked:
    """Several models in one."""
    parts = list(parts)
    return Checked(
        SCHEMA,
        findings=tuple(found for part in parts for found in part.findings),
        unchecked=tuple(one for part in parts for one in part.unchecked),
        fixed=tuple(one for part in parts for one in part.fixed),
        written={model: out for part in parts for model, out in part.written.items()},
    )


def aims_of(targets: str | Sequence[str], dtype: str | None) -> tuple[Target, ...]:
    """The targets, each with the one dtype that the model is to run in.

    Raises:
        InputError: No such target, or it has no such dtype.
    """
    aims = []
    for name in dict.fromkeys([targets] if isinstance(targets, str) else targets):
        target = load_target(name)
        chosen = dtype or next(one for one in FALLBACK if one in target.dtypes)
        if chosen not in target.dtypes:
            raise InputError(
                f"{target.name} does not compute in {chosen}", hint=f"It has {', '.join(target.dtypes)}."
            )
        aims.append(target.computing_in(chosen))
    return tuple(aims)


def findings_of(model: ir.Model, target: Target, rules: Iterable[Rule]) -> list[tuple[Rule, Finding]]:
    """What the rules find: the worst first, of one level in the order of the rules' codes and of the graph."""
    levels = list(Level)
    with unchanging(model):
        kinds = kinds_in(model)
        found = [
            (rule, finding)
            for rule in rules
            if rule.operators is None or not kinds.isdisjoint(rule.operators)
            for finding in rule.find(model, target)
        ]
    return sorted(found, key=lambda pair: levels.index(pair[0].level_of(pair[1], target)))


def _told(path: str, model: ir.Model, aims: Sequence[Target], rules: Sequence[Rule]) -> tuple[Found, ...]:
    """The findings for all targets, with what the report needs."""
    findings = [(aim, rule, finding) for aim in aims for rule, finding in findings_of(model, aim, rules)]
    named = {name for _aim, _rule, finding in findings for name in finding.nodes}
    known = (
        {str(node.name): _operator(node) for node in every_node(model.graph) if node.name in named}
        if named
        else {}
    )

    def found(target: Target, rule: Rule, finding: Finding) -> Found:
        first = _first_mend(rule, finding, target, model)
        return Found(
            model=path,
            code=finding.code,
            name=finding.name,
            level=rule.level_of(finding, target),
            target=target.name,
            nodes=finding.nodes,
            facts=finding.facts,
            message=finding.message,
            mend=Proposal(first.name, first.summary, first.exactness) if first else None,
            operators=tuple(known[name] for name in finding.nodes),
        )

    return tuple(found(*one) for one in findings)


def _first_mend(rule: Rule, finding: Finding, target: Target, model: ir.Model) -> Mend | None:
    try:
        return next(iter(rule.mends(model, target, finding)), None)
    except CannotApply:
        return None


def _operator(node: ir.Node) -> Operator:
    def told(values: Iterable[ir.Value | None]) -> Iterator[str]:
        for value in values:
            yield f"{value.name}: {describe_shape(value)}" if value is not None and value.name else "none"

    name = str(node.name)
    return Operator(name, kind_of(node), module_of(name), tuple(told(node.inputs)), tuple(told(node.outputs)))


def module_of(name: str) -> str:
    """The module path in a node name as PyTorch's exporter makes them: `/model.0/conv/Conv` -> `model.0.conv`."""
    found = re.fullmatch(r"/(.+)/\w+", name)
    return found[1].replace("/", ".") if found else ""


def _unchecked(path: str, seen: Glance) -> tuple[Unchecked, ...]:
    return (Unchecked(path, seen.missing.message, seen.missing.hint),) if seen.missing else ()


def _mended(
    model: ir.Model, aims: Sequence[Target], rules: Sequence[Rule]
) -> tuple[ir.Model, list[tuple[Finding, Mend]]]:
    """Applies one mend after the other, looking anew after each, until none fits."""
    from rkmend.mend.apply import apply

    steps: list[tuple[Finding, Mend]] = []
    refused: set[tuple[str, tuple[str, ...]]] = set()
    while len(steps) < MOST_FIXES:
        for finding, mend in _applicable(model, aims, rules):
            place = (mend.name, finding.nodes)
            if place in refused:
                continue
            try:
                model = apply(model, mend)
            except CannotApply:
                refused.add(place)
                continue
            steps.append((finding, mend))
            refused |= set() if finding.nodes else {place}
            break
        else:
            break
    return model, steps


def _applicable(
    model: ir.Model, aims: Sequence[Target], rules: Sequence[Rule]
) -> Iterator[tuple[Finding, Mend]]:
    for aim in aims:
        for rule, finding in findings_of(model, aim, rules):
            if rule.level_of(finding, aim) is Level.ADVICE:
                continue
            mend = _first_mend(rule, finding, aim, model)
            if mend and mend.rewrite and mend.exactness in FIXING and not mend.last_resort:
                yield finding, mend
