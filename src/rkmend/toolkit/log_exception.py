"""The Python exception in a log: the first one, not the `ValueError` that the toolkit wraps round it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec


class LogException(msgspec.Struct, frozen=True, kw_only=True):
    """What Python said, and the place in the toolkit where it was said."""

    kind: str
    """Class name without its module."""
    message: str
    op_type: str = ""
    """Empty where only a name is known."""
    node: str = ""
    """The node (or tensor) that the message names, else the first node that the failing rule was matching."""
    nodes: tuple[str, ...] = ()
    """All nodes that the failing rule was matching; else `node` alone."""
    rule: str = ""
    """The toolkit's own rewrite rule that failed, as `disable_rules` wants it."""
    where: str = ""
    """The innermost function of the toolkit; empty when the toolkit raised its own words on purpose."""


_RAISED = re.compile(
    r"(?:(?:[A-Za-z_]\w*\.)*([A-Z_]\w*(?:Error|Exception|Interrupt|Exit))|(?:[a-z_]\w*\.){2,}([A-Z]\w+))"
    r"(?::\s*(.*)|\s*)$"
)
"""ONNX Runtime's classes (`...pybind11_state.InvalidArgument`) are not called errors."""
_FRAME = re.compile(r'^\s*File "[^"]*", line \d+, in (rknn\.\S+)')
_OWN_WORDS = "rknn.api.rknn_log.RKNNLog.e"
_WRAPPERS = ("error_catch_wrapper", "RKNNLog.e", "Session.run")
_RULE = re.compile(r"^Rule?r?:\s*(\w+)")
_OP_TYPE = re.compile(r"^Op type:\s*(\S+)")
_OP_NAME = re.compile(r"^Op name:\s*(\S.*)")
_ENDS = re.compile(r"[DIWE](?:\s|$)|During handling|The above exception|Traceback \(most|\s+File \"|```|\[")
_OP_AND_NAME = re.compile(r"\b([A-Z]\w*)\('([^'\n]+)'\)")
_NAMED = re.compile(
    r"(?:[Nn]ode|Name): ?'([^'\n]+)'|Node \(([^()\n]+)\)|[Nn]ode '([^'\n]+)'|input '([^'\n]+)'"
    r"|^'([^'\n]*/[^'\n]*)'$"
)
_RULE_FRAME = re.compile(r"\._p_(\w+)$")


def find_exception(lines: Sequence[str]) -> LogException | None:
    """The first exception of a traceback through the toolkit, or the first of any; None without one."""
    candidates = _exceptions(lines)
    if not candidates:
        return None
    kind, message, frames = next((found for found in candidates if found[2]), candidates[0])
    rule, matched = _match_shown(lines)
    innermost = frames[-1] if frames else ""
    if not rule and (rule_frame := _RULE_FRAME.search(innermost)):
        rule = rule_frame[1]
    op_type, node = _named(message)
    if not node and matched:
        op_type, node = matched[0]
    inside = [frame for frame in frames if not frame.endswith(_WRAPPERS)]
    return LogException(
        kind=kind,
        message=message,
        op_type=op_type,
        node=node,
        nodes=tuple(name for _, name in matched) or ((node,) if node else ()),
        rule=rule,
        where=inside[-1].rpartition(".")[2].removeprefix("_p_") if inside and innermost != _OWN_WORDS else "",
    )


def _exceptions(lines: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Class, message and toolkit frames of every exception that does not merely wrap another traceback."""
    found: list[tuple[str, str, list[str]]] = []
    frames: list[str] = []
    for number, line in enumerate(lines):
        if "Traceback (most recent call last)" in line:
            frames = []
        elif frame := _FRAME.match(line):
            frames.append(frame[1])
        elif raised := _RAISED.match(line):
            message = _whole_message(raised[3] or "", lines, number + 1)
            if not message.startswith("Traceback (most recent"):
                found.append((raised[1] or raised[2], message, frames))
            frames = []
    return found


def _whole_message(first: str, lines: Sequence[str], start: int) -> str:
    """A message with the lines that belong to it."""
    parts = [first.strip()]
    for line in lines[start : start + 20]:
        if not line.strip() or _ENDS.match(line) or _RAISED.match(line):
            break
        parts.append(line.strip())
    return "\n".join(part for part in parts if part)


def _match_shown(lines: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Rule, and type and name of its nodes, from the last `Show op fuse match nodes`."""
    rule, op_type = "", ""
    nodes: list[tuple[str, str]] = []
    for line in lines:
        if found := _RULE.match(line):
            rule, nodes = found[1], []
        elif found := _OP_TYPE.match(line):
            op_type = found[1]
        elif found := _OP_NAME.match(line):
            nodes.append((op_type, found[1].strip()))
    return rule, nodes


def _named(message: str) -> tuple[str, str]:
    """Operator type and name of the node, or the name of the node or tensor, that a message names."""
    if found := _OP_AND_NAME.search(message):
        return found[1], found[2]
    if found := _NAMED.search(message):
        return "", next(group for group in found.groups() if group)
    return "", ""
