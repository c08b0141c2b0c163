"""Everything together: of a real conversion, of every status, and of results whose models are gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import msgspec
import onnx
import pytest
from graphs import linear, model, node, value
from page_results import refused, results

from rkmend.records import Status, Tail
from rkmend.report.page.assemble import page_data
from rkmend.report.page.record import PageData
from rkmend.report.page.results import Results
from rkmend.report.page.rows import Graph
from rkmend.report.schema import page_schema
from rkmend.words import Language


def data(made: Results) -> PageData:
    """The page's data, of which every reference points somewhere and everything fits the schema."""
    found = page_data(made, Language.EN)
    plain = json.loads(msgspec.json.encode(found))
    jsonschema.Draft202012Validator(page_schema()).validate(plain)
    result, graphs = found.report, {"original": found.graphs.original, "mended": found.graphs.mended}
    for which, graph in graphs.items():
        if graph is not None:
            _points_somewhere(graph, found, which)
    for row in found.plans:
        nodes = graphs[row.which].nodes
        assert nodes[row.node] and (row.into is None or nodes[row.into])
        assert row.picture is None or found.pictures[row.picture].which == row.which
    told = found.told
    assert len(told.findings) == len(result.findings) and len(told.trials) == len(result.trials)
    assert len(told.mends) == len(result.mends) and len(told.rejected_mends) == len(result.rejected_mends)
    assert len(told.verification) == len(result.verification) and len(told.notes) == len(result.notes)
    assert len(found.finding_texts) == len(found.findings)
    assert {finding.code for finding in found.findings} <= set(found.rules)
    return found


def _points_somewhere(graph: Graph, found: PageData, which: str) -> None:
    assert [one.id for one in graph.nodes] == list(range(len(graph.nodes)))
    for one in graph.nodes:
        for place in (*one.inputs, *one.outputs):
            assert place is None or graph.values[place]
        if one.layer is not None:
            assert one.id in found.layers[one.layer].nodes and found.layers[one.layer].which == which
        if one.plan is not None:
            assert (found.plans[one.plan].node, found.plans[one.plan].which) == (one.id, which)
        if one.error is not None:
            assert found.errors[one.error]
        for place in one.findings:
            assert found.findings[place]
    assert all(graph.nodes[place] for place in found.focus[which])


@pytest.fixture
def moved(mended_results, tmp_path) -> Path:
    """A copy of the real results with its model, elsewhere."""
    shutil.copytree(mended_results, tmp_path / "net.rkmend")
    shutil.copy(mended_results.parent / "net.onnx", tmp_path)
    report = tmp_path / "net.rkmend" / "report.json"
    report.write_text(report.read_text().replace(str(mended_results.parent), "/elsewhere"))
    return tmp_path / "net.rkmend"


def test_a_real_conversion(moved):
    found = data(Results.read(moved))
    assert found.notes == ()
    original, mended = found.graphs.original, found.graphs.mended
    assert original and mended
    roles = {one.name: (one.role, one.rule) for one in original.nodes}
    assert roles["/scale/ImageScaler"] == ("culprit", "RKM202")
    new = [one for one in mended.nodes if one.role == "new"]
    assert {(one.rule, one.origin) for one in new} == {("RKM202", "/scale/ImageScaler")}
    assert [found.errors[one.error].tensor for one in new if one.error is not None] == ["scaled"]
    assert original.nodes[0].error is not None  # it makes the same tensor
    assert found.told.mends[0].before == (0, 1)
    convs = [one for one in mended.nodes if one.op == "Conv"]
    assert all(found.layers[one.layer].target == "NPU" for one in convs)
    assert {row.key for row in found.compare} >= {"converts", "cycles", "agreement"}
    assert [one.kind for one in found.headline.files] == ["report", "trials", "rknn", "mended", "recipe"]
    assert all((moved / one.href).exists() for one in found.headline.files)
    assert {picture.kind for picture in found.pictures} == {"tiling", "roofline"}
    assert len(found.logs) == len(found.report.trials) and all(log.text for log in found.logs)


def test_links_are_relative_to_where_the_page_is(moved, tmp_path):
    (tmp_path / "pages").mkdir()
    found = page_data(Results.read(moved), Language.EN, folder=tmp_path / "pages")
    assert [one.href for one in found.headline.files if one.kind == "rknn"] == ["../net.rkmend/net.rknn"]


def test_the_model_is_gone(moved):
    (moved.parent / "net.onnx").unlink()
    found = data(Results.read(moved))
    assert found.graphs.original is None and found.graphs.mended is not None
    assert found.findings == ()
    (note,) = found.notes
    assert "net.onnx" in note.en and "net.onnx" in note.zh and note.en != note.zh


def test_both_models_and_the_logs_are_gone(moved):
    (moved.parent / "net.onnx").unlink()
    (moved / "net.mended.onnx").unlink()
    shutil.rmtree(moved / "trials")
    found = data(Results.read(moved))
    assert found.graphs.original is None and found.graphs.mended is None
    assert len(found.notes) == 3 and found.logs == ()
    assert found.layers and all(row.nodes == () for row in found.layers)


def test_the_mended_model_is_damaged(moved):
    (moved / "net.mended.onnx").write_bytes(b"no model")
    found = data(Results.read(moved))
    assert found.graphs.mended is None
    assert "net.mended.onnx" in found.notes[0].en


def test_a_refusal(tmp_path):
    found = data(refused(linear(tmp_path / "m.onnx"), "mm"))
    assert found.graphs.original.nodes[0].role == "culprit"
    assert found.focus == {"original": (0, 1)}
    assert found.texts["why"].en == "Because of this."
    assert set(found.rules) >= {"RKM101"}


def test_no_environment(tmp_path):
    found = data(results(linear(tmp_path / "m.onnx"), Status.ENVIRONMENT))
    assert (found.compare, found.layers, found.logs) == ((), (), ())
    assert found.graphs.original is not None


def test_a_head_and_what_is_left(tmp_path):
    path = linear(tmp_path / "m.onnx")
    folder = tmp_path / "m.rkmend"
    folder.mkdir()
    onnx.save(
        model(
            [node("MatMul", "x w", "m", "mm")], [value("x", [1, 8]), value("w", [8, 4])], [value("m", [1, 4])]
        ),
        folder / "m.head.onnx",
    )
    made = results(
        path, Status.PARTIAL, tail=Tail(("add",), (), (), "why"), files={"head": str(folder / "m.head.onnx")}
    )
    found = data(made)
    assert found.graphs.original.nodes[1].role == "tail"
    assert [one.name for one in found.graphs.mended.nodes] == ["mm"]
    assert found.focus["original"] == (0, 1)


def test_shapes_that_were_given_are_those_of_the_page(tmp_path):
    """The report has the shapes after freezing; the file itself is dynamic."""
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Relu", "x", "y", "r")], [value("x", ["n", 4])], [value("y", ["n", 4])]), path)
    made = results(path)
    made.conversion.model = msgspec.structs.replace(
        made.conversion.model,
        inputs=(msgspec.structs.replace(made.conversion.model.inputs[0], shape=(2, 4)),),
    )
    found = data(made)
    assert [one.shape for one in found.graphs.original.values] == ["2x4", "2x4"]
    assert found.notes == ()


def test_without_shapes_the_graph_is_there_and_the_plan_is_not(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Relu", "x", "y", "r")], [value("x", ["n", 4])], [value("y", ["n", 4])]), path)
    found = data(results(path, Status.ENVIRONMENT))
    assert found.graphs.original is not None and found.plans == ()
    assert "the plan of m.onnx" in found.notes[0].en
