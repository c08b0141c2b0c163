"""The child process: right numbers, clear errors, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import linear, model, node, value
from onnx import TensorProto, helper

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.verification.runner import REFERENCE, Engine, run_model
from rkmend.verification.samples import Sample, make_samples


def saved(proto: onnx.ModelProto, folder: Path) -> Path:
    onnx.save(proto, folder / "m.onnx")
    return folder / "m.onnx"


def sample(folder: Path, *arrays: np.ndarray, name: str = "mine") -> Sample:
    np.savez(folder / f"{name}.npz", **{f"input{index}": array for index, array in enumerate(arrays)})
    return Sample(name, folder / f"{name}.npz")


def outputs(run, number: int = 0) -> list[np.ndarray]:
    with np.load(run.outputs[number]) as archive:
        return [archive[f"output{index}"] for index in range(len(archive.files))]


def refused(path: Path, given: list[Sample], folder: Path, **more) -> str:
    with pytest.raises(InputError) as error:
        run_model(path, given, folder / "out", **more)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def others() -> None:
    """Children that were there before, of tests in other files: warm workers."""
    global OTHERS
    OTHERS = children()


@pytest.mark.parametrize("engine", [Engine(), Engine(provider="cpu"), Engine(REFERENCE)])
def test_a_run(tmp_path, engine):
    path = linear(tmp_path / "m.onnx", external="w.bin")
    given = make_samples([TensorSpec("x", "float32", (1, 8))], tmp_path)
    run = run_model(path, given, tmp_path / "out", engine=engine)
    weights = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer
    }
    for number, each in enumerate(given):
        with np.load(each.path) as arrays:
            expected = arrays["input0"] @ weights["w"] + weights["b"]
        # nine float32 operations of numbers around 1: 9 * 2^-24 and a factor of 4 for their size
        assert np.allclose(outputs(run, number)[0], expected, rtol=0, atol=2e-6)
    assert run.output_names == ("y",)
    assert run.output_specs == (TensorSpec("y", "float32", (1, 4)),)
    assert [item.stem for item in run.outputs] == [each.name for each in given]
    assert ("reference evaluator" in run.engine) == (engine.kind == REFERENCE)
    assert run.seconds > 0
    assert children() <= OTHERS


@pytest.mark.parametrize("engine", [Engine(), Engine(REFERENCE)])
def test_dtypes(tmp_path, engine):
    """Inputs and outputs of every kind pass through, bfloat16 by way of float32."""
    kinds = [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT8,
             TensorProto.BOOL]  # fmt: skip
    nodes = [
        node("Cast", f"x{kind}", f"y{kind}", to=kinds[(at + 1) % len(kinds)]) for at, kind in enumerate(kinds)
    ]
    inputs = [value(f"x{kind}", (2, 1), kind) for kind in kinds]
    results = [value(f"y{kind}", (2, 1), kinds[(at + 1) % len(kinds)]) for at, kind in enumerate(kinds)]
    path = saved(model(nodes, inputs, results), tmp_path)
    names = ["float16", "float32", "float64", "int64", "uint8", "bool"]
    given = sample(tmp_path, *(np.array([[1], [0]]).astype(name) for name in names))
    run = run_model(path, [given], tmp_path / "out", engine=engine)
    assert [spec.dtype for spec in run.output_specs] == ["bfloat16", *names[2:], "float16"]
    for array in outputs(run):
        assert array.astype(float).tolist() == [[1], [0]]


def test_bfloat16_is_rounded_once(tmp_path):
    proto = model([node("Cast", "x", "y", to=TensorProto.BFLOAT16)], [value("x", (3,))],
                  [value("y", (3,), TensorProto.BFLOAT16)])  # fmt: skip
    given = sample(tmp_path, np.array([1.001, -3.14159, 1e30], np.float32))
    (found,) = outputs(run_model(saved(proto, tmp_path), [given], tmp_path / "out"))
    assert np.allclose(found, [1.001, -3.14159, 1e30], rtol=2.0**-8)  # eight bits of mantissa
    assert not np.array_equal(found, np.array([1.001, -3.14159, 1e30], np.float32))


def test_samples_decide_the_shapes_of_a_dynamic_model(tmp_path):
    proto = model([node("Relu", "x", "y")], [value("x", ("N", 2))], [value("y", ("N", 2))])
    run = run_model(saved(proto, tmp_path), [sample(tmp_path, np.ones((7, 2), np.float32))], tmp_path / "out")
    assert run.output_specs[0].shape == (7, 2)


def test_initializers_among_the_inputs_are_not_fed(tmp_path):
    proto = model([node("Add", "w x", "y")], [value("w", (2,)), value("x", (2,))], [value("y", (2,))],
                  {"w": np.ones(2, np.float32)}, ir_version=3, opset=8)  # fmt: skip
    for engine in (Engine(), Engine(REFERENCE)):
        run = run_model(saved(proto, tmp_path), [sample(tmp_path, np.ones(2, np.float32))], tmp_path / "out",
                        engine=engine)  # fmt: skip
        assert outputs(run)[0].tolist() == [2, 2]


def test_inputs_in_another_order(tmp_path):
    proto = model([node("Sub", "a b", "y")], [value("a", (1,)), value("b", (1,))], [value("y", (1,))])
    given = sample(tmp_path, np.array([1], np.float32), np.array([5], np.float32))
    run = run_model(saved(proto, tmp_path), [given], tmp_path / "out", order=[1, 0])
    assert outputs(run)[0].tolist() == [4]


def attention(folder: Path) -> Path:
    call = helper.make_node("Gelu", ["x"], ["y"], "gelu", domain="com.microsoft")
    return saved(model([call], [value("x", (2,))], [value("y", (2,))],
                       opsets=[helper.make_opsetid("com.microsoft", 1)]), folder)  # fmt: skip


def test_what_the_runtime_says_is_told_in_a_line(tmp_path):
    given = [sample(tmp_path, np.ones(2, np.float32))]
    call = helper.make_node("NoSuchOperator", ["x"], ["y"], "odd", domain="com.microsoft")
    unknown = model(
        [call], [value("x", (2,))], [value("y", (2,))], opsets=[helper.make_opsetid("com.microsoft", 1)]
    )
    text = refused(saved(unknown, tmp_path), given, tmp_path)
    assert text.startswith("ONNX Runtime cannot run the model:")
    assert "NoSuchOperator" in text
    assert "onnxruntime_src" not in text
    reshape = model([node("Reshape", "x s", "y", "bad-reshape")], [value("x", (None,))], [value("y", None)],
                    {"s": np.array([3, 3])})  # fmt: skip
    text = refused(saved(reshape, tmp_path), given, tmp_path)
    assert "bad-reshape" in text
    assert "cannot be reshaped" in text
    assert "/" not in text.replace(str(tmp_path), "")
    assert "the reference evaluator cannot run the model" in refused(attention(tmp_path), given, tmp_path,
                                                                     engine=Engine(REFERENCE))  # fmt: skip


def test_a_model_that_is_none(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    given = [sample(tmp_path, np.ones(2, np.float32))]
    assert "cannot run the model" in refused(tmp_path / "m.onnx", given, tmp_path)
    assert "cannot read" in refused(tmp_path / "missing.onnx", given, tmp_path)
    assert "cannot read" in refused(tmp_path / "m.onnx", [Sample("s", tmp_path / "s.npz")], tmp_path)


def test_a_provider_that_is_not_installed(tmp_path):
    given = [sample(tmp_path, np.ones((1, 8), np.float32))]
    text = refused(linear(tmp_path / "m.onnx"), given, tmp_path, engine=Engine(provider="OpenVINO"))
    assert "OpenVINOExecutionProvider is not installed" in text
    assert "onnxruntime-openvino" in text
    assert "CPUExecutionProvider" in text
    assert "Nonesuch is not installed" in refused(
        tmp_path / "m.onnx", given, tmp_path, engine=Engine(provider="Nonesuch")
    )


def test_more_memory_than_there_is(tmp_path):
    proto = model(
        [node("ConstantOfShape", "x", "y")], [value("x", (2,), TensorProto.INT64)], [value("y", None)]
    )
    given = [sample(tmp_path, np.array([1 << 24, 1 << 24]))]
    assert "ONNX Runtime" in refused(saved(proto, tmp_path), given, tmp_path)


def test_a_full_disk(tmp_path):
    from limits import full_disk

    proto = model([node("Relu", "x", "y")], [value("x", None)], [value("y", None)])
    given = [sample(tmp_path, np.ones(10**6, np.float32))]
    with full_disk(1 << 20):  # the child inherits the limit
        assert "cannot write outputs" in refused(saved(proto, tmp_path), given, tmp_path)


def endless(folder: Path) -> tuple[Path, list[Sample]]:
    """A loop of 2^60 steps."""
    body = helper.make_graph([node("Relu", "s", "t"), node("Identity", "c", "d")], "body",
                             [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL), value("s", (2,))],
                             [value("d", (), TensorProto.BOOL), value("t", (2,))])  # fmt: skip
    proto = model([node("Loop", "trips go x", "y", body=body)], [value("x", (2,))], [value("y", (2,))],
                  {"trips": np.array(1 << 60), "go": np.array(True)})  # fmt: skip
    return saved(proto, folder), [sample(folder, np.ones(2, np.float32))]


def test_a_time_limit(tmp_path):
    path, given = endless(tmp_path)
    started = time.monotonic()
    assert "did not finish" in refused(path, given, tmp_path, seconds=1.5)
    assert time.monotonic() - started < 3.5
    assert children() <= OTHERS


def after(seconds: float, action) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def test_an_interruption(tmp_path):
    path, given = endless(tmp_path)
    after(1.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run_model(path, given, tmp_path / "out", seconds=60)
    assert children() <= OTHERS


def test_a_child_that_is_killed(tmp_path):
    path, given = endless(tmp_path)
    after(1.5, lambda: [os.kill(int(pid), signal.SIGKILL) for pid in children()])
    text = refused(path, given, tmp_path, seconds=60)
    assert "died of SIGKILL" in text
    assert "memory" in text


def test_no_child_outlives_a_parent_that_is_killed(tmp_path):
    path, given = endless(tmp_path)
    script = (
        "import sys; from pathlib import Path; from rkmend.verification.runner import run_model\n"
        "from rkmend.verification.samples import Sample\n"
        f"run_model(Path({str(path)!r}), [Sample('s', Path({str(given[0].path)!r}))], Path({str(tmp_path)!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    listing = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    deadline = time.monotonic() + 20
    while not (found := listing.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)  # the loop is running by then
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 2
    while (alive := Path(f"/proc/{found[0]}/stat").exists()) and time.monotonic() < deadline:
        if Path(f"/proc/{found[0]}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return  # dead; nobody has collected it here
        time.sleep(0.05)
    assert not alive


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has no safe path before 3.11")
def test_modules_in_the_users_folder_are_not_imported(tmp_path, monkeypatch):
    path = linear(tmp_path / "m.onnx")
    for name in ("onnxruntime", "numpy", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not this one')")
    given = sample(tmp_path, np.ones((1, 8), np.float32))
    monkeypatch.chdir(tmp_path)
    assert run_model(path, [given], tmp_path / "out").output_names == ("y",)
