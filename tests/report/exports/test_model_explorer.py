"""Files for Model Explorer, against the fields of ai-edge-model-explorer 0.1.34.

Those are in its `graph_builder.py` and `node_data_builder.py`, whose dataclasses read the files as well (own trial with
dacite, strict); it is no dependency here, since its adapter takes 128 MB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rkmend.report.exports.model_explorer import COLOURS, INPUTS, OUTPUTS, collection, write_files
from rkmend.report.page.assemble import page_data
from rkmend.report.page.results import Results
from rkmend.words import Language

NODE = {"id", "label", "namespace", "subgraphIds", "attrs", "incomingEdges", "outputsMetadata", "inputsMetadata",
        "style", "config"}  # fmt: skip
EDGE = {"sourceNodeId", "sourceNodeOutputId", "targetNodeInputId"}


@pytest.fixture(scope="module")
def data(mended_results):
    return page_data(Results.read(mended_results), Language.EN, longest_name=sys.maxsize)


def test_the_fields_are_those_of_a_collection(data):
    found = json.loads(json.dumps(collection(data)))
    assert set(found) == {"label", "graphs", "graphSorting"}
    assert found["graphSorting"] in ("node_count_asc", "node_count_desc", "name_asc", "name_desc")
    assert [graph["id"] for graph in found["graphs"]] == ["original", "mended"]
    for graph in found["graphs"]:
        assert set(graph) == {"id", "nodes"}
        for node in graph["nodes"]:
            assert {"id", "label"} <= set(node) <= NODE
            assert all(
                isinstance(pair[part], str) for pair in node.get("attrs", ()) for part in ("key", "value")
            )
            assert all(set(edge) == EDGE for edge in node.get("incomingEdges", ()))
            assert all(set(one) == {"id", "attrs"} for one in node.get("outputsMetadata", ()))


def test_edges_join_nodes_that_are_there(data):
    for graph in collection(data)["graphs"]:
        nodes = {node["id"]: node for node in graph["nodes"]}
        assert len(nodes) == len(graph["nodes"])
        for node in graph["nodes"]:
            for edge in node.get("incomingEdges", ()):
                outputs = [one["id"] for one in nodes[edge["sourceNodeId"]]["outputsMetadata"]]
                assert edge["sourceNodeOutputId"] in outputs
        assert nodes[OUTPUTS]["incomingEdges"] and INPUTS in nodes


def test_nodes_lie_in_their_modules_and_have_the_colour_of_their_role(data):
    original, mended = collection(data)["graphs"]
    named = {node["attrs"][0]["value"]: node for node in original["nodes"][:-2]}
    assert named["/stem/conv/Conv"]["namespace"] == "stem/conv"
    assert named["/scale/ImageScaler"]["style"] == {"backgroundColor": COLOURS["culprit"]}
    new = [node for node in mended["nodes"] if node.get("style") == {"backgroundColor": COLOURS["new"]}]
    assert len(new) >= 1 and {node["namespace"] for node in new} == {"scale"}


def test_node_data_measure_nodes_that_are_there(data, tmp_path):
    files = write_files(data, tmp_path)
    assert [path.name for path in files] == [
        "net.model-explorer.json", "net.cycles.node-data.json", "net.cosine.node-data.json",
    ]  # fmt: skip
    ids = {graph["id"]: {node["id"] for node in graph["nodes"]} for graph in read(files[0])["graphs"]}
    for path in files[1:]:
        for graph, measured in read(path).items():
            assert set(measured) == {"name", "results", "gradient"}
            assert set(measured["results"]) <= ids[graph] and measured["results"]
            assert all(isinstance(one["value"], (int, float)) for one in measured["results"].values())
            assert [stop["stop"] for stop in measured["gradient"]][:: len(measured["gradient"]) - 1] == [0, 1]


def read(path: Path) -> dict:
    return json.loads(path.read_text())
