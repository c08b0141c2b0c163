"""The short story of a conversion for the terminal.

What failed, why it is believed, what was changed, what it costs, how well it agrees, where the files are.
"""

from __future__ import annotations

import click

from rkmend.mend.interface import InterfaceChange
from rkmend.records import AppliedMend, Conversion, OutputCheck, Status, Tail
from rkmend.report.text import paragraph, wrapped

NAMED = 4
"""Culprits that are named one by one; all of them stand in report.json."""
HEADLINES = {
    Status.CONVERTED: ("converted", "green"),
    Status.MENDED: ("mended", "green"),
    Status.PARTIAL: ("partial", "yellow"),
    Status.REFUSED: ("refused", "red"),
    Status.ENVIRONMENT: ("no toolkit", "red"),
}


def story(result: Conversion) -> str:
    """The story, a few paragraphs; styled, and click strips the styles where there is no terminal."""
    word, colour = HEADLINES[result.status]
    toolkit = f"RKNN-Toolkit2 {result.toolkit.version}" if result.toolkit else "no toolkit"
    parts = [
        click.style(f"{word}: ", fg=colour, bold=True) + f"{result.model.path} for {result.target}, {toolkit}"
    ]
    if result.reason:
        parts.append(paragraph("Why", result.reason))
    elif result.first_verdict and not result.first_verdict.converted:
        parts.append(_failure(result))
    parts += [paragraph("Believed because", finding.message) for finding in result.findings]
    if result.cause:
        parts.append(paragraph("Cause", result.cause.text))
    parts += _mends(result)
    parts += [_interface(result.interface)] if result.interface else []
    parts += [_tail(result.tail)] if result.tail else []
    parts += [_rejected(result)] if result.rejected_mends else []
    parts += [_verification(result.verification)] if result.verification else []
    parts += [paragraph("Note", note) for note in result.notes]
    parts.append(_files(result))
    return "\n\n".join(parts)


def _failure(result: Conversion) -> str:
    verdict = result.first_verdict
    assert verdict
    said = verdict.message.splitlines()[0] if verdict.message else verdict.signature
    lines = [f"{verdict.outcome.sentence} ({said})."]
    for how in dict.fromkeys(culprit.how for culprit in result.culprits):
        named = [
            f"{operator} {node}"
            for culprit in result.culprits
            if culprit.how == how
            for operator, node in zip(culprit.operators, culprit.nodes, strict=True)
        ]
        more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        if named:
            lines.append(f"To blame: {', '.join(named[:NAMED])}{more}, {how}.")
    return paragraph("What failed", " ".join(lines))


def _mends(result: Conversion) -> list[str]:
    """A paragraph per kind of mend, with all the nodes it was applied to; the cost is that of the whole."""
    kinds: dict[tuple[str, str], list[AppliedMend]] = {}
    for mend in result.mends:
        kinds.setdefault((mend.code, mend.name), []).append(mend)
    return [*map(_mend, kinds.values()), *map(_cost, result.mends[-1:])]


def _mend(same: list[AppliedMend]) -> str:
    first = same[0]
    nodes = ", ".join(node for mend in same for node in mend.nodes) or "the whole model"
    largest = max(mend.proof.max_abs for mend in same)
    return "\n".join(
        [
            paragraph("What was changed", f"{first.code} {first.name} at {nodes}: {first.summary}"),
            paragraph("Exactness", f"{first.exactness.value}; largest difference in float32: {largest:.2g}."),
            paragraph("Proof", f"{first.proof.kind}. {first.proof.covers}"),
            paragraph("Not covered", first.proof.does_not_cover),
        ]
    )


def _interface(changes: tuple[InterfaceChange, ...]) -> str:
    lines = [wrapped(f"{change.kind} {change.given.name}: {change.how}", indent="    ") for change in changes]
    return "\n".join([paragraph("Interface", "not that of the model as it was given:"), *lines])


def _tail(tail: Tail) -> str:
    nodes = f"{len(tail.nodes)} operators, from {tail.nodes[0]} on" if len(tail.nodes) > 1 else tail.nodes[0]
    return paragraph(
        "Left for the CPU",
        f"{nodes}: nothing known carries the toolkit past it ({tail.why}). The .rknn gives "
        f"{'; '.join(map(str, tail.inputs))}; run the .tail.onnx on that (ONNX Runtime) to get "
        f"{'; '.join(map(str, tail.outputs))}.",
    )


def _cost(last: AppliedMend) -> str:
    cost = "not known"
    if last.cycles_after is not None:
        cost = f"{last.cycles_after:,} cycles by the compiler's table"
        if last.chip_cycles_after not in (None, last.cycles_after):
            cost += f" ({last.chip_cycles_after:,} counting the idle cores)"
        cost += f", {last.cpu_ops_after} operators on the CPU"
    return paragraph("Cost", f"{cost}; converted in {last.trials_converted} of {last.trials_run} trials.")


def _rejected(result: Conversion) -> str:
    lines = [wrapped(f"{item.name}: {item.why}", indent="    ") for item in result.rejected_mends]
    return "\n".join([paragraph("Not chosen", ""), *lines])


def _verification(checks: tuple[OutputCheck, ...]) -> str:
    lines = []
    for check in checks[:8]:
        mark = click.style("agrees", fg="green") if check.ok else click.style("DIFFERS", fg="red", bold=True)
        if check.explained_by:
            mark = click.style(f"differs as {check.explained_by} itself does", fg="yellow")
        lines.append(
            f"    {check.output}: {mark}, cosine {check.cosine:.6f}, largest difference {check.max_abs:.4g} "
            f"({check.max_rel:.2%} of the largest value), worst of {len(check.samples)} samples"
        )
        lines += _noise(check)
    if len(checks) > 8:
        lines.append(f"    and {len(checks) - 8} more outputs, in report.json")
    tolerance = checks[0].tolerance
    head = (
        "the simulator against ONNX Runtime on the original model; "
        f"{tolerance.dtype} tolerance: cosine >= {tolerance.cosine}"
    )
    return "\n".join([paragraph("Agreement", head), *lines])


def _noise(check: OutputCheck) -> list[str]:
    """What rounding alone does, for each sample that is not within the tolerance."""
    lines = []
    for found in check.samples:
        if found.noise and not check.tolerance.holds(found):
            noise = found.noise
            text = (
                f"sample {found.sample}: {max(noise.ratio, noise.peak):.2g} times as far off as "
                f"rounding to {check.tolerance.dtype} takes ONNX Runtime ({noise.share:.1%} of the signal)"
            )
            lines.append(wrapped(text, indent="        "))
    return lines


def _files(result: Conversion) -> str:
    lines = [paragraph("Files", "")]
    lines += [f"    {kind:10} {path}" for kind, path in result.files.items()]
    ran = sum(not trial.cached for trial in result.trials)
    lines.append(
        f"{len(result.trials)} trials ({len(result.trials) - ran} remembered), {result.seconds:.1f} s"
    )
    return "\n".join(lines)
