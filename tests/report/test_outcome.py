"""How a conversion ended, as findings."""

from __future__ import annotations

import pytest

from rkmend.graph import TensorSpec
from rkmend.mend.proof import NO_GRAPH_CHANGE
from rkmend.records import AppliedMend, Conversion, Culprit, ModelFacts, Status, Tail
from rkmend.report.github import github
from rkmend.report.outcome import ENVIRONMENT, MENDED, PARTIAL, REFUSED, as_checked
from rkmend.rules import Exactness, Finding
from rkmend.rules.base import Level
from rkmend.toolkit.options import BuildOptions

FINDING = Finding("RKM101", "padding-beyond-kernel", ("/a/Conv",), {"pad_top": 1}, "It is padded.")
CULPRIT = Culprit(("/a/Conv",), ("Conv",), "named by the log", {})
SPEC = TensorSpec("y", "float32", (1,))


def mend(code: str) -> AppliedMend:
    return AppliedMend(
        code,
        "output-padding",
        ("/a/Conv",),
        "Pads.",
        Exactness.ROUNDING,
        NO_GRAPH_CHANGE,
        None,
        1,
        1,
        None,
        0,
        3,
        3,
    )


def conversion(status: Status, **more) -> Conversion:
    return Conversion(
        rkmend="0", model=ModelFacts("net.onnx", "0" * 64, (), (), 12, 3), target="rk3588", toolkit=None,
        options=BuildOptions(), status=status, reason=more.pop("reason", ""), first_verdict=None, verdict=None, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (conversion(Status.CONVERTED), []),
        (conversion(Status.ENVIRONMENT, reason="No disk."), [(ENVIRONMENT, Level.ERROR, ())]),
        (
            conversion(Status.REFUSED, reason="So.", culprits=(CULPRIT,)),
            [(REFUSED, Level.ERROR, ("/a/Conv",))],
        ),
        (
            conversion(Status.REFUSED, reason="So.", findings=(FINDING,)),
            [(REFUSED, Level.ERROR, ()), ("RKM101", Level.ERROR, ("/a/Conv",))],
        ),
        (
            conversion(Status.MENDED, findings=(FINDING,), mends=(mend("RKM101"),)),
            [("RKM101", Level.WARNING, ("/a/Conv",))],
        ),
        (conversion(Status.MENDED, mends=(mend("RKM950"),)), [(MENDED, Level.WARNING, ("/a/Conv",))]),
        (
            conversion(Status.PARTIAL, tail=Tail(("/nms",), (SPEC,), (SPEC,), "E no"), culprits=(CULPRIT,)),
            [(PARTIAL, Level.WARNING, ("/a/Conv",))],
        ),
    ],
)
def test_findings(result, expected):
    checked = as_checked(result)
    assert [(found.code, found.level, found.nodes) for found in checked.findings] == expected
    assert all(len(found.operators) == len(found.nodes) and found.message for found in checked.findings)


def test_the_operator_is_known_from_the_culprits():
    (_refused, found) = as_checked(
        conversion(Status.REFUSED, reason="So.", culprits=(CULPRIT,), findings=(FINDING,))
    ).findings
    assert found.operators[0].operator == "Conv" and found.operators[0].module == "a"


def test_the_mend_of_a_finding():
    (found,) = as_checked(conversion(Status.MENDED, findings=(FINDING,), mends=(mend("RKM101"),))).findings
    assert found.mend and found.mend.name == "output-padding"


def test_annotations_for_github():
    text = github(as_checked(conversion(Status.MENDED, findings=(FINDING,), mends=(mend("RKM101"),))))
    title = "title=RKM101 padding-beyond-kernel (rk3588)"
    help_ = "rkmend convert would try output-padding (rounding): Pads."
    assert text == f"::warning file=net.onnx,{title}::It is padded.%0A{help_}"
