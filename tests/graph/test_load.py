"""What can be wrong with a file, and what rkmend says about it."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import linear, model, node, relu, value
from onnx import TensorProto, helper, numpy_helper

from rkmend.errors import InputError
from rkmend.graph import TensorSpec, load


def refused(path: Path) -> str:
    """The whole error text; an error without advice is not one of ours."""
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(path) in caught.value.message or path.name in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return str(caught.value)


def save(proto: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def test_what_is_known_of_a_good_model(tmp_path):
    nodes = [node("Relu", "x", "r"), node("Cast", "r", "y", to=TensorProto.INT64)]
    proto = model(nodes, [value("x", ("N", 3, None, 4))], [value("y", None, TensorProto.INT64)])
    path = save(proto, tmp_path / "m.onnx")
    loaded = load(path)
    assert loaded.inputs == (TensorSpec("x", "float32", ("N", 3, None, 4)),)
    assert loaded.outputs == (TensorSpec("y", "int64", ("...",)),)
    assert loaded.opset == 17
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.path == path


def test_initializers_among_the_inputs_are_no_inputs(tmp_path):
    proto = model(
        [node("Add", "x w", "y")],
        [value("x", (2,)), value("w", (2,))],
        [value("y", (2,))],
        {"w": np.ones(2, np.float32)},
        ir_version=3,
        opset=8,
    )
    assert [spec.name for spec in load(save(proto, tmp_path / "m.onnx")).inputs] == ["x"]


def test_a_missing_file_names_the_nearest(tmp_path):
    save(relu(), tmp_path / "yolov8n.onnx")
    assert "Did you mean" in refused(tmp_path / "yolov8m.onnx")
    assert "yolov8n.onnx" in refused(tmp_path / "yolo8n.onnx")
    assert "Did you mean" in refused(tmp_path / "something-else.onnx")
    assert "does not exist either" in refused(tmp_path / "no" / "m.onnx")


def test_a_folder(tmp_path):
    assert "is a folder" in refused(tmp_path)
    save(relu(), tmp_path / "inside.onnx")
    assert "inside.onnx" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    path = save(relu(), tmp_path / "m.onnx")
    path.chmod(0)
    assert "Permission denied" in refused(path)


def test_not_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "not a regular file" in refused(tmp_path / "pipe.onnx")


def torch_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}))


def plain_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/net.onnx", b"x")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (torch_zip, "a PyTorch file"),
        (plain_zip, "give deep/net.onnx"),
        (b"PK\x03\x04 cut short", "a zip archive"),
        (pickle.dumps({"weight": 1}), "a Python pickle"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(64), "a TensorFlow Lite model"),
        (b"RKNN" + bytes(64), "already converted"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "Keras"),
        (b"\x1f\x8b\x08" + bytes(64), "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>Not found</html>", "a web page"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{\"w\":{\"dtype\":\"F32\"}}" + bytes(99), "safetensors"),
        (b"name: 'lenet'\nlayer { type: 'Convolution' }\n", "but text"),
        (bytes(range(256)) * 4, "not an ONNX model, or it is truncated"),
        (b"\x0a\x05hello" * 9, "it holds no graph"),
    ],
)  # fmt: skip
def test_other_files_are_recognised(tmp_path, content, says):
    path = tmp_path / "m.onnx"
    content(path) if callable(content) else path.write_bytes(content)
    assert says in refused(path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_model(tmp_path, share):
    whole = linear(tmp_path / "whole.onnx", rows=500).read_bytes()
    path = tmp_path / "m.onnx"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "truncated" in refused(path)


def test_a_file_beyond_what_protobuf_can_hold(tmp_path):
    path = save(relu(), tmp_path / "m.onnx")
    os.truncate(path, 2**31 + 5)  # sparse
    assert "cannot be larger than 2 GB" in refused(path)


def test_a_newer_opset_and_a_newer_ir_version(tmp_path):
    newest = onnx.defs.onnx_opset_version()
    text = refused(save(model([node("Relu", "x", "y")], [value("x", (1,))], [value("y", (1,))], opset=newest + 1),
                        tmp_path / "m.onnx"))  # fmt: skip
    assert f"opset {newest + 1}" in text
    assert f"up to {newest}" in text
    proto = relu()
    proto.ir_version = onnx.IR_VERSION + 1
    assert f"IR version {onnx.IR_VERSION + 1}" in refused(save(proto, tmp_path / "m.onnx"))


def custom(name: str, *names: str) -> onnx.ModelProto:
    nodes = [helper.make_node("Deform", ["x"], [f"y{i}"], name=n, domain="mmcv") for i, n in enumerate(names)]
    outputs = [value(f"y{i}", (1,)) for i in range(len(names))]
    return model(nodes, [value("x", (1,))], outputs, opsets=[helper.make_opsetid("mmcv", 1)])


def test_custom_operators_are_listed_with_their_nodes(tmp_path):
    text = refused(save(custom("m", "a", "b", "c", "d", "e"), tmp_path / "m.onnx"))
    assert "mmcv::Deform (a, b, c and 2 more)" in text


def test_custom_operators_in_a_branch_are_found(tmp_path):
    inner = helper.make_graph([helper.make_node("Deform", ["x"], ["t"], "deep", domain="mmcv")], "t", [],
                              [value("t", (1,))])  # fmt: skip
    other = helper.make_graph([node("Relu", "x", "e")], "e", [], [value("e", (1,))])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=other)
    proto = model([branch], [value("x", (1,)), value("c", (), TensorProto.BOOL)], [value("y", (1,))],
                  opsets=[helper.make_opsetid("mmcv", 1)])  # fmt: skip
    assert "mmcv::Deform (deep)" in refused(save(proto, tmp_path / "m.onnx"))


def test_functions_of_the_model_are_no_custom_operators(tmp_path):
    function = helper.make_function("own", "Twice", ["a"], ["b"], [node("Add", "a a", "b")],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    proto = model([helper.make_node("Twice", ["x"], ["y"], domain="own")], [value("x", (1,))], [value("y", (1,))],
                  opsets=[helper.make_opsetid("own", 1)], functions=[function])  # fmt: skip
    assert load(save(proto, tmp_path / "m.onnx")).inputs[0].name == "x"


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([node("Relu", "missing", "y", "r")], "missing"),
        ([node("Relux", "x", "y", "bad one")], "node 'bad one' (Relux): No Op registered for Relux"),
        ([node("Conv", "x x", "y", "c", group="one")], "node 'c' (Conv)"),
        ([node("Add", "x", "y", "short")], "node 'short' (Add)"),
    ],
)
def test_a_model_that_breaks_the_rules(tmp_path, nodes, says):
    text = refused(save(model(nodes, [value("x", (1,))], [value("y", (1,))]), tmp_path / "m.onnx"))
    assert "breaks the rules of ONNX" in text
    assert says in text


def test_tensors_only(tmp_path):
    sequence = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    proto = model([node("SplitToSequence", "x", "y")], [value("x", (4,))], [sequence])
    assert "output 'y'" in refused(save(proto, tmp_path / "m.onnx"))


def test_sparse_initializers(tmp_path):
    proto = relu()
    sparse = proto.graph.sparse_initializer.add(dims=[4])
    sparse.values.CopyFrom(helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]))
    sparse.indices.CopyFrom(helper.make_tensor("i", TensorProto.INT64, [1], [0]))
    assert "sparse" in refused(save(proto, tmp_path / "m.onnx"))


@pytest.mark.parametrize("external", ["", "w.bin"])
def test_what_the_checker_refuses_and_onnx_runtime_runs(tmp_path, external, capfd):
    """Outputs without a shape, the default operator set by its long name, operators of the past."""
    path = linear(tmp_path / "m.onnx", external=external)
    proto = onnx.load(path, load_external_data=False)
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    proto.opset_import[0].domain = "ai.onnx"
    proto.graph.node[0].domain = "ai.onnx"
    loaded = load(save(proto, path))
    assert loaded.ir.opset_imports == {"": 17}
    old = model([node("ImageScaler", "x", "y", scale=1.0)], [value("x", (1, 3, 2, 2))], [value("y", (1, 3, 2, 2))],
                opset=7, ir_version=3)  # fmt: skip
    load(save(old, tmp_path / "old.onnx"))
    group = [node("GroupNormalization", "x s s", "y", num_groups=2)]
    load(save(model(group, [value("x", (1, 4, 2)), value("s", (2,))], [value("y", (1, 4, 2))], opset=18),
              tmp_path / "group.onnx"))  # fmt: skip
    assert capfd.readouterr().out == ""


def test_nodes_get_names_of_their_own(tmp_path):
    nodes = [node("Relu", "x", "a", "n"), node("Relu", "a", "b", "n"), node("Relu", "b", "c"),
             node("Relu", "c", "y", "Relu_2")]  # fmt: skip
    loaded = load(save(model(nodes, [value("x", (1,))], [value("y", (1,))]), tmp_path / "m.onnx"))
    assert [item.name for item in loaded.ir.graph] == ["n", "Relu_1", "Relu_2_2", "Relu_2"]
    assert loaded.renamed == {"Relu_1": "n", "Relu_2_2": ""}


def test_external_tensors_in_attributes_are_read(tmp_path):
    constant = helper.make_node(
        "Constant", [], ["k"], value=numpy_helper.from_array(np.arange(40, dtype=np.float32), "k")
    )
    proto = model([constant, node("Add", "x k", "y")], [value("x", (40,))], [value("y", (40,))])
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="k.bin", convert_attribute=True,
              size_threshold=0)  # fmt: skip
    loaded = load(tmp_path / "m.onnx")
    (tmp_path / "k.bin").unlink()
    assert loaded.ir.graph[0].attributes["value"].as_tensor().numpy()[39] == 39
