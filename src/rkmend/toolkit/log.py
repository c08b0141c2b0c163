"""A toolkit log, read: how far it came, what failed on which operator, and what each kind of line means."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from rkmend.toolkit.log_classes import LogClass, Sighting, sightings
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.log_exception import LogException, find_exception
from rkmend.toolkit.log_normal import normalise
from rkmend.toolkit.log_records import (
    ConfigFailure,
    RegTask,
    config_failures,
    continues_block,
    cpu_notes,
    regtasks,
    split_level,
)
from rkmend.toolkit.log_tables import layers, memory_kb
from rkmend.toolkit.verdict import Layer, Stage

__all__ = [
    "ConfigFailure",
    "LogClass",
    "LogError",
    "LogException",
    "LogReport",
    "RegTask",
    "Sighting",
    "clean",
    "parse_log",
]


class LogError(msgspec.Struct, frozen=True):
    """A line that says what went wrong."""

    raw: str
    """As printed."""
    normalised: str
    """Without level, times, names and numbers."""
    count: int
    """Lines that are normalised alike."""


class LogReport(msgspec.Struct, frozen=True, kw_only=True):
    """What can be known from a log alone. A paste may be cut anywhere: what is not there is empty or None."""

    toolkit_version: str
    stage: Stage | None
    """The last stage that the log shows; None when it shows none, as logs from a board do."""
    on_board: bool
    """The log comes from a board's runtime."""
    unfinished_pass: str
    """The compiler pass that was started and not ended, without `rknn::`."""
    config_failures: tuple[ConfigFailure, ...]
    regtasks: tuple[RegTask, ...]
    cpu_notes: tuple[str, ...]
    exception: LogException | None
    layers: tuple[Layer, ...]
    memory_kb: dict[str, float]
    errors: tuple[LogError, ...]
    sightings: tuple[Sighting, ...]

    @property
    def classes(self) -> tuple[LogClass, ...]:
        """The kinds of lines that were recognised, in order of appearance."""
        return tuple(sighting.kind for sighting in self.sightings)

    @property
    def recognised(self) -> bool:
        """Whether this is a toolkit's log at all."""
        return bool(
            self.stage
            or self.on_board
            or self.toolkit_version
            or self.sightings
            or self.config_failures
            or self.layers
            or (self.exception and self.exception.where)
            or any(error.raw.startswith("E RKNN") for error in self.errors)
        )


def parse_log(text: str, *, pasted: bool = True) -> LogReport:
    """Reads a log, whole or cut, plain or as a forum left it. Never raises; linear in the length of the text.

    Args:
        text: The log.
        pasted: False for a log straight from the toolkit, where no line was folded.
    """
    lines = clean(text, pasted=pasted)
    whole = "\n".join(lines)
    exception = find_exception(lines)
    return LogReport(
        toolkit_version=_version(whole),
        stage=_stage(whole),
        on_board=any(sign in whole for sign in _BOARD_SIGNS),
        unfinished_pass=_unfinished_pass(whole),
        config_failures=config_failures(lines),
        regtasks=regtasks(lines),
        cpu_notes=cpu_notes(lines),
        exception=exception,
        layers=layers(lines),
        memory_kb=memory_kb(lines),
        errors=_errors(lines, exception),
        sightings=sightings(lines),
    )


_VERSIONS = re.compile(r"(?:rknn-toolkit2|librknnc) version: (\d[\w.+-]*)")


def _version(text: str) -> str:
    versions = _VERSIONS.findall(text)
    return versions[-1] if versions else ""


_ANCHORS = {
    Stage.CONFIG: ("I rknn-toolkit2 version:", "E config:", "W config:", "E The target_platform"),
    Stage.LOAD: (
        "I Loading",
        "load_onnx:",
        "load_pytorch:",
        "load_tflite:",
        "load_tensorflow:",
        "load_caffe:",
    ),
    Stage.BUILD: (
        *("base_optimize", "fold_constant", "correct_ops", "fuse_ops", "OpFusing", "sparse_weight"),
        *("Quantizating", "HybridProposal", "E build:", "W build:", "rknn building ...", "RKNN is invoked"),
        *(">> start:", "<< end:", "Failed to config layer", "REGTASK:", "Unkown op target"),
        "Network Layer Information Table",
    ),
    Stage.EXPORT: ("rknn building done", "rknn buiding done", "E export_rknn:", "Export rknn model done"),
    Stage.SIMULATE: ("use simulator", "SessionPreparing", "W inference:", "E inference:", "E init_runtime:"),
}
"""What the toolkit prints in each stage; quantisation shares `GraphPreparing` with the simulator."""

_BOARD_SIGNS = (
    *(
        "rknn_init",
        "rknn_run",
        "rknn_inputs_set",
        "rknn_query",
        "librknnrt",
        "librknnmrt",
        "failed to submit",
    ),
    *("RKNN Runtime Information", "RKNN Driver Information", "failed to malloc npu memory"),
    "rknn fallback cpu failed",
)


def _stage(text: str) -> Stage | None:
    """The stage whose anchor comes last: a log may hold several conversions."""
    last = {stage: max(text.rfind(anchor) for anchor in anchors) for stage, anchors in _ANCHORS.items()}
    stage = max(last, key=lambda each: last[each])
    return stage if last[stage] >= 0 else None


_PASSES = re.compile(
    r"(?P<edge>>> start|<< end): (?:rknn::|N4rknn\d+)?(?P<name>\w+)"
    r"|RKNN is invoked|I rknn-toolkit2 version|I rknn buil?ding done"
)


def _unfinished_pass(text: str) -> str:
    running: list[str] = []
    for found in _PASSES.finditer(text, max(0, text.rfind("RKNN is invoked"))):
        if not found["name"]:
            running = []
        elif found["edge"].endswith("start"):
            running.append(_demangled(found["name"]))
        elif _demangled(found["name"]) in running:
            del running[running.index(_demangled(found["name"])) :]
    return running[-1] if running else ""


def _demangled(name: str) -> str:
    """`RKNNTilingPassE` of toolkit 1.x, whose prefix is gone already, is `RKNNTilingPass`."""
    return name[:-1] if name.endswith("PassE") else name


_ERROR_SIGNS = re.compile(
    r"E \S|terminate called|\s+what\(\)|Fatal:|Segmentation fault|Aborted|Killed\b|\w+ fail! ret|scale_inf\.shape error"
    r"|段错误|已放弃|已杀死"
)
_DIGITS = re.compile(r"\d+")
_KINDS = 500
"""Error lines beyond so many kinds are not told."""
_EMPTY_ERRORS = re.compile(r"rknn-toolkit2 version|(?:\w+: *)?(?:=+ WARN|Traceback|$)")


def _errors(lines: Sequence[str], exception: LogException | None) -> tuple[LogError, ...]:
    """Lines at level E and their like, each kind once, in order; then the exception if no line told it."""
    kinds: dict[str, str] = {}
    found: dict[str, LogError] = {}
    for line in lines:
        if not _ERROR_SIGNS.match(line) or continues_block(line) or _EMPTY_ERRORS.match(split_level(line)[1]):
            continue
        digitless = _DIGITS.sub("#", line)  # thousands of lines may differ in numbers only
        if digitless not in kinds and len(kinds) < _KINDS:
            kinds[digitless] = normalise(line)
        if key := kinds.get(digitless):
            first = found.get(key)
            found[key] = LogError(first.raw if first else line.strip(), key, first.count + 1 if first else 1)
    if exception:
        told = normalise(exception.message.partition("\n")[0])
        if not any(told in key for key in found):
            raw = f"{exception.kind}: {exception.message}".partition("\n")[0]
            found[raw] = LogError(raw, f"{exception.kind}: {told}", 1)
    return tuple(found.values())
