"""JUnit XML as a reader of its own kind reads it."""

from __future__ import annotations

from xml.etree import ElementTree

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.checking import SCHEMA, Checked, Found, Unchecked
from rkmend.report.junit import junit
from rkmend.rules.base import Level


def found(code="RKM101", *nodes, level=Level.ERROR, target="rk3588", message="m", model="net.onnx") -> Found:
    return Found(model, code, "name", level, target, nodes, {}, message, None, ())


def read(*findings, unchecked=(), models=("net.onnx",), targets=("rk3588",), failing=(Level.ERROR,)):
    checked = Checked(SCHEMA, findings=findings, unchecked=unchecked)
    text = junit(checked, models=models, targets=targets, failing=failing)
    return junitparser.JUnitXml.fromstring(text.encode())


def test_a_case_a_rule_and_target():
    suites = read(
        found("RKM101", "a"), found("RKM101", "b"), found("RKM101", "a", target="rk3576"),
        found("RKM601", "a", level=Level.WARNING), targets=("rk3588", "rk3576"),
    )  # fmt: skip
    (suite,) = suites
    assert [case.name for case in suite] == [
        "RKM101 name [rk3588]",
        "RKM601 name [rk3588]",
        "RKM101 name [rk3576]",
    ]
    assert [len(case.result) for case in suite] == [1, 0, 1]
    assert (suites.tests, suites.failures, suites.errors) == (3, 2, 0)
    failed = next(iter(suite)).result[0]
    assert isinstance(failed, junitparser.Failure) and "error: a" in failed.text and "error: b" in failed.text


def test_what_fails_can_be_said():
    warning = found("RKM601", "a", level=Level.WARNING)
    assert read(warning).failures == 0
    assert read(warning, failing=(Level.ERROR, Level.WARNING)).failures == 1


def test_a_model_without_findings_is_a_case_that_passes():
    (suite,) = read(models=("net.onnx",))
    assert [(case.name, case.is_passed) for case in suite] == [("no findings [rk3588]", True)]


def test_what_was_not_checked_is_skipped():
    suites = read(unchecked=(Unchecked("net.onnx", "x is dynamic", "Give it."),))
    assert [suite.skipped for suite in suites] == [1]


def test_models_are_suites_in_their_order():
    suites = read(found(model="b.onnx"), models=("b.onnx", "a.onnx"))
    assert [suite.name for suite in suites] == ["b.onnx", "a.onnx"]


@pytest.mark.parametrize(
    "text", ["\x00\x1b[2J", "]]>", "</failure><x/>", "\ud800", "\ufffe", "a\r\nb", "&amp;"]
)
def test_any_name_is_well_formed(text):
    (suite,) = read(found("RKM101", text, message=text, model=text), models=(text,))
    assert len(list(suite)) == 1


@given(st.text(st.characters(), max_size=30))
def test_any_text_at_all(text):
    checked = Checked(SCHEMA, findings=(found("RKM101", text, message=text),))
    ElementTree.fromstring(junit(checked, models=[text], targets=["rk3588"]).encode())
