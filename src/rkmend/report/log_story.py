"""A log, told in words for the terminal. Plain text; the caller decides about colours."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from rkmend.toolkit.log import ConfigFailure, LogError, LogException, LogReport, RegTask, Sighting
from rkmend.toolkit.verdict import Stage

Emphasis = Callable[[str], str]

NOT_A_LOG = """\
Nothing in this text looks like a log of RKNN-Toolkit2 or of its runtime.
rkmend looks for lines such as 'I rknn-toolkit2 version: 2.3.2', 'E build: ...', 'E RKNN: [12:00:00.000] ...',
a Python traceback through rknn/api, or the compiler's 'Network Layer Information Table'.
For the whole story run the conversion with RKNN(verbose=True) and save all of its output:
    python convert.py > log.txt 2>&1
"""

_WIDTH = 100
_ENDS = {
    Stage.CONFIG: "The log ends before a model was loaded.",
    Stage.LOAD: "The log ends while the model was being loaded.",
    Stage.BUILD: "The log ends in the build.",
    Stage.EXPORT: "The build went through.",
    Stage.SIMULATE: "The build went through, and the simulator was started.",
}


def log_story(report: LogReport, emphasise: Emphasis = str) -> str:
    """The story of a log.

    Args:
        report: What was read.
        emphasise: Marks headings, for example with `click.style`.
    """
    if not report.recognised:
        return NOT_A_LOG
    return "\n".join(_lines(report, emphasise)) + "\n"


def layer_in_words(failure: ConfigFailure) -> str:
    """The fields of a `Failed to config layer` block: `Conv 1x1, stride 1, input 384x126x1198, ...`.

    Shapes are channels x height x width; `?` stands for what the paste was cut before.
    """

    def shown(*values: int | None) -> str:
        return "x".join("?" if value is None else str(value) for value in values)

    kind = "ConvTranspose" if failure.is_deconv else failure.op_type or "layer"
    name = f"{kind} {shown(failure.kh, failure.kw)}"
    if failure.kc and failure.ic and failure.ic != failure.kc and not failure.is_deconv:
        name = f"depthwise {name}" if failure.kc == 1 else f"{name} in {failure.ic // failure.kc} groups"
    square = failure.stride_h == failure.stride_w
    parts = [
        name,
        f"stride {shown(failure.stride_h) if square else shown(failure.stride_h, failure.stride_w)}",
    ]
    if {failure.dilation_h, failure.dilation_w} - {None, 1}:
        parts.append(f"dilation {shown(failure.dilation_h, failure.dilation_w)}")
    if failure.batch not in (None, 1):
        parts.append(f"batch {failure.batch}")
    parts.append(f"input {shown(failure.ic, failure.ih, failure.iw)}")
    parts.append(f"output {shown(failure.oc, failure.oh, failure.ow)}")
    pads = {"t": failure.pad_t, "b": failure.pad_b, "l": failure.pad_l, "r": failure.pad_r}
    named = " ".join(f"{side}{shown(pad)}" for side, pad in pads.items())
    parts.append(f"pads {named}" if any(pad != 0 for pad in pads.values()) else "no padding")
    return ", ".join(parts)


def _lines(report: LogReport, emphasise: Emphasis) -> Iterator[str]:
    yield from _wrapped(" ".join(_opening(report)))
    fatal = [failure for failure in report.config_failures if failure.fatal]
    if fatal or report.exception:
        yield from ("", emphasise("Where"))
    for failure in fatal:
        yield from _layer(failure)
    if report.exception:
        yield from _exception(report.exception)
    for sighting in report.sightings:
        if not sighting.kind.harmless:
            yield from ("", *_told(sighting, report, emphasise))
    errors = _unexplained(report)
    if errors:
        yield from ("", emphasise("Errors, as printed"))
        yield from (f"  {error.raw}{_times(error.count)}" for error in errors[:20])
    if report.layers:
        yield from ("", *_wrapped(_table(report)))
    harmless = [sighting for sighting in report.sightings if sighting.kind.harmless]
    if harmless:
        yield from ("", emphasise("Harmless"))
    for sighting in harmless:
        yield f"  {sighting.line}{_times(sighting.count)}"
        yield from _wrapped(sighting.kind.meaning, indent=4)


def _opening(report: LogReport) -> Iterator[str]:
    if report.toolkit_version:
        yield f"RKNN-Toolkit2 {report.toolkit_version}."
    if report.unfinished_pass:
        yield f"The log ends in the build, in the compiler pass {report.unfinished_pass}."
    elif report.stage:
        yield _ENDS[report.stage]
    if any(kind.on_board for kind in report.classes):
        yield "The exported file is not fit for the board."
    if report.on_board:
        yield "There are lines of a board's runtime."
    if report.errors or report.exception:
        return
    if report.unfinished_pass:
        yield (
            "Unless the log was cut, the compiler crashed there without a word: "
            "rkmend convert MODEL.onnx --target SOC finds the operator by trial."
        )
    elif report.stage in (Stage.EXPORT, Stage.SIMULATE):
        yield "No error."


def _layer(failure: ConfigFailure) -> Iterator[str]:
    yield f"  {failure.op_type or 'layer'} {failure.node or '(name cut off)'}"
    yield f"    {layer_in_words(failure)}"
    if failure.core_num is not None:
        yield f"    in the version for {failure.core_num} core{'' if failure.core_num == 1 else 's'}"
    if failure.reason:
        yield f"    {failure.reason}"
    if failure.bottom_beyond_kernel:
        yield from _wrapped(
            "Its bottom padding reaches beyond the kernel, so that an output row sees no input row: "
            "this is what RKM101 is about.",
            indent=4,
        )


def _exception(exception: LogException) -> Iterator[str]:
    yield from _wrapped(_headline(exception), indent=2)
    if exception.node:
        yield f"    {exception.op_type or 'named there:'} {exception.node}"
    if exception.rule:
        matched = f" on {', '.join(exception.nodes)}" if exception.nodes else ""
        yield from _wrapped(f"the toolkit's rule {exception.rule} failed{matched}", indent=4)
    elif exception.where:
        yield f"    in the toolkit's {exception.where}"


def _headline(exception: LogException) -> str:
    first, _, _ = exception.message.partition("\n")
    return f"{exception.kind}: {first}"


def _told(sighting: Sighting, report: LogReport, emphasise: Emphasis) -> Iterator[str]:
    kind = sighting.kind
    rule = report.exception.rule if report.exception else ""
    yield emphasise(f"{kind.title} ({kind.code})")
    yield f"  {sighting.line}{_times(sighting.count)}"
    if kind.on_board:
        yield from dict.fromkeys(_register(register) for register in report.regtasks[:20])
    yield from _wrapped(kind.meaning, indent=2)
    yield from _wrapped(f"do:    {kind.what_to_do.replace('RULE', rule or 'RULE')}", indent=2, hang=7)
    if kind.rule and _rule_may_fit(report):
        yield f"  rule:  rkmend rule {kind.rule}"
    yield f"  see:   {kind.reference}"


def _rule_may_fit(report: LogReport) -> bool:
    """Whether RKM101 holds for a failed layer, or might, its padding being cut off."""
    fatal = [failure for failure in report.config_failures if failure.fatal]
    return not fatal or any(failure.bottom_beyond_kernel or failure.pad_b is None for failure in fatal)


def _register(register: RegTask) -> str:
    offset = "?" if register.offset is None else f"{register.offset:#06x}"
    value = "a value" if register.value is None else f"{register.value}"
    limit = "" if register.limit is None else f", the limit is {register.limit}"
    return f"    register {offset}: {value} does not fit{limit}"


def _unexplained(report: LogReport) -> list[LogError]:
    """The errors that stand nowhere else in the story."""
    told = {sighting.line for sighting in report.sightings}
    if report.exception:
        told.add(_headline(report.exception))
    return [error for error in report.errors if error.raw not in told]


def _table(report: LogReport) -> str:
    own = [layer for layer in report.layers if layer.op_type not in ("InputOperator", "OutputOperator")]
    cpu = [layer.name or layer.op_type for layer in own if layer.target == "CPU"]
    text = f"{len(own)} layer{'' if len(own) == 1 else 's'} in the table"
    cycles = sum(layer.cycles for layer in report.layers)
    text += f", {cycles:,} cycles on one core" if cycles else ""
    text += f"; on the CPU: {', '.join(cpu)}" if cpu else "; none on the CPU"
    memory = [f"{kind} {size:g} KB" for kind, size in report.memory_kb.items()]
    return text + (f". Memory: {', '.join(memory)}." if memory else ".")


def _times(count: int) -> str:
    return f"  ({count} times)" if count > 1 else ""


def _wrapped(text: str, *, indent: int = 0, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
