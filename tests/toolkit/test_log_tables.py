from __future__ import annotations

import pytest

from recorded_logs import VERSIONS, recorded
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.log_tables import layers, memory_kb
from rkmend.toolkit.verdict import Layer

CONV = Layer(
    op_type="Conv",
    dtype="FLOAT16",
    target="NPU",
    input_shapes="(1,384,126,1198),(128,384,1,1),(128)",
    output_shape="(1,128,126,1198)",
    cycles_ddr=6538834,
    cycles_npu=14492160,
    cycles=14492160,
    rw_kb=113307,
    name="Conv:/lila2/conv/conv/Conv",
)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_of_every_version(version: str) -> None:
    lines = clean(recorded(f"{version}-success"))
    table = layers(lines)
    assert [layer.name for layer in table] == [
        "InputOperator:x",
        "Conv:/lila2/conv/conv/Conv",
        "OutputOperator:y",
    ]
    assert table[1] == CONV
    assert (table[0].input_shapes, table[0].output_shape) == ("", "(1,384,126,1198)")
    assert memory_kb(lines) == {"internal": 150948, "weight": 98.5}


def test_shape_lists_end_in_dots() -> None:
    table = layers(clean(recorded("2.3.2-sdpa")))
    shapes = {layer.op_type: layer.input_shapes for layer in table}
    assert shapes["exSDPAttention"].endswith(",...")


def test_no_table_in_a_failed_build() -> None:
    lines = clean(recorded("2.3.2-seed"))
    assert layers(lines) == ()
    assert memory_kb(lines) == {}


HEADER = "ID   OpType   DataType Target InputShape   OutputShape   Cycles(DDR/NPU/Total)   RW(KB)   FullName"
ROW = "1    Conv     FLOAT16  NPU    (1,2,3,4),(5)   (1,5,3,4)   10/20/20   7   Conv:/a/b"


def test_without_its_header() -> None:
    (layer,) = layers([ROW])
    assert (layer.cycles, layer.rw_kb, layer.name) == (20, 7, "Conv:/a/b")


@pytest.mark.parametrize("cut", range(30, len(ROW)))
def test_a_row_that_was_cut(cut: int) -> None:
    (layer,) = layers([HEADER, ROW[:cut]])
    assert (layer.op_type, layer.dtype, layer.target) == ("Conv", "FLOAT16", "NPU")
    assert layer.cycles in (0, 2, 20)
    assert "Conv:/a/b".startswith(layer.name)


def test_the_last_table_counts() -> None:
    other = ROW.replace("10/20/20", "1/2/2")
    assert [layer.cycles for layer in layers([HEADER, ROW, "-----", HEADER, other])] == [2]
    assert [layer.cycles for layer in layers([ROW, "-----", other])] == [2]


def test_the_table_of_a_board() -> None:
    """`eval_perf` of runtime 2.x: more columns (from a public log)."""
    (layer,) = layers([
        "ID   OpType           DataType Target InputShape                               OutputShape            "
        "Cycles(DDR/NPU/Total)    Time(us)     MacUsage(%)          WorkLoad(0/1/2)      RW(KB)       FullName        ",
        "8    Add              INT8     NPU    (1,16,480,480),(1,16,480,480)            (1,16,480,480)         "
        "467541/0/467541          573          \\                    33.3%/33.3%/33.3%    7200         "
        "Add:/model.2/m.0/Add",
    ])  # fmt: skip
    assert (layer.cycles_ddr, layer.cycles_npu, layer.cycles) == (467541, 0, 467541)
    assert (layer.rw_kb, layer.name) == (7200, "Add:/model.2/m.0/Add")


def test_the_table_of_toolkit_1() -> None:
    """Cycles in three columns, blanks inside the workload, fractions of kilobytes (from a public log)."""
    (layer,) = layers([
        "ID   OpType           DataType Target InputShape                                   OutputShape            "
        "DDR Cycles     NPU Cycles     Total Cycles   Time(us)       MacUsage(%)    WorkLoad(0/1/2)-ImproveTherical"
        "        Task Number    Lut Number     RW(KB)         FullName",
        "2    ConvRelu         UINT8    NPU    (1,3,224,224),(32,3,3,3),(32)                (1,32,112,112)         "
        "94150          10584          94150          428            2.47           100.0%/0.0%/0.0% - Up:0.0%"
        "             3              0              543.75         conv1",
    ])  # fmt: skip
    assert (layer.cycles_ddr, layer.cycles_npu, layer.cycles) == (94150, 10584, 94150)
    assert (layer.rw_kb, layer.name) == (544, "conv1")


def test_the_table_of_rk3576() -> None:
    """Toolkit 2.3.2 prints one column more for this target."""
    (layer,) = layers([
        "ID   OpType             DataType Target InputShape                               OutputShape            "
        "Cycles(DDR/NPU/Total)    SparseRatio  RW(KB)       FullName        ",
        "3    Conv               FLOAT16  NPU    (1,56,40,40),(1,56,3,3),(56)             (1,56,38,38)           "
        "48935/13104/48935        0%           176          Conv:conv1      ",
    ])  # fmt: skip
    assert (layer.cycles_ddr, layer.cycles_npu, layer.cycles) == (48935, 13104, 48935)
    assert (layer.rw_kb, layer.name) == (176, "Conv:conv1")
