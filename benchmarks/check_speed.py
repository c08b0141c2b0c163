"""How long `rkmend check` takes on a model of 2,000 nodes, against onnx.checker and Vela's check of operators.

    python benchmarks/check_speed.py [--runs N]

The model is a chain of residual blocks as mobile networks have them (Conv, depth-wise Conv, Relu, Sigmoid, Mul, Add),
with 18 MB of weights. In one process, after imports: check and `onnx.checker.check_model`, in turn, and Vela's reading
and check of supported operators of a TFLite model of as many operators. As whole processes: `rkmend check`, the bare
imports that it cannot do without, and the checker. Demands: check under 150 ms, the whole process under 1.2 s. They are
held against processor time, since the machine is shared; wall time stands beside it. Writes results/check_speed.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from common import in_turn, process, say, verdict, wall_and_processor, write
from onnx import TensorProto, helper, numpy_helper
from peers import vela

import rkmend

NODES = 2000
WIDTH = 64
SIZE = 128
RUNS = 15
CHECK_MS, PROCESS_MS = 150, 1200
HERE = Path(__file__).parent


def chain(nodes: int = NODES) -> onnx.ModelProto:
    """Blocks of a mobile network, one after the other."""
    rng = np.random.default_rng(0)
    made: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def add(operator: str, *inputs: str, **attributes: object) -> str:
        out = f"t{len(made)}"
        name = f"/blocks.{len(made) // 8}/{operator}_{len(made)}"
        made.append(helper.make_node(operator, inputs, [out], name=name, **attributes))
        return out

    def conv(source: str, kernels: int, channels: int, kernel: int, group: int = 1, stride: int = 1) -> str:
        names = f"w{len(made)}", f"b{len(made)}"
        shapes = (kernels, channels // group, kernel, kernel), (kernels,)
        for name, shape in zip(names, shapes, strict=True):
            weights.append(numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name))
        pads = [kernel // 2] * 4
        return add(
            "Conv", source, *names, kernel_shape=[kernel] * 2, pads=pads, group=group, strides=[stride] * 2
        )

    last = conv("x", WIDTH, 3, 3, stride=2)
    while len(made) < nodes - 9:
        wide = add("Relu", conv(last, 2 * WIDTH, WIDTH, 1))
        deep = add("Relu", conv(wide, 2 * WIDTH, 2 * WIDTH, 3, group=2 * WIDTH))
        narrow = conv(deep, WIDTH, 2 * WIDTH, 1)
        last = add("Add", last, add("Mul", narrow, add("Sigmoid", narrow)))
    while len(made) < nodes:
        last = add("Relu", last)
    graph = helper.make_graph(
        made,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, WIDTH, SIZE // 2, SIZE // 2])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=RUNS)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "chain.onnx"
        model = chain()
        onnx.save(model, path)
        say(
            f"{len(model.graph.node)} nodes, {path.stat().st_size / 1e6:.1f} MB, {runs} runs, taken in turn\n"
        )
        rkmend.check(path, "rk3588")  # imports
        times = in_turn(
            {
                "rkmend.check, rk3588": lambda: rkmend.check(path, "rk3588"),
                "onnx.load, onnx.checker.check_model": lambda: onnx.checker.check_model(onnx.load(path)),
            },
            runs,
        )
        times[f"Vela's supported operators, {NODES} of a TFLite model"] = vela_seconds(folder, runs)
        command = str(Path(sys.executable).with_name("rkmend"))
        bare = "import numpy, onnx, onnx_ir"
        whole = in_turn(
            {
                "rkmend check": process(command, "check", str(path), "--target", "rk3588", "--isolated"),
                f"python -c '{bare}'": process(sys.executable, "-c", bare),
                "python, onnx.load and checker": process(
                    sys.executable, "-c", f"import onnx; onnx.checker.check_model(onnx.load({str(path)!r}))"
                ),
            },
            runs,
        )
    figures = wall_and_processor("in one process, after imports", times)
    figures |= wall_and_processor("whole process", whole)
    ours, all_of_it = figures["rkmend.check, rk3588"]["processor"], figures["rkmend check"]["processor"]
    verdict(f"check of {NODES} nodes, processor time", ours, f"< {CHECK_MS} ms", ours < CHECK_MS)
    verdict("whole process, processor time", all_of_it, f"< {PROCESS_MS} ms", all_of_it < PROCESS_MS)
    write("check_speed", {"nodes": NODES, "runs": runs, "milliseconds": figures})


def vela_seconds(folder: Path, runs: int) -> list[tuple[float, float]]:
    """Vela's own check of a model of as many operators."""
    python, model = str(vela()), str(folder / "large.tflite")
    subprocess.run([python, str(HERE / "large_tflite.py"), model, str(NODES)], check=True)
    done = subprocess.run(
        [python, str(HERE / "vela_operators.py"), model, str(runs)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
    return [(wall, used) for wall, used in seconds]


if __name__ == "__main__":
    main()
