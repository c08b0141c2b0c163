"""How long the page of a network of 1,500 operators takes to write, and to become usable in a browser.

    python benchmarks/report.py [--runs N] [--nodes N]

The results are those of a mended conversion: both models (blocks of a mobile network, one Conv of which was replaced),
a row of the compiler's table and of the comparison layer by layer for each operator, and 20 logs of 40 KB. No toolkit
runs. Demands: `rkmend report` as a whole process under 3 s, the page under 2 MB, and its overview interactive in
Chromium under 2 s (the page's own mark `rkmend:interactive`, from the start of navigation; fastest of the runs, since
others may use the machine). Without Playwright or Chromium the last is left out. Writes results/report.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnx
from check_speed import chain
from common import median, say, table, verdict, write

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from page_results import layer, results
from page_results import verdict as ended

from rkmend.records import LayerCheck, Layerwise, Status
from rkmend.report.page.results import Results
from rkmend.report.page.write import write_page
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome
from rkmend.words import Language

NODES, RUNS = 1500, 5
SECONDS, BYTES, INTERACTIVE_SECONDS = 3.0, 2_000_000, 2.0
CHROMIUM = Path("/usr/bin/chromium")
LOGS, LOG_BYTES = 20, 40_000


def made(folder: Path, nodes: int) -> Results:
    """A results folder as a conversion of a large network leaves it."""
    model = chain(nodes)
    onnx.save(model, folder / "net.onnx")
    names = [node.name for node in model.graph.node]
    out = folder / "net.rkmend"
    out.mkdir()
    middle = model.graph.node[nodes // 2]
    middle.metadata_props.add(key="rkmend.rule", value="RKM101")
    middle.metadata_props.add(key="rkmend.mend", value="output-padding")
    middle.metadata_props.add(key="rkmend.from", value=middle.name)
    middle.name += "/rkmend/conv"
    onnx.save(model, out / "net.mended.onnx")
    operators = [(node.op_type, node.name, node.output[0]) for node in model.graph.node]
    checks = tuple(
        LayerCheck(tensor, kind, name, "original", 1 - 1e-6 * place, 0.01, 0.001, True, 0.99999, True, False)
        for place, (kind, name, tensor) in enumerate(operators)
    )
    lines = [
        f"D RKNN: [12:00:00.{number:03}] layer {names[number % nodes]} of {number}\n" for number in range(999)
    ]
    log = "".join(lines).encode()[:LOG_BYTES]
    return results(
        folder / "net.onnx",
        Status.MENDED,
        first_verdict=ended(Outcome.ABORTED),
        verdict=ended(
            layers=tuple(layer(kind, f"{kind}:{name}", 1000 + len(name)) for kind, name, _ in operators)
        ),
        files={"mended": str(out / "net.mended.onnx")},
        layerwise=Layerwise("zeros", FP16, checks, operators[-1][2], "", 1.0),
        logs={f"{number:02}-a-trial": log for number in range(LOGS)},
    )


def clocked(action) -> tuple[float, float]:
    """Wall time, and processor time of this process and of those it waited for."""
    started, before = time.perf_counter(), os.times()
    action()
    after = os.times()
    return time.perf_counter() - started, sum(after[:4]) - sum(before[:4])


def interactive(page: Path) -> float | None:
    """Seconds from the start of navigation to the page's own mark; None where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not CHROMIUM.exists():
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(page.as_uri())
        found = "performance.getEntriesByName('rkmend:interactive')[0]?.startTime"
        milliseconds = shown.wait_for_function(found, timeout=60_000).json_value()
        browser.close()
    return milliseconds / 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--nodes", type=int, default=NODES)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = made(Path(name), asked.nodes)
        page = folder.folder / "report.html"
        write_page(folder, page, Language.EN)  # imports
        inside = [clocked(lambda: write_page(folder, page, Language.EN)) for _ in range(asked.runs)]
        command = [str(Path(sys.executable).with_name("rkmend")), "report", str(folder.folder)]
        whole = [
            clocked(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
            for _ in range(asked.runs)
        ]
        size = page.stat().st_size
        shown = [found for _ in range(asked.runs) if (found := interactive(page)) is not None]
    say(f"The page of {asked.nodes:,} operators, {size / 1e6:.2f} MB\n")
    rows = [
        [what, f"{min(wall):.2f} s", f"{median(wall):.2f} s", f"{median(used):.2f} s"]
        for what, times in (("write_page, after imports", inside), ("rkmend report", whole))
        for wall, used in [([one[0] for one in times], [one[1] for one in times])]
    ]
    if shown:
        rows.append(["interactive in Chromium", f"{min(shown):.2f} s", f"{median(shown):.2f} s", ""])
    table(["", "fastest", "median", "processor time"], rows)
    fastest = round(min(wall for wall, _ in whole), 2)
    verdict("seconds to write it", fastest, f"under {SECONDS:g}", fastest < SECONDS)
    used = round(min(used for _, used in whole), 2)
    verdict("of these, seconds of processor time", used, f"under {SECONDS:g}", used < SECONDS)
    verdict("MB", round(size / 1e6, 2), f"under {BYTES / 1e6:g}", size < BYTES)
    if shown:
        usable = round(min(shown), 2)
        verdict(
            "seconds until interactive",
            usable,
            f"under {INTERACTIVE_SECONDS:g}",
            usable < INTERACTIVE_SECONDS,
        )
    figures = {"nodes": asked.nodes, "bytes": size, "inside": inside, "whole": whole, "interactive": shown}
    write("report", figures)


if __name__ == "__main__":
    main()
