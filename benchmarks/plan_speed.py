"""How long `rkmend plan` takes on a network of 2,000 operators, beside Vela's performance estimate of one as large.

Demand: the plan itself, from the file to the record, under 1 s, after imports. It is held against processor time, since
the machine is shared; wall time stands beside it.

Vela (Arm, for Ethos-U) has no estimate without a compilation: what it takes for `--verbose-performance` is all of that.
Its network is the same one as int8 TFLite, where an activation is part of its Conv.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from common import in_turn, process, say, verdict, wall_and_processor, write
from large import write_onnx
from peers import vela

import rkmend

NODES = 2000
RUNS, WHOLE_RUNS = 7, 3
PLAN_MS = 1000
PLAN = "rkmend.plan, rk3588"
HERE = Path(__file__).parent


def main() -> None:
    python = vela()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, other = write_onnx(folder / "large.onnx", NODES), folder / "large.tflite"
        subprocess.run([str(python), str(HERE / "large_tflite.py"), str(other), str(NODES)], check=True)
        plan = rkmend.plan(model, target="rk3588")
        assert len(plan.layers) == NODES
        assert all(layer.split for layer in plan.layers if layer.kind == "Conv")
        inside = in_turn(
            {
                PLAN: lambda: rkmend.plan(model, target="rk3588"),
                "onnx.load, onnx.checker.check_model": lambda: onnx.checker.check_model(onnx.load(model)),
            },
            RUNS,
        )
        rkmend_plan = str(Path(sys.executable).with_name("rkmend")), "plan", str(model), "--target", "rk3588"
        vela_command = (
            str(python.with_name("vela")), str(other), "--accelerator-config", "ethos-u65-256",
            "--verbose-performance", "--output-dir", str(folder / "vela"),
        )  # fmt: skip
        wholes = in_turn(
            {
                "rkmend plan": process(*rkmend_plan),
                "vela --verbose-performance": process(*vela_command),
            },
            WHOLE_RUNS,
        )
    say(f"A network of {NODES} operators, rk3588, fp16; Vela 5.2.0 on as many, int8, ethos-u65-256.\n")
    figures = wall_and_processor("in one process, after imports", inside)
    figures |= wall_and_processor("whole process", wholes)
    ours = figures[PLAN]["processor"]
    verdict(f"plan of {NODES} nodes, processor time", ours, f"< {PLAN_MS} ms", ours < PLAN_MS)
    write("plan_speed", {"nodes": NODES, "milliseconds": figures})


if __name__ == "__main__":
    main()
