"""Small trials one after another: the warm worker against one Python process per trial, in the same run.

Demand: at least 8 times as many trials per minute. 50 trials on the warm worker, its start included; the
process-per-trial side runs fewer and is scaled, in four blocks between the warm ones so that both see the same machine.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from common import bare_conversion, say, table, verdict, write
from onnx import TensorProto, helper, numpy_helper

from rkmend.graph import digest_ir, load
from rkmend.targets import load_target
from rkmend.toolkit.environments import Toolkit, ensure
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Trials

WARM, COLD, BLOCKS = 50, 8, 4


def small_model(path: Path, seed: int) -> Path:
    """A 3x3 Conv, 16 -> 32 channels, 32x32, other weights for each seed so that nothing is ever remembered."""
    weight = np.random.default_rng(seed).standard_normal((32, 16, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    graph = helper.make_graph(
        [node],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32, 32, 32])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8), path)
    return path


def warm_block(trials: Trials, toolkit: Toolkit, models: list[Path]) -> float:
    started = time.perf_counter()
    for path in models:
        digest = digest_ir(load(path).ir)
        done = trials.run(Trial("small", path, digest, load_target("rk3588"), toolkit))
        assert done.verdict.converted, done.verdict
    return time.perf_counter() - started


def cold_block(toolkit: Toolkit, models: list[Path], folder: Path) -> float:
    return sum(bare_conversion(toolkit.python, path, folder) for path in models)


def main() -> None:
    toolkit = ensure()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [small_model(folder / f"{seed}.onnx", seed) for seed in range(WARM)]
        load(models[0])  # rkmend's own imports are not what is compared
        warm = cold = 0.0
        with Trials(folder / "trials") as trials:
            for block in range(BLOCKS):
                warm += warm_block(trials, toolkit, models[block::BLOCKS])
                cold += cold_block(toolkit, models[: COLD // BLOCKS], folder)
        seconds = [done.verdict.seconds for done in trials.done]
    warm_rate, cold_rate = 60 * WARM / warm, 60 * COLD / cold
    table(
        ["way", "trials", "seconds", "trials per minute"],
        [
            ["warm worker, forked", WARM, round(warm, 1), round(warm_rate, 1)],
            ["a Python process each", COLD, round(cold, 1), round(cold_rate, 1)],
        ],
    )
    ratio = round(warm_rate / cold_rate, 1)
    say(f"\none warm trial: median {sorted(seconds)[len(seconds) // 2]:.2f} s")
    verdict("times as many trials per minute", ratio, ">= 8", ratio >= 8)
    write("trials", {"warm_per_minute": warm_rate, "cold_per_minute": cold_rate, "ratio": ratio})


if __name__ == "__main__":
    main()
