"""Records that a terminal, forum or mail broke over several lines, in one piece again."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from rkmend.toolkit.log_records import FIELD_NAMES

_WORDS = re.compile(r"\s*\S+\s+\S")
_STARTS = re.compile(
    r"""[DIWE](?:\s|$)                                  # a level
      | \s*(?:Traceback\ \(most|File\ ")                # Python
      | (?:\w+\.)*[A-Z_]\w*(?:Error|Exception|Exit|Interrupt)(?::|$) | (?:[a-z_]\w*\.){2,}[A-Z]\w+:
      | \s*\^ | During\ handling | The\ above\ exception
      | (?:Rule|Ruler|Subgraph):|Op\ (?:type|name):     # the match that a fusion rule shows
      | \s*(?:Input|Output|Attribute):
      | \d+\s+[A-Za-z]\w*\s+(?:U?INT|FLOAT|BFLOAT|BOOL)\w*\s   # tables
      | -{5,} | ID\s+\w | Total\s
      | >{4,}|<{4,}
      | Aborted|Segmentation|Killed|terminate\ called|\s+what\(\)|F(?:atal|ATAL):|\w+\ fail!
      | 段错误|已放弃|已杀死|已中止
      | ```|-->|\[\s*\d+\.\d+\]|\$\ |\#\ |\w+@
      | Please\ help
    """,
    re.VERBOSE,
)
_OPEN = re.compile(
    r"Failed to config layer|\bcore_num \d|\bori_?[A-Z]|dilation_[hw] \d|\bID +OpType"
    r"|^(?:D RKNN: \[[\d:.]+\] )?\d+\s+[A-Za-z]\w*\s+(?:U?INT|FLOAT|BFLOAT|BOOL)\w*\s"
)
_INSIDE_WORD = re.compile(r"(?:^|[\s(\[,:=])'[^'\s]*$|\w-$")
"""Names hold no blanks, so a fold inside quotes cut a name; mail also folds after a hyphen."""
_DIGITS = re.compile(r"\d+")
LONG = 4000
"""Records are shorter; whatever is longer (a weight dumped as text) is cut here."""


class Line(NamedTuple):
    """A line of a paste, freed of quoting and stamps."""

    text: str
    width: int
    """Columns that it took as pasted, which tells where the paste was folded."""


def unfold(lines: list[Line]) -> list[str]:
    """Joins the pieces of records that were folded at some width between 40 and 200 columns.

    A fold shows in that the first word of a line that begins no record would not have fitted onto the line before.
    Rows of tables and `Failed to config layer` blocks are joined wherever they were broken.
    """
    # Had the paste been folded, no line with a blank to fold at would be wider than the fold.
    fold = max((line.width for line in lines if _WORDS.match(line.text)), default=0)
    if not 40 <= fold <= 200:
        fold = 0
    hard = fold > 0 and _is_hard(lines, fold)
    unfolded: list[str] = []
    previous, is_open = Line("", 0), False
    for line in lines:
        if _may_continue(previous, line) and len(unfolded[-1]) < LONG:
            is_open = is_open or bool(_OPEN.search(previous.text))
            joined = is_open or (_is_full(previous, line, fold) and not previous.text.rstrip().endswith("!"))
        else:
            is_open = joined = False
        if joined:
            unfolded[-1] = _glued(unfolded[-1], line, cut=hard and previous.width >= fold)
        else:
            unfolded.append(line.text)
        previous = line
    return [record.rstrip() for record in unfolded]


def _glued(record: str, line: Line, *, cut: bool) -> str:
    """A record with its next piece; `cut` says that the fold may have gone through a word."""
    left, right = record.rstrip()[-200:].split()[-1], line.text.split(None, 1)[0].rstrip(",")
    cut_number = left.isdigit() and right.isdigit() and ("core_num" in record or "ori_" in record)
    if cut_number or left + right in FIELD_NAMES:
        return record.rstrip() + line.text.lstrip()
    if left in FIELD_NAMES or right in FIELD_NAMES:
        return f"{record.rstrip()} {line.text.lstrip()}"
    if cut:
        return record + line.text
    record = record.rstrip()
    return record + ("" if _INSIDE_WORD.search(record[-200:]) else " ") + line.text.lstrip()


def _may_continue(previous: Line, line: Line) -> bool:
    """Whether `line` does not begin a record of its own, nor end one that was complete."""
    if not line.text.strip() or not previous.text.strip() or previous.text.rstrip().endswith("-----"):
        return False
    return not _STARTS.match(line.text)


def _is_full(previous: Line, line: Line, fold: int) -> bool:
    """Whether the first word of `line` would not have fitted onto `previous`."""
    first_word = line.text.split(None, 1)[0]
    return fold > 0 and previous.width + 1 + len(first_word) > fold


def _is_hard(lines: list[Line], fold: int) -> bool:
    """Whether the fold cuts words: then folded lines are all as wide, else each ends where a word does.

    Lines that are alike but for numbers are folded alike, and count once. The columns of tables line up anyway.
    """
    exact = {_DIGITS.sub("", line.text) for line in lines if line.width == fold and "   " not in line.text}
    shorter = {
        _DIGITS.sub("", previous.text)
        for previous, line in pairwise(lines)
        if _may_continue(previous, line)
        and previous.width < fold
        and _is_full(previous, line, fold)
        and not line.text.startswith(" ")
    }
    return len(exact) > max(1, len(shorter))
