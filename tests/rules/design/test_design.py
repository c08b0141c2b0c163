"""Rules about models that convert and run worse than they could, each held against the compiler's own layer table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from one_operator import one
from rkmend.checking import check
from rkmend.rules import get_rule
from rkmend.rules.base import Level
from rkmend.rules.design.cpu_operator import ON_THE_CPU
from rule_bench import Bench, findings, loaded

Array = np.ndarray[Any, Any]


def between_convs(
    *nodes: onnx.NodeProto, arrays: dict[str, Array] | None = None, channels: int = 16, size: int = 32
) -> onnx.ModelProto:
    """Nodes from `a` to `b`, behind a 1x1 Conv."""
    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((channels, channels, 1, 1)).astype(np.float32), **(arrays or {})}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["a"], name="first"), *nodes],
        "design",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, size, size])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def single(operator: str, **attributes: Any) -> onnx.ModelProto:
    return between_convs(helper.make_node(operator, ["a"], ["b"], name="op", **attributes))


def resize(mode: str, factor: float, **attributes: Any) -> onnx.ModelProto:
    node = helper.make_node("Resize", ["a", "", "scales"], ["b"], name="op", mode=mode, **attributes)
    return between_convs(node, arrays={"scales": np.array([1, 1, factor, factor], np.float32)})


def conv(channels: int, kernels: int, *, groups: int = 1, kernel: int = 3, size: int = 32) -> onnx.ModelProto:
    weight = np.ones((kernels, channels // groups, kernel, kernel), np.float32)
    node = helper.make_node("Conv", ["a", "k"], ["b"], name="op", group=groups, pads=[kernel // 2] * 4)
    return between_convs(node, arrays={"k": weight}, channels=channels, size=size)


def gelu() -> onnx.ModelProto:
    arrays = {"root": np.array(2**0.5), "one": np.array(1.0), "half": np.array(0.5)}
    return between_convs(
        helper.make_node("Div", ["a", "root"], ["d"], name="div"),
        helper.make_node("Erf", ["d"], ["e"], name="erf"),
        helper.make_node("Add", ["e", "one"], ["f"], name="add"),
        helper.make_node("Mul", ["a", "f"], ["g"], name="mul"),
        helper.make_node("Mul", ["g", "half"], ["b"], name="op"),
        arrays={name: array.astype(np.float32) for name, array in arrays.items()},
    )


def cpu_nodes(bench: Bench, model: onnx.ModelProto, folder: Path) -> set[str]:
    """Operators on the CPU by the layer table."""
    verdict = bench.verdict(loaded(model, folder), model)
    assert verdict.converted, verdict.message
    return {name.partition(":")[0] for name in verdict.cpu_ops}


@pytest.mark.toolkit
@pytest.mark.parametrize("operator", ["Mish", "SpaceToDepth"])
def test_an_operator_on_the_cpu(bench: Bench, operator: str, tmp_path: Path) -> None:
    model = single(operator, **({"blocksize": 2} if operator == "SpaceToDepth" else {}))
    (finding,) = findings("RKM601", model, tmp_path)
    assert finding.nodes == ("op",)
    assert cpu_nodes(bench, model, tmp_path) == {operator}


@pytest.mark.toolkit
@pytest.mark.parametrize("operator", ["HardSwish", "Softplus"])
def test_an_operator_on_the_npu(bench: Bench, operator: str, tmp_path: Path) -> None:
    assert operator not in ON_THE_CPU
    assert not cpu_nodes(bench, single(operator), tmp_path)


@pytest.mark.toolkit
def test_erf_in_a_gelu_stays_on_the_npu(bench: Bench, tmp_path: Path) -> None:
    assert not findings("RKM601", gelu(), tmp_path)
    assert not cpu_nodes(bench, gelu(), tmp_path)


def test_arithmetic_on_shapes_is_no_work_for_the_npu(tmp_path: Path) -> None:
    nodes = (
        helper.make_node("Shape", ["a"], ["s"]),
        helper.make_node("ReduceProd", ["s"], ["n"], keepdims=1),
        helper.make_node("Reshape", ["a", "n"], ["b"]),
    )
    assert not findings("RKM601", between_convs(*nodes), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("model", "on_cpu"),
    [
        (resize("linear", 1.5), True),
        (resize("linear", 2.0, coordinate_transformation_mode="align_corners"), True),
        (resize("linear", 3.0), False),
        (resize("nearest", 1.5), False),
    ],
)
def test_resize(bench: Bench, model: onnx.ModelProto, on_cpu: bool, tmp_path: Path) -> None:
    assert bool(findings("RKM602", model, tmp_path)) == on_cpu
    assert cpu_nodes(bench, model, tmp_path) == ({"Resize"} if on_cpu else set())


@pytest.mark.parametrize(
    ("model", "waste"),
    [
        (conv(36, 36), 58),
        (conv(64, 48), None),
        (conv(64, 60), None),  # 6 % is not worth a word
        (conv(16, 16, groups=16, kernel=7), 75),
        (conv(64, 64, groups=64), None),
    ],
)
def test_padded_channels(model: onnx.ModelProto, waste: int | None, tmp_path: Path) -> None:
    found = [finding for finding in findings("RKM603", model, tmp_path) if finding.nodes == ("op",)]
    assert [finding.facts["waste_percent"] for finding in found] == ([waste] if waste else [])


def test_a_layer_that_does_not_count_is_not_mentioned(tmp_path: Path) -> None:
    weights = {"k": np.ones((256, 64, 3, 3), np.float32), "z": np.ones((4, 256, 1, 1), np.float32)}
    nodes = (
        helper.make_node("Conv", ["a", "k"], ["c"], name="large", pads=[1] * 4),
        helper.make_node("Conv", ["c", "z"], ["b"], name="small"),
    )
    model = between_convs(*nodes, arrays=weights, channels=64)
    assert not findings("RKM603", model, tmp_path)


@pytest.mark.toolkit
def test_groups_are_computed_one_by_one(bench: Bench, tmp_path: Path) -> None:
    model = conv(64, 64, groups=4, size=16)
    (finding,) = findings("RKM604", model, tmp_path)
    assert finding.facts["groups"] == 4
    verdict = bench.verdict(loaded(model, tmp_path), model)
    kinds = [layer.op_type for layer in verdict.layers]
    assert kinds.count("Conv") == 5 and "Split" in kinds and "Concat" in kinds
    assert not findings("RKM604", conv(64, 64, groups=64), tmp_path)


def test_rows_wider_than_the_buffer(tmp_path: Path) -> None:
    wide, narrow = conv(64, 16, size=1100), conv(64, 16, size=1000)
    (finding,) = findings("RKM605", wide, tmp_path)
    assert finding.facts["row_entries"] == 2200 and finding.facts["tiles"] == 2
    assert not findings("RKM605", narrow, tmp_path)


@pytest.mark.parametrize("code", ["RKM601", "RKM602", "RKM603", "RKM604", "RKM605"])
def test_none_is_an_error_nor_has_a_mend(code: str, tmp_path: Path) -> None:
    rule = get_rule(code)
    assert rule.level in (Level.WARNING, Level.ADVICE)
    model = between_convs(
        helper.make_node("Mish", ["a"], ["m"], name="mish"),
        helper.make_node("Resize", ["m", "", "scales"], ["r"], name="resize", mode="linear"),
        helper.make_node("Conv", ["r", "k"], ["b"], name="conv", pads=[1] * 4, group=2),
        arrays={"scales": np.array([1, 1, 1.5, 1.5], np.float32), "k": np.ones((36, 18, 3, 3), np.float32)},
        channels=36,
    )
    for finding in findings(code, model, tmp_path):
        from rule_bench import RK3588

        assert not rule.mends(loaded(model, tmp_path), RK3588, finding)


def alone(
    operator: str, shape: list[int], weight: list[int] | None = None, **attributes: Any
) -> onnx.ModelProto:
    """One operator from `x` to `y`."""
    arrays = [] if weight is None else [numpy_helper.from_array(np.ones(weight, np.float32), "w")]
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *(["w"] if arrays else [])], ["y"], name="op", **attributes)],
        "alone",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        arrays,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def conv_alone(size: list[int], weight: list[int], **attributes: Any) -> onnx.ModelProto:
    return alone("Conv", size, weight, **attributes)


TARGETS = ("rk3588", "rk3566", "rk3576")
# Which rule says that something is on the CPU, for each of these targets in fp16; all by the layer tables of 2.3.2.
ON_CPU = [
    (alone("Transpose", [16, 22], perm=[1, 0]), ("RKM606", "RKM608", "")),
    (alone("Transpose", [1, 14, 28], perm=[1, 2, 0]), ("", "", "")),  # nothing moves
    (alone("Transpose", [2, 52, 320], perm=[2, 0, 1]), ("", "RKM608", "")),
    (alone("Transpose", [1, 13, 160, 2, 196], perm=[4, 0, 2, 1, 3]), ("RKM606", "RKM608", "")),
    (alone("Transpose", [2, 6, 48, 20, 33], perm=[2, 0, 3, 1, 4]), ("RKM608", "RKM608", "RKM608")),
    (alone("Transpose", [1, 32, 224, 26], perm=[1, 0, 3, 2]), ("RKM608", "RKM608", "")),
    (alone("Transpose", [1, 16, 40, 40], perm=[1, 0, 3, 2]), ("", "RKM608", "")),
    (alone("Softmax", [1, 16, 8, 8], axis=1), ("", "RKM601", "")),
    (alone("Softmax", [1, 13, 14]), ("RKM606", "RKM601 RKM606", "")),
    (alone("MatMul", [1, 1, 64, 32], [32, 16]), ("", "RKM601", "")),
    (alone("MatMul", [1, 52], [52, 16]), ("", "", "")),
    (alone("MatMul", [1, 54], [54, 16]), ("", "RKM606", "")),
    (alone("MatMul", [7, 54], [54, 16]), ("RKM606", "RKM601 RKM606", "")),
    (alone("MatMul", [7, 80], [80, 1]), ("RKM606", "RKM601 RKM606", "")),
    (alone("MatMul", [1, 1, 209, 5], [5, 646]), ("RKM608", "RKM601", "")),
    (alone("MatMul", [1, 1, 160, 16], [16, 357]), ("", "RKM601", "")),
    (conv_alone([1, 12, 30, 30], [8, 12, 18, 7], pads=[1] * 4), ("RKM607", "", "RKM607")),
    (conv_alone([1, 12, 30, 30], [8, 12, 16, 7], pads=[1] * 4), ("", "", "")),
    (conv_alone([1, 12, 30, 30], [8, 12, 18, 7]), ("", "", "")),
    (conv_alone([1, 5, 20, 20], [8, 5, 3, 3], pads=[0, 0, 0, 16]), ("RKM607", "RKM607", "RKM607")),
    (conv_alone([1, 16, 20, 20], [8, 16, 3, 3], pads=[0, 0, 0, 16]), ("", "", "")),
]


@pytest.mark.parametrize(("model", "codes"), ON_CPU)
def test_what_is_left_to_the_cpu(model: onnx.ModelProto, codes: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    for target, code in zip(TARGETS, codes, strict=True):
        found = {finding.code for finding in check(path, target, dtype="fp16").findings}
        assert found & {"RKM601", "RKM606", "RKM607", "RKM608"} == set(code.split()), target


@pytest.mark.parametrize(
    ("side", "mode", "holds"),
    [(48, "half_pixel", False), (40, "align_corners", False), (96, "align_corners", True)],
)
def test_rk3562_resizes_by_any_factor(side, mode, holds, tmp_path):
    path, scales = tmp_path / "resize.onnx", np.array([1, 1, 1.5, 1.5], np.float32)
    proto = one(
        "Resize", [1, 8, side, side], {"scales": scales}, mode="linear", coordinate_transformation_mode=mode
    )
    proto.graph.node[0].input.insert(1, "")
    onnx.save(proto, path)
    assert ("RKM602" in {found.code for found in check(path, "rk3562").findings}) == holds


@pytest.mark.toolkit
@pytest.mark.parametrize("case", [2, 4, 5, 13, 14, 16, 18])
def test_and_the_layer_table_says_so(bench: Bench, case: int, tmp_path: Path) -> None:
    model, (code, *_) = ON_CPU[case]
    model = onnx.shape_inference.infer_shapes(model)
    assert bool(cpu_nodes(bench, model, tmp_path)) == bool(code)
