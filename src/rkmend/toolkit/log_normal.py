"""Messages without what differs from run to run and from model to model: equal ones mean the same failure."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^[DIWE] (?:RKNN: )?|\[\d\d:\d\d:\d\d(?:\.\d+)?\] ?")
_KEPT = re.compile(
    r"(?:bool|object|str|string|list|tuple|dict|bytes|complex|function|method|NoneType|ndarray|numpy\.\w+"
    r"|b?float\d*|bfloat16|u?int\d*|rk\d+|rv\d+[a-z]?)"
)
"""Words that may stand in quotes without being names: Python's types, number formats, targets."""

_QUOTED = re.compile(r"(attribute |module |named |keyword argument )?(?<!\w)(['\"])([^'\"\n]*)\2(?!\w)")
_LABELLED = re.compile(r"\b(name|tensor|node|for input|lowering found for): ?([A-Za-z]\w*:)?[^\s,;()\[\]]+")
_TENSOR = re.compile(r"\btname:\[[^\[\]]*\]")
_BRACKETED_NODE = re.compile(r"\b(Node) \([^()]*\)")
_SHAPE_OF = re.compile(r"^[^\s:]+(?=: set shape = )")
_PATH = re.compile(
    r"(?:\b([A-Za-z]\w*):)?(?:\b[\w.+-]+(?=/[\w.:#+-]+/)|(?<![\w.]))/[\w.:#+-]+(?:/[\w.:#+-]*)*"
)
"""With at least two slashes or a leading one: `inputs/outputs` is not a path."""
_HEX = re.compile(r"\b0x[0-9a-fA-F]+")
_WORD = re.compile(r"\b[A-Za-z_]\w*\d\w*")
_NUMBER = re.compile(r"(?<![\w#])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_LISTED = re.compile(r"\[(?:[#…'\",\s]|\([#,\s]*\))*\]|\((?:#|…),[#…,\s]*\)")


def normalise(message: str) -> str:
    """The message with names, numbers, sizes, paths, addresses and times replaced; what failed and how stays.

    Names and paths become `…`, numbers `#`, shapes and lists of names `[…]`. Operator types, exception
    classes, Python types and number formats (`float16`) stay. Lines are joined. Idempotent.
    """
    text = " ".join(message.split())
    while True:
        simpler = _once(text)
        if simpler == text:
            return text
        text = simpler


def _once(text: str) -> str:
    text = _PREFIX.sub("", text)
    text = _QUOTED.sub(_quoted, text)
    text = _BRACKETED_NODE.sub(r"\1 (…)", text)
    text = _SHAPE_OF.sub("…", text)
    text = _PATH.sub(lambda found: f"{found[1]}:…" if found[1] else "…", text)
    text = _TENSOR.sub("tname:[…]", text)
    text = _LABELLED.sub(lambda found: f"{found[1]}: {found[2] or ''}…", text)
    text = _HEX.sub("#", text)
    text = _WORD.sub(_word, text)
    text = _NUMBER.sub("#", text)
    text = _LISTED.sub(lambda found: f"{found[0][0]}…{found[0][-1]}", text)
    return " ".join(text.split())


def _quoted(found: re.Match[str]) -> str:
    lead, quote, inside = found[1] or "", found[2], found[3]
    kept = lead or _KEPT.fullmatch(inside) or not re.search(r"\w", inside)
    return f"{lead}{quote}{inside if kept else '…'}{quote}"


def _word(found: re.Match[str]) -> str:
    """`conv12` is a name, `float16` is not."""
    return found[0] if _KEPT.fullmatch(found[0]) else re.sub(r"\d+", "#", found[0])
