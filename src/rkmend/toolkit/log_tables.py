"""The compiler's tables in a log: the layers, and the memory they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rkmend.toolkit.log_records import split_level
from rkmend.toolkit.verdict import Layer

_TITLES = re.compile(
    r"ID|OpType|DataType|Target|InputShape|OutputShape"
    r"|Cycles\(DDR/NPU/Total\)|DDR Cycles|NPU Cycles|Total Cycles|SparseRatio"
    r"|Time\(us\)|MacUsage\(%\)|WorkLoad\(\S+|Task Number|Task Size|Lut Number|Regcmd Size|RW\(KB\)|FullName"
)
"""Columns of all versions and of the board's `eval_perf`, which prints the same table with more of them."""
_USUAL = (
    *("ID", "OpType", "DataType", "Target", "InputShape", "OutputShape"),
    *("Cycles(DDR/NPU/Total)", "RW(KB)", "FullName"),
)
_HEADER = re.compile(r"\s*ID\s+OpType\s")
_ROW = re.compile(r"\s*\d+\s+[A-Za-z]\w*\s+(?:U?INT|FLOAT|BFLOAT|BOOL)\w*\s+(?:CPU|NPU|GPU)\b")
_MEMORY = re.compile(r"Total (Internal|Weight) Memory Size:\s*(\d+(?:\.\d+)?)\s*KB")


def layers(lines: Iterable[str]) -> tuple[Layer, ...]:
    """The rows of the last `Network Layer Information Table`.

    Numbers are 0 and the name is empty where a row was cut before them.
    """
    titles: Sequence[str] = _USUAL
    rows: list[Layer] = []
    ended = False
    for line in lines:
        if "OpType" in line:
            text = split_level(line)[1]
            if _HEADER.match(text):
                titles, rows, ended = _TITLES.findall(text), [], False
            continue
        if "PU" not in line:
            ended = ended or bool(rows)
            continue
        text = split_level(line)[1]
        if _ROW.match(text):
            if ended:  # a new table whose header was cut
                rows, ended = [], False
            rows.append(_layer(titles, text))
        else:
            ended = ended or bool(rows)
    return tuple(rows)


def _layer(titles: Sequence[str], row: str) -> Layer:
    cells = row.replace(" - Up:", "-Up:").split(None, len(titles) - 1)
    cell = dict(zip(titles, cells, strict=False))
    ddr, npu, total = _cycles(cell)
    return Layer(
        op_type=cell.get("OpType", ""),
        dtype=cell.get("DataType", ""),
        target=cell.get("Target", ""),
        input_shapes=_shapes(cell.get("InputShape", "")),
        output_shape=_shapes(cell.get("OutputShape", "")),
        cycles_ddr=ddr,
        cycles_npu=npu,
        cycles=total,
        rw_kb=_whole(cell.get("RW(KB)", "")),
        name=cell.get("FullName", "").strip(),
    )


def _shapes(cell: str) -> str:
    return "" if cell == "\\" else cell


def _cycles(cell: dict[str, str]) -> tuple[int, int, int]:
    parts = cell.get("Cycles(DDR/NPU/Total)", "").split("/")
    if len(parts) != 3:
        parts = [cell.get(f"{kind} Cycles", "") for kind in ("DDR", "NPU", "Total")]
    ddr, npu, total = (_whole(part) for part in parts)
    return ddr, npu, total


def _whole(cell: str) -> int:
    try:
        return round(float(cell))
    except (ValueError, OverflowError):
        return 0


def memory_kb(lines: Iterable[str]) -> dict[str, float]:
    """`internal` (feature maps) and `weight`, in KB, as printed last."""
    found = (_MEMORY.search(line) for line in lines if "Memory Size" in line)
    return {match[1].lower(): float(match[2]) for match in found if match}
