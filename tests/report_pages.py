"""report.html for tests that look at it in a browser: written as after a conversion, without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from graphs import model, node, value
from page_results import layer, refused, results, verdict

from rkmend.checking import check, fix
from rkmend.diagnose.cause.record import Cause, Confirmation, Experiment
from rkmend.mend.proof import Proof
from rkmend.records import (
    AppliedMend,
    Culprit,
    LayerCheck,
    Layerwise,
    OutputCheck,
    RejectedMend,
    Status,
)
from rkmend.report.page.results import Results
from rkmend.report.page.write import write_page
from rkmend.rules import Exactness, Finding
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome, OutputAgreement
from rkmend.words import Language

CULPRIT = "/head/conv/Conv"
HOSTILE = "</script><img src=x onerror=hacked()>"
LOG = f"I rknn building ...\nE RKNN: Failed to config layer: 'Conv:{CULPRIT}'\n{HOSTILE}\nAborted\n"


def mended(folder: Path, language: Language = Language.EN) -> Path:
    """A network with a Conv that is padded beyond its kernel and an operator with a hostile name; everything that a
    report can show is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _network(folder / "net.onnx")
    found = next(one for one in check(path, "rk3588").findings if one.code == "RKM101")
    delivered = folder / "net.rkmend" / "net.mended.onnx"
    delivered.parent.mkdir()
    fix(path, "rk3588", delivered)
    finding = Finding(found.code, found.name, found.nodes, found.facts, found.message)
    table = (
        layer("Conv", "Conv:/stem/conv/Conv", 4_000),
        layer("Conv", f"Conv:{CULPRIT}/rkmend/conv", 9_000),
        layer("Pad", f"Pad:{CULPRIT}/rkmend/pad", 10, "CPU"),
    )
    samples = tuple(OutputAgreement("y", name, 0.99999, 0.002, 0.01, 1.0) for name in ("normal", "zeros"))
    made = results(
        path,
        Status.MENDED,
        first_verdict=verdict(Outcome.ABORTED),
        verdict=verdict(layers=table, agreement=samples),
        culprits=(Culprit((CULPRIT,), ("Conv",), "named by the toolkit's log", {}),),
        findings=(finding,),
        mends=(_applied(finding),),
        rejected_mends=(
            RejectedMend(finding.code, "border-rows", (CULPRIT,), Exactness.EXACT, "costs more", 20_000, 20_000, 0),
        ),
        verification=(OutputCheck("y", 0.99999, 0.002, 0.01, FP16, True, samples),),
        layerwise=_layerwise(),
        cause=_cause(),
        logs={"01-the-model-as-it-is": LOG.encode(), "02-output-padding": b"I rknn done\n"},
        files={"mended": str(delivered)},
    )  # fmt: skip
    return _written(made, language)


def gone(folder: Path) -> Path:
    """The same, made anew where both models are gone."""
    page = mended(folder)
    for path in (folder / "net.onnx", page.parent / "net.mended.onnx"):
        path.unlink()
    return _written(Results.read(page.parent), Language.EN)


def _plain(folder: Path, status: Status) -> Path:
    return _written(results(_network(folder / "net.onnx"), status), Language.EN)


OTHERS = {
    "gone": gone,
    "refused": lambda folder: _written(refused(_network(folder / "net.onnx"), CULPRIT), Language.EN),
    "converted": lambda folder: _plain(folder, Status.CONVERTED),
    "environment": lambda folder: _plain(folder, Status.ENVIRONMENT),
}
"""Pages that have less to show."""


def large(folder: Path, nodes: int) -> Path:
    """A network of residual blocks with as many operators as are asked for, every one with a row and an error."""
    folder.mkdir(parents=True, exist_ok=True)
    made, last, names = [], "x", []
    while len(made) < nodes:
        block = len(made)
        chain = [last, *(f"t{block + place}" for place in range(3))]
        kinds = ("Conv", "Relu", "Add")
        for place, kind in enumerate(kinds):
            name = f"/layers.{block // 30}/block.{block}/{kind}"
            extra = " w" if kind == "Conv" else f" {last}" if kind == "Add" else ""
            attributes = {"kernel_shape": [3, 3], "pads": [1] * 4} if kind == "Conv" else {}
            made.append(node(kind, chain[place] + extra, chain[place + 1], name, **attributes))
            names.append((kind, name, chain[place + 1]))
        last = chain[-1]
    made[-1].output[0] = "y"
    proto = model(
        made, [value("x", [1, 8, 16, 16])], [value("y", [1, 8, 16, 16])],
        {"w": np.full((8, 8, 3, 3), 0.01, np.float32)}, opset=13,
    )  # fmt: skip
    path = folder / "large.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(proto), path)
    table = tuple(
        layer(kind, f"{kind}:{name}", 100 + place % 700) for place, (kind, name, _out) in enumerate(names)
    )
    return _written(results(path, first_verdict=verdict(layers=table)), Language.EN)


def _written(made, language: Language) -> Path:
    page = made.folder / "report.html"
    write_page(made, page, language)
    return page


def _network(path: Path) -> Path:
    """Conv, an operator with a hostile name, and the seed's Conv beside a skip."""
    random = np.random.default_rng(0)
    weights = {
        "w1": random.standard_normal((384, 8, 3, 3)).astype(np.float32),
        "w2": random.standard_normal((128, 384, 1, 1)).astype(np.float32),
        "b2": random.standard_normal(128).astype(np.float32),
    }
    nodes = [
        node("Conv", "x w1", "c", "/stem/conv/Conv", kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", "c", "r", HOSTILE),
        node("Conv", "r w2 b2", "h", CULPRIT, kernel_shape=[1, 1], pads=[0, 0, 1, 0]),
        node("Sigmoid", "h", "s", "/head/act/Sigmoid"),
        node("Mul", "h s", "y", "/head/act/Mul"),
    ]
    proto = model(nodes, [value("x", [1, 8, 3, 1198])], [value("y", [1, 128, 4, 1198])], weights, opset=12)
    onnx.save(onnx.shape_inference.infer_shapes(proto), path)
    return path


def _applied(finding: Finding) -> AppliedMend:
    proof = Proof(
        "polynomial-identity", True, "3 draws", 0.0, 0.0, "All finite inputs.", "NaN, and the board."
    )
    return AppliedMend(
        finding.code, "output-padding", finding.nodes, "Pads the outputs.", Exactness.ROUNDING, proof,
        None, 13_010, 13_010, None, 0, 3, 3,
    )  # fmt: skip


def _layerwise() -> Layerwise:
    def one(tensor: str, cosine: float) -> LayerCheck:
        return LayerCheck(tensor, "Conv", "", "original", cosine, 0.1, 0.01, True, 0.9999999, True, False)

    checks = (one("c", 0.9999999), one("r", 0.999999), one("h", 0.9999), one("y", 0.99999))
    return Layerwise("normal", FP16, checks, "h", "", 1.0)


def _cause() -> Cause:
    return Cause(
        established=True,
        text="It fails iff the last piece sees padding only.",
        text_zh="当且仅当最后一块只看到填充时失败。",
        confirmed_on=Confirmation(48, 48, 20, "at random"),
        experiments=(
            Experiment("advice", "width rounded up to a multiple of 16 (1200)", "fails alike", None),
            Experiment("factor", "height: 3 -> 2", "converted", None),
        ),
        trials=50,
    )
