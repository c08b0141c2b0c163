"""Attachments for Netron, and copies of models that say the same."""

from __future__ import annotations

import json
import sys

import onnx
import pytest

from rkmend.report.exports.facts import graphs_of
from rkmend.report.exports.netron import annotated, attachment, write_attachments
from rkmend.report.page.assemble import page_data
from rkmend.report.page.results import Results
from rkmend.words import Language

KINDS = {"model", "graph", "node", "value", "tensor"}
"""What Netron 9.3.3 looks up."""


@pytest.fixture(scope="module")
def results(mended_results):
    return Results.read(mended_results)


@pytest.fixture(scope="module")
def data(results):
    return page_data(results, Language.EN, longest_name=sys.maxsize)


def told(entries: list[dict[str, str]], node: str) -> dict[str, str]:
    return {
        entry["name"]: entry["value"]
        for entry in entries
        if (entry["kind"], entry["target"]) == ("node", node)
    }


def test_the_format_is_that_of_netron(data):
    for which in ("original", "mended"):
        found = attachment(data, which)
        assert (found["signature"], found["metrics"]) == ("netron:attachment", [])
        assert all(set(entry) == {"kind", "target", "name", "value", "type"} for entry in found["metadata"])
        assert {entry["kind"] for entry in found["metadata"]} <= KINDS
        keys = [(entry["kind"], entry["target"], entry["name"]) for entry in found["metadata"]]
        assert len(keys) == len(set(keys))  # of the same name only the last would be shown


def test_nodes_say_what_was_found(data):
    culprit = told(attachment(data, "original")["metadata"], "/scale/ImageScaler")
    assert culprit["rkmend role"] == "the failure comes from here (RKM202)"
    assert any(name.startswith("rkmend RKM202") for name in culprit)
    new = told(attachment(data, "mended")["metadata"], "/scale/ImageScaler/rkmend/add")
    assert new["rkmend replaces"] == "/scale/ImageScaler"
    assert (
        new["against ONNX Runtime"].startswith("cosine 0.99") or "cosine 1.0" in new["against ONNX Runtime"]
    )
    conv = told(attachment(data, "mended")["metadata"], "/stem/conv/Conv")
    assert "on NPU" in conv["compiler layer"] and "banks" in conv["rkmend plan"]


def test_targets_are_the_names_of_nodes(data, results):
    model = onnx.load(results.model())
    names = {node.name for node in model.graph.node}
    entries = attachment(data, "original")["metadata"]
    assert {entry["target"] for entry in entries if entry["kind"] == "node"} <= names


def test_they_are_written_for_each_model(data, tmp_path):
    files = write_attachments(data, tmp_path)
    assert [path.name for path in files] == ["net.original.netron.json", "net.mended.netron.json"]
    assert json.loads(files[1].read_text()) == attachment(data, "mended")


def test_a_copy_says_the_same_and_computes_the_same(data, results):
    path = results.file("mended")
    copy = onnx.load_from_string(annotated(path, graphs_of(data)["mended"], data))
    entries = attachment(data, "mended")["metadata"]
    for node in copy.graph.node:
        props = {prop.key: prop.value for prop in node.metadata_props}
        assert told(entries, node.name).items() <= props.items()
    original = onnx.load(path)
    assert [node.op_type for node in copy.graph.node] == [node.op_type for node in original.graph.node]
    assert copy.graph.initializer == original.graph.initializer
