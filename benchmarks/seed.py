"""The seed model: the whole `rkmend convert` against one plain cold conversion of the mended model.

Demands: with a cold trial cache and a ready environment, `convert` (fail, localise, mend candidates, proofs, trials,
verification) takes at most 12 times what a bare toolkit script takes for the model that comes out, measured in the
same run; the front process stays under 600 MB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import bare_conversion, median, say, table, verdict, write

from rkmend.toolkit.environments import ensure

SEED = Path(__file__).parent.parent / "examples" / "make_seed.py"
RUNS = 3
FRONT = """
import resource, sys
from rkmend.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def mend(model: Path, out: Path) -> tuple[float, int]:
    """One whole `rkmend convert`; seconds and the front process's peak memory in MB."""
    command = [
        sys.executable,
        "-c",
        FRONT,
        "convert",
        str(model),
        "--target",
        "rk3588",
        "--no-cache",
        "--quiet",
        "--no-explain",  # it comes after the results are written; benchmarks/explain.py measures it
    ]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--force", "--out", str(out)], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, int(done.stderr.split()[-1]) >> 10


def main() -> None:
    toolkit = ensure()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "seed_conv.onnx"
        subprocess.run([sys.executable, str(SEED), str(model)], check=True, stdout=subprocess.DEVNULL)
        whole, plain, memory = [], [], []
        for _ in range(RUNS):
            seconds, peak = mend(model, folder / "out")
            whole.append(seconds)
            memory.append(peak)
            plain.append(bare_conversion(toolkit.python, folder / "out" / "seed_conv.mended.onnx", folder))
        report = json.loads((folder / "out" / "report.json").read_text())
    ratio = round(median(whole) / median(plain), 1)
    table(
        ["what", "median s", "runs"],
        [
            ["rkmend convert, cold cache", median(whole), [round(value, 1) for value in whole]],
            ["bare script, mended model", median(plain), [round(value, 1) for value in plain]],
        ],
    )
    mends = ", ".join(mend["name"] for mend in report["mends"])
    say(f"\n{report['status']} by {mends}, {len(report['trials'])} trials")
    verdict("times one plain conversion", ratio, "<= 12", ratio <= 12)
    verdict("front process, MB", max(memory), "< 600", max(memory) < 600)
    write(
        "seed",
        {
            "convert_seconds": whole,
            "bare_seconds": plain,
            "ratio": ratio,
            "front_mb": max(memory),
            "trials": len(report["trials"]),
            "mends": [mend["name"] for mend in report["mends"]],
        },
    )


if __name__ == "__main__":
    main()
