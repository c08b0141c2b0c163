"""What the rules say of a model before any toolkit runs."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import linear
from onnx import TensorProto, helper, numpy_helper

import rkmend
from rkmend.checking import findings_of, fix, module_of
from rkmend.errors import InputError
from rkmend.graph import freeze, load
from rkmend.graph.glance import glance
from rkmend.graph.values import static_shape
from rkmend.rules import all_rules
from rkmend.rules.base import Level
from rkmend.rules.selection import Selection
from rkmend.targets import load_target
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict

RK3588 = load_target("rk3588")
SHARED = Path(__file__).parents[2] / "shared"
NETWORKS = Path(os.environ.get("RKMEND_MODELS", SHARED / "models"))


def network(height: int | str = 32, opset: int = 17, activation: str = "Relu") -> onnx.ModelProto:
    """Conv, an activation and a Reshape whose shape is computed."""
    weight = np.ones((16, 3, 3, 3), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="/stem/conv/Conv", pads=[1, 1, 1, 1]),
        helper.make_node(activation, ["a"], ["b"], name="/stem/act/Act"),
        helper.make_node("Shape", ["b"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("Reshape", ["b", "t"], ["y"]),
    ]
    arrays = {"w": weight, "first": np.array([0]), "rest": np.array([-1])}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, height, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(network(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def codes(checked: rkmend.Checked) -> set[str]:
    return {found.code for found in checked.findings}


def test_the_seed_is_an_error_on_the_one_target_that_dies_of_it(seed_model: Path) -> None:
    checked = rkmend.check(seed_model, ["rk3588", "rk3576"])
    (found,) = [one for one in checked.findings if one.code == "RKM101"]
    assert (found.target, found.level) == ("rk3588", Level.ERROR)
    assert found.nodes == ("/lila2/conv/conv/Conv",)
    assert found.mend is not None and found.mend.name == "output-padding"
    (operator,) = found.operators
    assert (operator.operator, operator.module) == ("Conv", "lila2.conv.conv")
    assert operator.inputs[0] == "x: float32 [1, 384, 126, 1198]"
    assert checked.errors == 1


def test_a_glance_sees_the_shapes_that_the_thorough_way_infers(path: Path, seed_model: Path) -> None:
    for model in (path, seed_model):
        seen, thorough = glance(model, {}).ir, freeze(load(model), {}).ir
        for one, other in zip(seen.graph, thorough.graph, strict=True):
            for value, twin in zip(one.outputs, other.outputs, strict=True):
                assert static_shape(value) == static_shape(twin) is not None
                assert value.dtype == twin.dtype
                assert (value.const_value is None) == (twin.const_value is None)


def test_large_weights_of_the_wrong_size_are_told(tmp_path: Path) -> None:
    model = network()
    weight = model.graph.initializer.add(name="unused", data_type=TensorProto.FLOAT, dims=[100, 100])
    weight.raw_data = b"\0" * 8
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(InputError, match="has 8 bytes of data, not 40000"):
        rkmend.check(tmp_path / "model.onnx", "rk3588")


def test_an_opset_that_is_too_new(tmp_path: Path) -> None:
    onnx.save(network(opset=20), tmp_path / "model.onnx")
    checked = rkmend.check(tmp_path / "model.onnx", "rk3588")
    assert "RKM001" in codes(checked) and checked.errors


def test_only_selected_rules(path: Path) -> None:
    assert codes(rkmend.check(path, "rk3588", rules=Selection(("RKM1",)))) <= {"RKM101"}


def test_dynamic_inputs_are_checked_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(network(height="h", activation="Mish", opset=18), path)
    checked = rkmend.check(path, "rk3588")
    (unchecked,) = checked.unchecked
    assert "x: float32 [1, 3, h, 32]" in unchecked.message and "--input x=1x3x640x32" in unchecked.hint
    assert "RKM601" in codes(checked), "which operators there are does not depend on sizes"
    assert not checked.errors
    assert not rkmend.check(path, "rk3588", inputs={"x": (1, 3, 64, 32)}).unchecked


def test_another_size_than_the_model_has(path: Path) -> None:
    with pytest.raises(InputError, match="fixed in the model"):
        rkmend.check(path, "rk3588", inputs={"x": (1, 3, 64, 32)})


@pytest.mark.parametrize(
    ("target", "dtype", "words"),
    [("rv1106", "fp16", "rv1106 does not compute in fp16"), ("rk9999", None, "unknown")],
)
def test_a_target_or_dtype_that_does_not_exist(
    path: Path, target: str, dtype: str | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        rkmend.check(path, target, dtype=dtype)


def test_a_target_without_fp16_is_checked_for_int8(path: Path) -> None:
    assert rkmend.check(path, "rv1106").schema == "rkmend-check/1"


def test_fix_writes_what_has_no_such_finding_any_more(tmp_path: Path, seed_model: Path) -> None:
    out = tmp_path / "fixed.onnx"
    fixed = fix(seed_model, "rk3588", out)
    assert [(one.code, one.mend) for one in fixed.fixed] == [("RKM101", "output-padding")]
    assert not codes(fixed) & {"RKM101"}
    assert not codes(rkmend.check(out, "rk3588")) & {"RKM101"}


def test_fix_writes_nothing_where_there_is_nothing_to_mend(path: Path, tmp_path: Path) -> None:
    fixed = fix(path, "rk3588", tmp_path / "fixed.onnx", rules=Selection(("RKM1",)))
    assert not fixed.fixed and not fixed.written
    assert not (tmp_path / "fixed.onnx").exists()


def test_conversions_never_ask_a_design_rule() -> None:
    signature = Signature(Stage.BUILD, "kind", "Failed to config layer")
    verdicts = [Verdict(outcome, Stage.BUILD, signature, "", (), {}, (), (), 1.0, {}) for outcome in Outcome]
    design = [rule for rule in all_rules() if rule.code.startswith("RKM6")]
    assert len(design) >= 5
    for rule in design:
        assert rule.level is not Level.ERROR
        assert not any(rule.recognises(verdict) for verdict in verdicts)


def test_the_operators_of_a_rule_are_all_that_it_holds_at(seed_model: Path) -> None:
    """Where a rule says which operators it needs, it finds nothing in a model without them."""
    model = glance(seed_model, {}).ir
    for rule in all_rules():
        if rule.operators is not None and "Conv" not in rule.operators:
            assert not list(rule.find(model, RK3588)), rule.code


def test_findings_are_sorted_by_level(tmp_path: Path) -> None:
    onnx.save(network(opset=20, activation="Mish"), tmp_path / "model.onnx")
    found = findings_of(glance(tmp_path / "model.onnx", {}).ir, RK3588, all_rules())
    levels = [list(Level).index(rule.level_of(finding, RK3588)) for rule, finding in found]
    assert levels == sorted(levels) and len(set(levels)) > 1


@pytest.mark.parametrize("rows", [8, 2000])
def test_weights_in_a_file_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Few or many of them: the current folder is another."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    checked = rkmend.check(linear(tmp_path / "model.onnx", rows=rows, external="w.bin"), "rk3588")
    assert not checked.errors and not checked.unchecked


@pytest.mark.parametrize(
    ("name", "module"),
    [("/model.0/conv/Conv", "model.0.conv"), ("Conv_3", ""), ("/Conv", ""), ("a/b/Conv", "")],
)
def test_module_paths(name: str, module: str) -> None:
    assert module_of(name) == module


@pytest.mark.slow
@pytest.mark.skipif(
    not (NETWORKS / "index.tsv").exists(), reason="needs the folder of networks (RKMEND_MODELS)"
)
def test_no_error_on_a_network_that_converts_rightly() -> None:
    with (NETWORKS / "index.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        if row["toolkit_2.3.2_rk3588_fp16"] == "converted":
            shapes = {name: tuple(shape) for name, shape in json.loads(row["static_shapes"] or "{}").items()}
            checked = rkmend.check(NETWORKS / f"{row['name']}.onnx", "rk3588", inputs=shapes)
            errors = [found for found in checked.findings if found.level is Level.ERROR]
            assert not errors, (row["name"], errors)
