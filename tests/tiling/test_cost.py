"""The cost of a Conv against what the compiler printed for it: toolkit 2.3.2, `layer_cycles.tsv`, own trials."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.cost import conv_cost

with (Path(__file__).parent / "layer_cycles.tsv").open() as file:
    ROWS = list(csv.DictReader(file, delimiter="\t"))
CLOSE = 0.05
"""Demanded of 95 % of the layers."""


def geometry(row: dict[str, str]) -> ConvGeometry:
    number = {name: int(value) for name, value in row.items() if name not in ("target", "dtype")}
    return ConvGeometry(
        1,
        *(number[name] for name in ("channels", "height", "width", "out_channels", "kernel_h", "kernel_w")),
        *(number["stride"], number["stride"]),
        *(number["pad_h"], number["pad_w"]) * 2,
        groups=number["groups"],
    )


@pytest.mark.parametrize("target", sorted({row["target"] for row in ROWS}))
def test_cycles_as_the_compiler_prints_them(target: str) -> None:
    near: Counter[str] = Counter()
    rows = [row for row in ROWS if row["target"] == target]
    for row in rows:
        cost = conv_cost(geometry(row), row["dtype"], load_target(target), bias=row["bias"] == "1")
        near["npu"] += cost.cycles_npu == int(row["cycles_npu"])
        near["ddr"] += abs(cost.cycles_ddr - int(row["cycles_ddr"])) <= CLOSE * int(row["cycles_ddr"])
    assert near["npu"] >= 0.98 * len(rows)  # computing is known exactly, but for a few tiny layers
    assert near["ddr"] >= 0.95 * len(rows)


def test_what_bounds_a_layer() -> None:
    wide = ConvGeometry(1, 64, 56, 56, 128, 1, 1)
    deep = ConvGeometry(1, 256, 14, 14, 256, 3, 3)
    target = load_target("rk3588")
    assert conv_cost(wide, "fp16", target).bound == "DRAM"
    cost = conv_cost(deep, "fp16", target)
    assert (cost.bound, cost.total) == ("compute", cost.cycles_npu)
    assert (cost.macs, cost.macs_padded) == (12 * 12 * 9 * 256 * 256, 144 * 9 * 256 * 256)


def test_padding_shows_in_what_is_computed() -> None:
    cost = conv_cost(ConvGeometry(1, 33, 16, 16, 17, 3, 3), "fp16", load_target("rk3588"))
    assert cost.macs_padded == 208 * 9 * 64 * 32  # 14 x 14 pixels, 33 and 17 channels
    assert cost.macs == 196 * 9 * 33 * 17
