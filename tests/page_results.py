"""Results folders for tests of the page, written without a conversion: every status has its records."""

from __future__ import annotations

from pathlib import Path

from rkmend.delivery import write_report
from rkmend.graph import load
from rkmend.records import (
    Conversion,
    Culprit,
    ModelFacts,
    RejectedMend,
    Status,
    ToolkitFacts,
    TrialFacts,
)
from rkmend.report.page.results import Results
from rkmend.rules import Exactness, Finding
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Layer, Outcome, Signature, Stage, Verdict

FAILED = Signature(Stage.BUILD, "SIGABRT", "Failed to config layer")


def verdict(outcome: Outcome = Outcome.CONVERTED, layers: tuple[Layer, ...] = (), **more) -> Verdict:
    """Of a trial that ended so."""
    signature = None if outcome is Outcome.CONVERTED else FAILED
    memory = {"internal": 100.0, "weight": 20.0} if layers else {}
    fields = {"message": "E the decisive line", "memory_kb": memory, "agreement": (), **more}
    return Verdict(
        outcome, Stage.BUILD, signature, layers=layers, notes=(), seconds=1.0, stage_seconds={}, **fields
    )


def layer(kind: str, name: str, cycles: int = 100, target: str = "NPU") -> Layer:
    """A row of the compiler's table."""
    return Layer(kind, "FLOAT16", target, "(1,4)", "(1,4)", cycles, cycles, cycles, 8, name)


def conversion(model: Path, status: Status = Status.CONVERTED, **more) -> Conversion:
    """The report of a model that is there."""
    read = load(model)
    facts = ModelFacts(
        str(model), read.sha256, read.inputs, read.outputs, read.opset, len(list(read.ir.graph))
    )
    environment = status is Status.ENVIRONMENT
    fields = {
        "rkmend": "0",
        "toolkit": None if environment else ToolkitFacts("2.3.2", "f"),
        "options": BuildOptions(),
        "reason": "" if status in (Status.CONVERTED, Status.MENDED, Status.PARTIAL) else "Because of this.",
        "first_verdict": None if environment else verdict(),
        **more,
    }
    fields.setdefault("verdict", fields["first_verdict"])
    return Conversion(model=facts, target="rk3588", status=status, **fields)


def results(
    model: Path, status: Status = Status.CONVERTED, *, logs: dict[str, bytes] | None = None, **more
) -> Results:
    """A results folder beside the model, with a log for each trial."""
    folder = model.with_name(f"{model.stem}.rkmend")
    made = conversion(model, status, **more)
    made.files = {"report": str(folder / "report.json"), **made.files}
    for trial, text in (logs or {}).items():
        (folder / "trials" / trial).mkdir(parents=True)
        (folder / "trials" / trial / "log.txt").write_bytes(text)
        made.trials += (TrialFacts(trial, trial, "converted", 1.0, None, False),)
        made.files["trials"] = str(folder / "trials")
    folder.mkdir(exist_ok=True)
    write_report(made)
    return Results.read(folder)


def refused(model: Path, node: str, **more) -> Results:
    """A refusal that a node is to blame for."""
    culprit = Culprit((node,), ("Relu",), "named by the toolkit's log", {})
    finding = Finding("RKM101", "padding-beyond-kernel", (node,), {"pad_top": 1}, f"'{node}' is padded by 1.")
    rejected = RejectedMend("RKM101", "border-rows", (node,), Exactness.EXACT, "it does not fit")
    return results(
        model,
        Status.REFUSED,
        first_verdict=verdict(Outcome.ABORTED),
        culprits=(culprit,),
        findings=(finding,),
        rejected_mends=(rejected,),
        **more,
    )
