"""The outcome of a conversion as findings, for machines: what a check would have said, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from rkmend.checking import SCHEMA as CHECKED
from rkmend.checking import Checked, Found, Operator, Proposal, module_of
from rkmend.records import AppliedMend, Conversion, Culprit, Status
from rkmend.rules.base import Level
from rkmend.words import ENGLISH, N_

REFUSED = "rkmend-refused"
"""There is no .rknn."""
PARTIAL = "rkmend-partial"
"""The .rknn holds a part of the model."""
ENVIRONMENT = "rkmend-environment"
"""The toolkit environment could not be made, so the model was not judged."""
MENDED = "rkmend-mended"
"""The model as given fails and has been mended in a way that no finding tells of."""
OUTCOMES = {
    REFUSED: N_("The model could not be converted."),
    PARTIAL: N_("A part of the model is left for the CPU."),
    ENVIRONMENT: N_("The toolkit environment could not be made."),
    MENDED: N_("The model as given does not convert; it was mended."),
}
"""Codes of outcomes, which stand where the code of a rule does, and what each says."""


def as_checked(result: Conversion) -> Checked:
    """The findings of a conversion: an error where there is no .rknn, a warning where the model had to be mended."""
    return Checked(CHECKED, findings=tuple(_findings(result)))


def _findings(result: Conversion) -> Iterator[Found]:
    level = Level.WARNING if result.ok else Level.ERROR
    if result.status is Status.ENVIRONMENT:
        yield _found(result, ENVIRONMENT, Level.ERROR, result.reason)
    elif result.status is Status.REFUSED:
        yield _found(result, REFUSED, Level.ERROR, result.reason, *_culprits(result.culprits))
    elif result.tail:
        text = f"{result.tail.nodes[0]} and what follows: {result.tail.why}"
        yield _found(result, PARTIAL, Level.WARNING, text, *_culprits(result.culprits))
    told: set[str] = set()
    for finding in result.findings:
        mend = next((mend for mend in result.mends if mend.code == finding.code), None)
        told.add(finding.code)
        yield Found(
            model=result.model.path,
            code=finding.code,
            name=finding.name,
            level=level,
            target=result.target,
            nodes=finding.nodes,
            facts=finding.facts,
            message=finding.message,
            mend=_proposal(mend),
            operators=tuple(_operator(node, result) for node in finding.nodes),
        )
    for mend in result.mends:
        if mend.code not in told:
            text = f"{mend.code} {mend.name} at {ENGLISH.listed(mend.nodes) or 'the whole model'}: {mend.summary}"
            yield _found(
                result, MENDED, level, text, mend.nodes, tuple(_type(node, result) for node in mend.nodes)
            )


def _found(
    result: Conversion,
    code: str,
    level: Level,
    message: str,
    nodes: tuple[str, ...] = (),
    operators: tuple[str, ...] = (),
) -> Found:
    return Found(
        model=result.model.path,
        code=code,
        name=code.removeprefix("rkmend-"),
        level=level,
        target=result.target,
        nodes=nodes,
        facts={},
        message=message,
        mend=None,
        operators=tuple(
            Operator(name, kind, module_of(name), (), ()) for name, kind in zip(nodes, operators, strict=True)
        ),
    )


def _culprits(culprits: tuple[Culprit, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    nodes = tuple(node for culprit in culprits for node in culprit.nodes)
    return nodes, tuple(operator for culprit in culprits for operator in culprit.operators)


def _proposal(mend: AppliedMend | None) -> Proposal | None:
    return Proposal(mend.name, mend.summary, mend.exactness) if mend else None


def _operator(name: str, result: Conversion) -> Operator:
    return Operator(name, _type(name, result), module_of(name), (), ())


def _type(name: str, result: Conversion) -> str:
    """The operator type of a node where the conversion tells it, else nothing."""
    nodes, operators = _culprits(result.culprits)
    return dict(zip(nodes, operators, strict=True)).get(name, "")
