"""The folder is read as its receiver reads it: by files, and by running the script where only the toolkit is."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value
from reductions import ran, reduction

from rkmend.diagnose.reduction.weights import seeded
from rkmend.repro import environment_of, write_repro
from rkmend.toolkit.options import BuildOptions

MEGABYTE = 1_000_000


def conv(
    channels: int, out: int, kernel: int, width: int, pads: list[int], *, filled: float | None = None
) -> ir.Model:
    """A Conv whose weights are those of a reducer that found that they do not matter."""
    w, b = np.ones((out, channels, kernel, kernel), np.float32), np.arange(out, dtype=np.float32)
    w = w * np.float32(filled) if filled is not None else np.arange(w.size, dtype=np.float32).reshape(w.shape)
    made = node("Conv", "x w b", "y", "conv", kernel_shape=[kernel, kernel], pads=pads)
    height_out, width_out = 3 + pads[0] + pads[2] - kernel + 1, width + pads[1] + pads[3] - kernel + 1
    inputs, outputs = [value("x", [1, channels, 3, width])], [value("y", [1, out, height_out, width_out])]
    return seeded(ir.from_proto(model([made], inputs, outputs, {"w": w, "b": b}, opset=12)))


def transposed() -> ir.Model:
    """A ConvTranspose whose padding 2.3.2 puts at the wrong end: it exports, and the numbers are wrong."""
    w = np.random.default_rng(1).standard_normal((8, 8, 3, 3), dtype=np.float32)
    made = node("ConvTranspose", "x w", "y", "up", kernel_shape=[3, 3], strides=[2, 2], output_shape=[30, 30])
    inputs, outputs = [value("x", [1, 8, 15, 15])], [value("y", [1, 8, 30, 30])]
    return ir.from_proto(model([made], inputs, outputs, {"w": w}, opset=13))


def write(folder, made: ir.Model, told=None, **changes):
    folder.mkdir(exist_ok=True)
    asked = {"target": "rk3588", "toolkit_version": "2.3.2", "options": None, "log": None, "environment": {}}
    return write_repro(folder, told or reduction(), made, **{**asked, **changes})


def run(folder, python, script="repro.py", *, into) -> subprocess.CompletedProcess[str]:
    """Runs the script in a copy of the folder: it must not need the place where it was written."""
    copy = shutil.copytree(folder, into / "copy")
    command = [str(python), "-I", script] if script.endswith(".py") else ["sh", script]
    return subprocess.run(
        command,
        cwd=copy,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )


def size(folder) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


@pytest.mark.toolkit
def test_the_script_fails_in_the_same_way_where_only_the_toolkit_is(tmp_path, toolkit):
    """With weights that are made by the script: the folder holds none, so it fails only if they are the same size."""
    files = write(
        tmp_path / "repro", conv(768, 128, 1, 1198, [0, 0, 1, 0]), environment=environment_of(toolkit.python)
    )
    assert files["repro"].stat().st_size < 2_000
    done = run(tmp_path / "repro", toolkit.python, into=tmp_path)
    assert done.returncode == -6, done.stdout[-2000:]
    assert "Failed to config layer" in done.stdout
    assert "--> build" in done.stdout and "--> export_rknn" not in done.stdout
    assert (tmp_path / "copy" / "repro.weights").stat().st_size == 4 * (128 * 768 + 128)
    assert not (tmp_path / "repro" / "repro.weights").exists()


@pytest.mark.toolkit
def test_wrong_numbers_are_shown_by_the_simulator(tmp_path, toolkit):
    told = reduction(
        failure="simulate: wrong", baseline=(ran("simulate: wrong", "wrong", "cosine 0.009"),), final=()
    )
    samples = tmp_path / "normal.npz"
    np.savez(samples, input0=np.ones((1, 8, 15, 15), np.float32))
    files = write(tmp_path / "repro", transposed(), told, samples=samples)
    assert files["inputs"].read_bytes() == samples.read_bytes()
    done = run(tmp_path / "repro", toolkit.python, into=tmp_path)
    assert done.returncode == 1, done.stdout[-2000:]
    assert "y: cosine 0." in done.stdout and "1 of 1 outputs differ" in done.stdout


@pytest.mark.toolkit
def test_options_calibration_mean_and_std_are_passed_on(tmp_path, toolkit):
    """On inputs made by seed. The model converts rightly: the outputs agree if mean and std are applied alike."""
    options = BuildOptions(
        quantize=True, quantized_algorithm="mmse", mean_values=((3.0,) * 16,), std_values=((2.0,) * 16,)
    )
    told = reduction(failure="simulate: wrong", baseline=(ran("simulate: wrong", "wrong"),), final=())
    write(tmp_path / "repro", conv(16, 8, 3, 32, [1] * 4), told, options=options)
    done = run(tmp_path / "repro", toolkit.python, into=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "--> done: the outputs agree" in done.stdout
    script = (tmp_path / "repro" / "repro.py").read_text()
    assert 'quantized_algorithm="mmse"' in script and "optimization_level" not in script


@pytest.mark.parametrize(
    ("made", "script_makes_weights"),
    [
        (lambda: conv(1024, 1024, 3, 8, [1] * 4, filled=0.0), True),
        (lambda: conv(384, 128, 1, 1198, [0, 0, 1, 0]), False),  # 196 KB of weights stay in the file
        (lambda: conv(1024, 1024, 3, 8, [1] * 4), True),  # 37 MB of weights do not
    ],
)
def test_the_folder_of_one_layer_is_small(tmp_path, made, script_makes_weights):
    log = tmp_path / "long.txt"
    log.write_text("E RKNN: something\n" * 500_000)
    write(tmp_path / "repro", made(), log=log)
    assert size(tmp_path / "repro") < MEGABYTE
    assert ("make_weights" in (tmp_path / "repro" / "repro.py").read_text()) == script_makes_weights
    kept = (tmp_path / "repro" / "log.txt").read_text()
    assert kept.startswith("E RKNN") and kept.endswith("E RKNN: something\n") and "bytes left out" in kept


def several_kinds() -> ir.Model:
    """Seeded weights in two float types with settings and constants between them, one of them in no simple form."""
    random = np.random.default_rng(5)
    weights = {
        "w": random.standard_normal((64, 16, 3, 3)).astype(np.float32),
        "zeros": np.zeros((1, 64, 32, 32), np.float32),
        "scales": np.array([1, 1, 2, 3], np.float32),
        "half": random.standard_normal((1, 64, 64, 96)).astype(np.float16),
        "tenth": np.full((1, 64, 64, 1), 0.1, np.float32),
    }
    nodes = [
        node("Conv", "x w", "a", kernel_shape=[3, 3], pads=[1] * 4),
        node("Add", "a zeros", "b"),
        node("Resize", "b  scales", "c"),
        node("Cast", "half", "float", to=onnx.TensorProto.FLOAT),
        node("Add", "c float", "d"),
        node("Mul", "d tenth", "y"),
    ]
    nodes[2].input[:] = ["b", "", "scales"]
    made = model(nodes, [value("x", [1, 16, 32, 32])], [value("y", [1, 64, 64, 96])], weights, opset=13)
    return seeded(ir.from_proto(made))


def not_simple() -> ir.Model:
    """Trained weights, as far as a seed can tell, and a constant of the same size."""
    made = several_kinds()
    made.graph.initializers["w"].const_value = ir.tensor(
        np.arange(64 * 16 * 9, dtype=np.float32).reshape(64, 16, 3, 3)
    )
    return made


@pytest.mark.parametrize(
    ("made", "left_out"),
    [
        (lambda: conv(128, 128, 3, 8, [1] * 4), {"w", "b"}),
        (lambda: conv(128, 128, 3, 8, [1] * 4, filled=0.0), {"w", "b"}),
        (lambda: conv(128, 128, 3, 8, [1] * 4, filled=0.1), {"w", "b"}),
        (several_kinds, {"w", "zeros", "half", "tenth"}),
        (not_simple, {"zeros", "tenth"}),
    ],
)
def test_the_weights_of_the_script_are_those_of_the_model(tmp_path, toolkit, made, left_out):
    """Made with the toolkit's own, older NumPy, and read back by ONNX as the toolkit reads them."""
    before = made()
    write(tmp_path / "repro", before)
    bare = onnx.load(tmp_path / "repro" / "repro.onnx", load_external_data=False)
    assert {tensor.name for tensor in bare.graph.initializer if tensor.external_data} == left_out
    code = "import pathlib, repro_part; repro_part.make_weights(pathlib.Path('repro.weights'))"
    script = (tmp_path / "repro" / "repro.py").read_text()
    (tmp_path / "repro" / "repro_part.py").write_text(script.replace("from rknn.api import RKNN\n", ""))
    subprocess.run([str(toolkit.python), "-c", code], cwd=tmp_path / "repro", check=True)
    read = {tensor.name: tensor for tensor in onnx.load(tmp_path / "repro" / "repro.onnx").graph.initializer}
    assert read.keys() == before.graph.initializers.keys()
    for name, initializer in before.graph.initializers.items():
        assert onnx.numpy_helper.to_array(read[name]).tobytes() == initializer.const_value.tobytes()


def test_inputs_beyond_half_a_megabyte_are_left_to_the_script(tmp_path):
    told = reduction(failure="simulate: wrong", baseline=(ran("simulate: wrong", "wrong"),), final=())
    samples = tmp_path / "normal.npz"
    np.savez(samples, input0=np.zeros((1, 16, 100, 100), np.float32))
    files = write(tmp_path / "repro", conv(16, 8, 3, 32, [1] * 4), told, samples=samples)
    assert "inputs" not in files and "default_rng([0, 0, index])" in files["script"].read_text()


def test_an_earlier_reproducer_leaves_nothing_behind(tmp_path):
    write(tmp_path / "repro", conv(128, 128, 3, 8, [1] * 4))
    (tmp_path / "repro" / "repro.weights").write_bytes(b"of another model")
    write(tmp_path / "repro", conv(128, 64, 3, 8, [1] * 4), target=None, toolkit_version=None)
    names = {file.name for file in (tmp_path / "repro").iterdir()}
    assert names == {"repro.onnx", "repro.sh", "environment.txt", "issue.md"}


@pytest.mark.parametrize("channels", [16, 512])
def test_a_check_command_gets_a_shell_script(tmp_path, channels):
    """Run for real: the check fails with status 7 on a model that it can load, with or without weights of its own."""
    check = tmp_path / "check.py"
    check.write_text("import onnx, sys\nonnx.load(sys.argv[1])\nprint('refused: Conv')\nsys.exit(7)\n")
    seen = ran("exit 7: refused: Conv", "exit 7", "refused: Conv")
    told = reduction(
        oracle=f"{sys.executable} {check} {{}}", failure=seen.failure, baseline=(seen,), final=()
    )
    made = conv(channels, 64, 3, 8, [1] * 4)
    files = write(tmp_path / "repro", made, told, target=None, toolkit_version=None)
    assert files["script"].name == "repro.sh"
    # `python3` of a user has NumPy; here it is the interpreter of these tests.
    files["script"].write_text(files["script"].read_text().replace("python3 -", f"{sys.executable} -"))
    done = run(tmp_path / "repro", "", "repro.sh", into=tmp_path)
    assert done.returncode == 7 and "refused: Conv" in done.stdout
    assert (tmp_path / "copy" / "repro.weights").exists() == (channels == 512)
    text = files["issue"].read_text()
    assert "RKNN" not in text and "exit 7" in text and "sh repro.sh" in text
