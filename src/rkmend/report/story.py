"""The short story of a conversion for the terminal.

What failed, why it is believed, what was changed, what it costs, how well it agrees, where the files are.
"""

from __future__ import annotations

import click

from rkmend.mend.interface import InterfaceChange
from rkmend.records import AppliedMend, Conversion, OutputCheck, Status
from rkmend.report import sentences
from rkmend.report.text import paragraph, wrapped
from rkmend.words import Language, Say, translator

COLOURS = {
    Status.CONVERTED: "green",
    Status.MENDED: "green",
    Status.PARTIAL: "yellow",
    Status.REFUSED: "red",
    Status.ENVIRONMENT: "red",
}
SHOWN_OUTPUTS = 8


def story(result: Conversion, language: Language = Language.EN) -> str:
    """The story, a few paragraphs; styled, and click strips the styles where there is no terminal."""
    say = translator(language)
    word = say("{status}: ", status=say(sentences.STATUS[result.status]))
    parts = [click.style(word, fg=COLOURS[result.status], bold=True) + sentences.headline(result, say)]
    if result.reason:
        parts.append(paragraph(say("Why"), say.again(result.reason), say))
    elif result.first_verdict and not result.first_verdict.converted:
        parts.append(paragraph(say("What failed"), sentences.failure(result, say), say))
    parts += [
        paragraph(say("Believed because"), sentences.believed(finding, say), say)
        for finding in result.findings
    ]
    if result.cause:
        cause = result.cause.text_zh if language is Language.ZH else result.cause.text
        parts.append(paragraph(say("Cause"), cause, say))
    parts += _mends(result, say)
    parts += [_interface(result.interface, say)] if result.interface else []
    if result.tail:
        parts.append(paragraph(say("Left for the CPU"), sentences.left_over(result.tail, say), say))
    parts += [_rejected(result, say)] if result.rejected_mends else []
    parts += [_verification(result.verification, say)] if result.verification else []
    if result.layerwise:
        parts.append(paragraph(say("Layers"), sentences.layers(result.layerwise, say), say))
    parts += [paragraph(say("Note"), say.again(note), say) for note in result.notes]
    parts.append(_files(result, say))
    return "\n\n".join(parts)


def _mends(result: Conversion, say: Say) -> list[str]:
    """A paragraph per kind of mend, with all the nodes it was applied to; the cost is that of the whole."""
    kinds: dict[tuple[str, str], list[AppliedMend]] = {}
    for mend in result.mends:
        kinds.setdefault((mend.code, mend.name), []).append(mend)
    told = [_mend(same, say) for same in kinds.values()]
    return [*told, *(paragraph(say("Cost"), sentences.cost(mend, say), say) for mend in result.mends[-1:])]


def _mend(same: list[AppliedMend], say: Say) -> str:
    first = same[0]
    return "\n".join(
        [
            paragraph(say("What was changed"), sentences.changed(same, say), say),
            paragraph(say("Exactness"), sentences.exactness(same, say), say),
            paragraph(say("Proof"), sentences.proof(first, say), say),
            paragraph(say("Not covered"), say.again(first.proof.does_not_cover), say),
        ]
    )


def _interface(changes: tuple[InterfaceChange, ...], say: Say) -> str:
    lines = [wrapped(sentences.interface(change, say), indent="    ") for change in changes]
    return "\n".join(
        [paragraph(say("Interface"), say("not that of the model as it was given:"), say), *lines]
    )


def _rejected(result: Conversion, say: Say) -> str:
    lines = [
        wrapped(say("{name}: {why}", name=item.name, why=say.again(item.why)), indent="    ")
        for item in result.rejected_mends
    ]
    return "\n".join([paragraph(say("Not chosen"), "", say), *lines])


def _verification(checks: tuple[OutputCheck, ...], say: Say) -> str:
    lines = []
    for check in checks[:SHOWN_OUTPUTS]:
        colour = "yellow" if check.explained_by else "green" if check.ok else "red"
        mark = click.style(sentences.mark(check, say), fg=colour, bold=colour == "red" or None)
        told = sentences.agreement(check, say)
        lines.append("    " + say("{output}: {mark}, {told}", output=check.output, mark=mark, told=told))
        lines += [wrapped(text, indent="        ") for text in sentences.noise(check, say)]
    if len(checks) > SHOWN_OUTPUTS:
        lines.append(
            "    " + say("and {number} more outputs, in report.json", number=len(checks) - SHOWN_OUTPUTS)
        )
    return "\n".join(
        [paragraph(say("Agreement"), sentences.tolerance(checks[0].tolerance, say), say), *lines]
    )


def _files(result: Conversion, say: Say) -> str:
    lines = [paragraph(say("Files"), "", say)]
    lines += [f"    {kind:10} {path}" for kind, path in result.files.items()]
    ran = sum(not trial.cached for trial in result.trials)
    lines.append(
        say(
            "{trials} trials ({remembered} remembered), {seconds:.1f} s",
            trials=len(result.trials),
            remembered=len(result.trials) - ran,
            seconds=result.seconds,
        )
    )
    return "\n".join(lines)
