"""The story of every outcome; that of a mended model is tested on a real one in tests/test_seed.py."""

from __future__ import annotations

import click
import pytest

from rkmend.records import (
    Conversion,
    Culprit,
    LayerCheck,
    Layerwise,
    ModelFacts,
    OutputCheck,
    Status,
    ToolkitFacts,
)
from rkmend.report.story import story
from rkmend.rules import Finding
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome, OutputAgreement, Signature, Stage, Verdict
from rkmend.words import Language


def verdict(outcome: Outcome, message: str = "") -> Verdict:
    signature = None if outcome is Outcome.CONVERTED else Signature(Stage.BUILD, "kind", "normalised")
    return Verdict(outcome, Stage.BUILD, signature, message, (), {}, (), (), 1.0, {})


def conversion(status: Status, first: Verdict | None, **more) -> Conversion:
    return Conversion(
        rkmend="0",
        model=ModelFacts("net.onnx", "0" * 64, (), (), 12, 3),
        target="rk3588",
        toolkit=ToolkitFacts("2.3.2", "f") if first else None,
        options=BuildOptions(),
        status=status,
        reason=more.pop("reason", ""),
        first_verdict=first,
        verdict=first,
        files={"report": "out/report.json"},
        **more,
    )


def told(result: Conversion) -> str:
    text = click.unstyle(story(result))
    assert max(map(len, text.splitlines())) <= 110
    return text


def test_a_model_that_converts():
    found = OutputAgreement("y", "zeros", cosine=0.9999, max_abs=0.5, max_rel=0.01, reference_max=50.0)
    check = OutputCheck("y", 0.9999, 0.5, 0.01, FP16, True, (found,))
    text = told(conversion(Status.CONVERTED, verdict(Outcome.CONVERTED), verification=(check,)))
    assert text.startswith("converted: net.onnx for rk3588, RKNN-Toolkit2 2.3.2")
    assert "y: agrees, cosine 0.999900" in text and "What failed" not in text


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.CONVERTED])
def test_a_refusal_gives_the_reason_once(outcome):
    text = told(
        conversion(Status.REFUSED, verdict(outcome, "E the decisive line"), reason="Because of this.")
    )
    assert text.startswith("refused: ") and text.count("Because of this.") == 1
    assert "out/report.json" in text


def test_a_failure_that_went_away_in_the_second_run_is_told():
    first = verdict(Outcome.ABORTED, "E the decisive line\nE more")
    result = conversion(Status.CONVERTED, first, notes=("The failure is flaky.",))
    result.culprits = (Culprit(("a", "b"), ("Conv", "Relu"), "named by the log", {}),)
    text = told(result)
    assert "the decisive line" in text and "more" not in text
    assert "Conv a, Relu b, named by the log" in " ".join(text.split()) and "flaky" in text


def test_many_culprits_are_counted():
    names = tuple(f"n{number}" for number in range(9))
    result = conversion(Status.MENDED, verdict(Outcome.ABORTED))
    result.culprits = (Culprit(names, ("Conv",) * 9, "named by the log", {}),)
    assert "and 5 more" in told(result)


def test_without_a_toolkit():
    assert told(conversion(Status.ENVIRONMENT, None, reason="No disk.")).startswith("no toolkit: net.onnx")


def check(tensor: str, **more) -> LayerCheck:
    usual = {"ok": True, "source": False, "finite": True, "cosine": 0.999999, "single_cosine": 1.0}
    return LayerCheck(
        tensor=tensor,
        operator="Conv",
        node=f"/{tensor}",
        reference="original",
        max_abs=0.0,
        max_rel=0.0,
        **{**usual, **more},
    )


def layerwise(*checks: LayerCheck, loss: str = "", why: str = "") -> str:
    found = Layerwise("normal", FP16, checks, loss, why, 1.0)
    text = told(conversion(Status.CONVERTED, verdict(Outcome.CONVERTED), layerwise=found))
    return " ".join(text[text.index("Layers: ") : text.index("Files:")].split())


def test_where_most_is_lost_within_the_tolerance():
    text = layerwise(check("a"), check("b", cosine=0.9995), loss="b")
    assert text == (
        "Layers: 2 tensors within the network against ONNX Runtime, sample normal: none are beyond the tolerance. "
        "Most is lost at Conv /b: cosine 0.999500, 1.00000 for the layer alone."
    )


def test_where_numbers_go_wrong():
    wrong = check("b", ok=False, source=True, finite=False, single_cosine=None)
    text = layerwise(check("a"), wrong, check("c", ok=False), loss="b")
    assert "2 are beyond the tolerance. They begin at Conv /b: NaN or infinite numbers." in text


def test_layers_that_could_not_be_compared_say_why():
    assert layerwise(why="its process ended with signal 11") == (
        "Layers: not compared, because its process ended with signal 11."
    )
    assert "Not all were compared, because it was slow." in layerwise(check("a"), why="it was slow")


def test_in_chinese_a_rule_of_another_version_is_told_in_english():
    result = conversion(Status.REFUSED, verdict(Outcome.ABORTED), reason="No rule has a mend for it.")
    result.findings = (
        Finding("RKM101", "padding-beyond-kernel", ("c",), {"pad_top": 1}, "Conv 'c' is padded."),
        Finding("RKM999", "gone", ("c",), {}, "Something that a later version knows."),
    )
    text = click.unstyle(story(result, Language.ZH))
    assert "原因：没有规则对此有修补办法。" in text and "pad_top = 1" in text
    assert "判断依据：Something that a later version knows." in text and "Conv 'c' is padded." not in text
