"""Before and after: the model as it was given beside what is delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rkmend.mend.choose import chip_cycles
from rkmend.records import Conversion, Status
from rkmend.report.page.record import Comparison
from rkmend.targets import load_target
from rkmend.toolkit.verdict import Verdict
from rkmend.words import N_, Say, Text, both

Figure = Callable[[Verdict], float | None]
"""None where the verdict has no such figure."""

LESS_IS_BETTER: dict[str, tuple[str, str, Figure]] = {
    "cycles": (N_("cycles, one core"), "{:,.0f}", lambda verdict: verdict.cycles if verdict.layers else None),
    "cpu_operators": (
        N_("operators on the CPU"), "{:,.0f}", lambda verdict: len(verdict.cpu_ops) if verdict.layers else None,
    ),
    "moved": (N_("read and written"), "{:,.0f} KB", lambda verdict: verdict.rw_kb if verdict.layers else None),
    "internal_memory": (N_("memory for features"), "{:,.0f} KB", lambda verdict: verdict.memory_kb.get("internal")),
    "weight_memory": (N_("memory for weights"), "{:,.0f} KB", lambda verdict: verdict.memory_kb.get("weight")),
}  # fmt: skip
"""Key -> what it is, how it is written, and the figure."""


def comparisons(result: Conversion) -> tuple[Comparison, ...]:
    """The rows of the table; figures that neither side has are left out."""
    before, after = result.first_verdict, result.verdict if result.ok else None
    if before is None:
        return ()
    return (
        _converts(before, result),
        *_figures(before, after),
        *_chip(before, after, result),
        *_agrees(before, result),
    )


def _converts(before: Verdict, result: Conversion) -> Comparison:
    def after(say: Say) -> str:
        if result.status is Status.PARTIAL and result.tail:
            return say("in part: {number} operators are left for the CPU", number=len(result.tail.nodes))
        return say("yes") if result.ok else say("no")

    return Comparison(
        "converts",
        both(lambda say: say("converts")),
        both(
            lambda say: (
                say("yes") if before.converted else say("no: {what}", what=say(before.outcome.sentence))
            )
        ),
        both(after),
        True if result.ok and not before.converted else None,
    )


def _figures(before: Verdict, after: Verdict | None) -> Iterator[Comparison]:
    for key, (what, form, figure) in LESS_IS_BETTER.items():
        yield from _row(key, what, form, figure(before), figure(after) if after else None)


def _chip(before: Verdict, after: Verdict | None, result: Conversion) -> Iterator[Comparison]:
    """Cycles times the cores that the file leaves idle, where a mend leaves some idle."""
    target = load_target(result.target)
    if after is None or not after.layers or chip_cycles(after, result.options, target) == after.cycles:
        return
    # options that mends changed were others before
    given = chip_cycles(before, result.options, target) if before.layers and not result.mends else None
    yield from _row(
        "chip_cycles",
        N_("cycles, counting idle cores"),
        "{:,.0f}",
        given,
        chip_cycles(after, result.options, target),
    )


def _row(key: str, what: str, form: str, before: float | None, after: float | None) -> Iterator[Comparison]:
    if before is None and after is None:
        return
    differs = before is not None and after is not None and before != after
    yield Comparison(
        key,
        both(lambda say: say(what)),
        _same(form, before),
        _same(form, after),
        (after or 0) < (before or 0) if differs else None,
    )


def _agrees(before: Verdict, result: Conversion) -> Iterator[Comparison]:
    """The worst cosine of all outputs and samples."""
    given = min((found.cosine for found in before.agreement), default=None)
    now = min((check.cosine for check in result.verification), default=None) if result.ok else None
    if given is None and now is None:
        return
    yield Comparison(
        "agreement",
        both(lambda say: say("agreement with ONNX Runtime (worst cosine)")),
        _same("{:.6f}", given),
        _same("{:.6f}", now),
        now > given if given is not None and now is not None and round(now, 6) != round(given, 6) else None,
    )


def _same(form: str, figure: float | None) -> Text | None:
    return None if figure is None else both(lambda _say: form.format(figure))
