"""A log, told in words for the terminal. Plain text; the caller decides about colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from rkmend.report.text import folded
from rkmend.toolkit.log import ConfigFailure, LogError, LogException, LogReport, RegTask, Sighting
from rkmend.toolkit.log_classes import LogClass
from rkmend.toolkit.verdict import Stage
from rkmend.words import ENGLISH, N_, Language, Say, log_words

Emphasis = Callable[[str], str]

NOT_A_LOG = N_("""\
Nothing in this text looks like a log of RKNN-Toolkit2 or of its runtime.
rkmend looks for lines such as 'I rknn-toolkit2 version: 2.3.2', 'E build: ...', 'E RKNN: [12:00:00.000] ...',
a Python traceback through rknn/api, or the compiler's 'Network Layer Information Table'.
For the whole story run the conversion with RKNN(verbose=True) and save all of its output:
    python convert.py > log.txt 2>&1
""")

_WIDTH = 100
_ENDS = {
    Stage.CONFIG: N_("The log ends before a model was loaded."),
    Stage.LOAD: N_("The log ends while the model was being loaded."),
    Stage.BUILD: N_("The log ends in the build."),
    Stage.EXPORT: N_("The build went through."),
    Stage.SIMULATE: N_("The build went through, and the simulator was started."),
}


def log_story(report: LogReport, emphasise: Emphasis = str, say: Say = ENGLISH) -> str:
    """The story of a log.

    Args:
        report: What was read.
        emphasise: Marks headings, for example with `click.style`.
        say: The language; lines of the log stay as they are.
    """
    if not report.recognised:
        return say(NOT_A_LOG)
    return "\n".join(_lines(report, emphasise, say)) + "\n"


def layer_in_words(failure: ConfigFailure, say: Say = ENGLISH) -> str:
    """The fields of a `Failed to config layer` block: `Conv 1x1, stride 1, input 384x126x1198, ...`.

    Shapes are channels x height x width; `?` stands for what the paste was cut before.
    """

    def shown(*values: int | None) -> str:
        return "x".join("?" if value is None else str(value) for value in values)

    kind = "ConvTranspose" if failure.is_deconv else failure.op_type or say("layer")
    name = f"{kind} {shown(failure.kh, failure.kw)}"
    if failure.kc and failure.ic and failure.ic != failure.kc and not failure.is_deconv:
        if failure.kc == 1:
            name = say("depthwise {layer}", layer=name)
        else:
            name = say("{layer} in {groups} groups", layer=name, groups=failure.ic // failure.kc)
    square = failure.stride_h == failure.stride_w
    stride = shown(failure.stride_h) if square else shown(failure.stride_h, failure.stride_w)
    parts = [name, say("stride {size}", size=stride)]
    if {failure.dilation_h, failure.dilation_w} - {None, 1}:
        parts.append(say("dilation {size}", size=shown(failure.dilation_h, failure.dilation_w)))
    if failure.batch not in (None, 1):
        parts.append(say("batch {size}", size=failure.batch))
    parts.append(say("input {size}", size=shown(failure.ic, failure.ih, failure.iw)))
    parts.append(say("output {size}", size=shown(failure.oc, failure.oh, failure.ow)))
    pads = {"t": failure.pad_t, "b": failure.pad_b, "l": failure.pad_l, "r": failure.pad_r}
    named = " ".join(f"{side}{shown(pad)}" for side, pad in pads.items())
    padded = any(pad != 0 for pad in pads.values())
    parts.append(say("pads {sides}", sides=named) if padded else say("no padding"))
    return ", ".join(parts)


def _lines(report: LogReport, emphasise: Emphasis, say: Say) -> Iterator[str]:
    yield from _wrapped(say.joined(_opening(report, say)))
    fatal = [failure for failure in report.config_failures if failure.fatal]
    if fatal or report.exception:
        yield from ("", emphasise(say("Where")))
    for failure in fatal:
        yield from _layer(failure, say)
    if report.exception:
        yield from _exception(report.exception, say)
    for sighting in report.sightings:
        if not sighting.kind.harmless:
            yield from ("", *_told(sighting, report, emphasise, say))
    errors = _unexplained(report)
    if errors:
        yield from ("", emphasise(say("Errors, as printed")))
        yield from (f"  {error.raw}{_times(error.count, say)}" for error in errors[:20])
    if report.layers:
        yield from ("", *_wrapped(_table(report, say)))
    harmless = [sighting for sighting in report.sightings if sighting.kind.harmless]
    if harmless:
        yield from ("", emphasise(say("Harmless")))
    for sighting in harmless:
        yield f"  {sighting.line}{_times(sighting.count, say)}"
        yield from _wrapped(_class(sighting.kind, say).meaning, indent=4)


def _opening(report: LogReport, say: Say) -> Iterator[str]:
    if report.toolkit_version:
        yield say("RKNN-Toolkit2 {version}.", version=report.toolkit_version)
    if report.unfinished_pass:
        yield say("The log ends in the build, in the compiler pass {name}.", name=report.unfinished_pass)
    elif report.stage:
        yield say(_ENDS[report.stage])
    if any(kind.on_board for kind in report.classes):
        yield say("The exported file is not fit for the board.")
    if report.on_board:
        yield say("There are lines of a board's runtime.")
    if report.errors or report.exception:
        return
    if report.unfinished_pass:
        yield say(
            "Unless the log was cut, the compiler crashed there without a word: "
            "rkmend convert MODEL.onnx --target SOC finds the operator by trial."
        )
    elif report.stage in (Stage.EXPORT, Stage.SIMULATE):
        yield say("No error.")


def _layer(failure: ConfigFailure, say: Say) -> Iterator[str]:
    yield f"  {failure.op_type or say('layer')} {failure.node or say('(name cut off)')}"
    yield f"    {layer_in_words(failure, say)}"
    if failure.core_num is not None:
        yield "    " + say.many(
            "in the version for {count} core", "in the version for {count} cores", failure.core_num
        )
    if failure.reason:
        yield f"    {failure.reason}"
    if failure.bottom_beyond_kernel:
        beyond = say(
            "Its bottom padding reaches beyond the kernel, so that an output row sees no input row: "
            "this is what RKM101 is about."
        )
        yield from _wrapped(beyond, indent=4)


def _exception(exception: LogException, say: Say) -> Iterator[str]:
    yield from _wrapped(_headline(exception), indent=2)
    if exception.node:
        yield f"    {exception.op_type or say('named there:')} {exception.node}"
    if exception.rule:
        failed = say("the toolkit's rule {rule} failed", rule=exception.rule)
        if exception.nodes:
            failed = say(
                "the toolkit's rule {rule} failed on {nodes}",
                rule=exception.rule,
                nodes=", ".join(exception.nodes),
            )
        yield from _wrapped(failed, indent=4)
    elif exception.where:
        yield "    " + say("in the toolkit's {where}", where=exception.where)


def _headline(exception: LogException) -> str:
    first, _, _ = exception.message.partition("\n")
    return f"{exception.kind}: {first}"


def _told(sighting: Sighting, report: LogReport, emphasise: Emphasis, say: Say) -> Iterator[str]:
    kind, words = sighting.kind, _class(sighting.kind, say)
    rule = report.exception.rule if report.exception else ""
    yield emphasise(f"{words.title} ({kind.code})")
    yield f"  {sighting.line}{_times(sighting.count, say)}"
    if kind.on_board:
        yield from dict.fromkeys(_register(register, say) for register in report.regtasks[:20])
    yield from _wrapped(words.meaning, indent=2)
    yield from _wrapped(
        say("do:    {what}", what=words.what_to_do.replace("RULE", rule or "RULE")), indent=2, hang=7
    )
    if kind.rule and _rule_may_fit(report):
        yield "  " + say("rule:  rkmend rule {code}", code=kind.rule)
    yield "  " + say("see:   {reference}", reference=kind.reference)


def _rule_may_fit(report: LogReport) -> bool:
    """Whether RKM101 holds for a failed layer, or might, its padding being cut off."""
    fatal = [failure for failure in report.config_failures if failure.fatal]
    return not fatal or any(failure.bottom_beyond_kernel or failure.pad_b is None for failure in fatal)


def _register(register: RegTask, say: Say) -> str:
    offset = "?" if register.offset is None else f"{register.offset:#06x}"
    value = say("a value") if register.value is None else f"{register.value}"
    limit = "" if register.limit is None else say(", the limit is {limit}", limit=register.limit)
    return "    " + say(
        "register {offset}: {value} does not fit{limit}", offset=offset, value=value, limit=limit
    )


def _unexplained(report: LogReport) -> list[LogError]:
    """The errors that stand nowhere else in the story."""
    told = {sighting.line for sighting in report.sightings}
    if report.exception:
        told.add(_headline(report.exception))
    return [error for error in report.errors if error.raw not in told]


def _class(kind: LogClass, say: Say) -> LogClass:
    """A kind of line in the language."""
    if say.language is Language.EN:
        return kind
    words = log_words(kind.code)
    return msgspec.structs.replace(
        kind, title=words.title, meaning=words.meaning, what_to_do=words.what_to_do
    )


def _table(report: LogReport, say: Say) -> str:
    own = [layer for layer in report.layers if layer.op_type not in ("InputOperator", "OutputOperator")]
    cpu = [layer.name or layer.op_type for layer in own if layer.target == "CPU"]
    text = say.many("{count} layer in the table", "{count} layers in the table", len(own))
    cycles = sum(layer.cycles for layer in report.layers)
    text += say(", {cycles:,} cycles on one core", cycles=cycles) if cycles else ""
    text += say("; on the CPU: {layers}", layers=", ".join(cpu)) if cpu else say("; none on the CPU")
    memory = [f"{kind} {size:g} KB" for kind, size in report.memory_kb.items()]
    return text + (say(". Memory: {sizes}.", sizes=", ".join(memory)) if memory else say("."))


def _times(count: int, say: Say) -> str:
    return say("  ({count} times)", count=count) if count > 1 else ""


def _wrapped(text: str, *, indent: int = 0, hang: int = 0) -> list[str]:
    return folded(text, _WIDTH, " " * indent, " " * (indent + hang)).splitlines()
