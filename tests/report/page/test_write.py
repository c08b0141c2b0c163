"""report.html beside report.json: entered there, never at the cost of the results, and always under 2 MB."""

from __future__ import annotations

import json
import os
import random
import resource

import msgspec
import onnx
import pytest
from graphs import linear, model, node, value
from limits import full_disk
from models import chain
from page_results import layer, refused, results, verdict

from rkmend.errors import InputError
from rkmend.records import Status
from rkmend.report.page import write
from rkmend.report.page.write import MOST, add_page, write_page
from rkmend.toolkit.verdict import Outcome
from rkmend.words import Language

LARGE = 1500


@pytest.fixture
def made(tmp_path):
    return results(linear(tmp_path / "m.onnx"), logs={"01": b"log"})


def test_the_page_is_entered_in_the_report(made):
    add_page(made.conversion, Language.ZH)
    report = json.loads((made.folder / "report.json").read_text())
    assert report["files"]["page"] == str(made.folder / "report.html")
    assert report["notes"] == []
    page = (made.folder / "report.html").read_text()
    assert '<html lang="zh-CN">' in page and "m.onnx" in page
    assert not list(made.folder.glob(".*.part"))


def test_a_page_that_cannot_be_drawn_is_a_note(made, monkeypatch):
    (made.folder / "report.html").write_text("of an earlier run")
    monkeypatch.setattr(write, "render", lambda *_: 1 / 0)
    add_page(made.conversion)
    report = json.loads((made.folder / "report.json").read_text())
    assert "page" not in report["files"]
    assert report["notes"] == ["report.html was not written: division by zero"]
    assert not (made.folder / "report.html").exists()


def test_a_full_disk_leaves_the_report_as_it_was(made):
    before = (made.folder / "report.json").read_bytes()
    with full_disk(1000):
        add_page(made.conversion)
    assert "cannot write" in made.conversion.notes[0] and "page" not in made.conversion.files
    assert (made.folder / "report.json").read_bytes() == before
    assert not (made.folder / "report.html").exists()


def test_a_folder_that_is_not_there(made, tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_page(made, tmp_path / "nowhere" / "page.html", Language.EN)


def large(folder):
    """A chain of Relus with names as long as exporters make them."""
    name = "/model.{0}/layers.{0}/block/attention/self/query/activation/Relu_{0}".format
    nodes = [
        node("Relu", f"{name(n - 1)}_output_0" if n else "x", f"{name(n)}_output_0", name(n))
        for n in range(LARGE)
    ]
    nodes[-1].output[0] = "y"
    onnx.save(
        model(nodes, [value("x", [1, 64, 32, 32])], [value("y", [1, 64, 32, 32])]), folder / "large.onnx"
    )
    return folder / "large.onnx", [one.name for one in nodes]


@pytest.mark.parametrize("status", list(Status))
def test_the_page_of_a_large_network_is_small(tmp_path, status):
    path, names = large(tmp_path)
    folder = tmp_path / "large.rkmend"
    folder.mkdir()
    (folder / "large.mended.onnx").write_bytes(path.read_bytes())
    rows = tuple(layer("Relu", f"Relu:{name}") for name in names)
    logs = {f"{number:02}": f"layer {number} ".encode() * 20_000 for number in range(20)}
    first = None if status is Status.ENVIRONMENT else verdict(Outcome.REJECTED, rows)
    files = {"mended": str(folder / "large.mended.onnx")} if status in (Status.MENDED, Status.PARTIAL) else {}
    made = results(path, status, logs=logs, files=files, first_verdict=first, verdict=verdict(layers=rows))
    write_page(made, folder / "report.html", Language.EN)
    assert (folder / "report.html").stat().st_size < MOST
    assert made.conversion.status is status


def test_logs_that_do_not_compress_fit(tmp_path):
    """Noise, of more trials than a conversion makes."""
    draw = random.Random(0)
    logs = {f"{number:03}": draw.randbytes(60_000).hex()[:60_000].encode() for number in range(60)}
    made = results(linear(tmp_path / "m.onnx"), logs=logs)
    write_page(made, tmp_path / "page.html", Language.EN)
    assert (tmp_path / "page.html").stat().st_size < MOST


def test_the_graphs_give_way_when_nothing_else_helps(tmp_path, monkeypatch):
    onnx.save(chain(50), tmp_path / "m.onnx")
    made = refused(tmp_path / "m.onnx", "relu3", logs={"01": b"log"})
    write_page(made, tmp_path / "page.html", Language.EN)
    whole = (tmp_path / "page.html").stat().st_size
    kept: list[tuple[object, ...]] = []
    render = write.render

    def remembering(data, story):
        kept.append((data.graphs.original, data.logs, [note.en for note in data.notes]))
        return render(data, story)

    monkeypatch.setattr(write, "render", remembering)
    monkeypatch.setattr(write, "MOST", whole - 1)
    write_page(made, tmp_path / "page.html", Language.EN)
    assert (tmp_path / "page.html").stat().st_size <= whole + 100
    graph, logs, notes = kept[-1]
    assert logs == () and "logs are left out" in notes[0]
    monkeypatch.setattr(write, "MOST", 1)
    write_page(made, tmp_path / "page.html", Language.EN)
    graph, _, notes = kept[-1]
    assert graph is None and "graphs are left out" in notes[-1]


def test_memory_stays_bounded(tmp_path):
    """A log of a gigabyte is not read: the hole in this file takes no disk."""
    made = results(linear(tmp_path / "m.onnx"), logs={"01": b"head\n"})
    with (made.folder / "trials" / "01" / "log.txt").open("r+b") as file:
        os.truncate(file.fileno(), 1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_page(made, tmp_path / "page.html", Language.EN)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KB


def test_hostile_names_are_written_for_every_status(hostile_model):
    for status in Status:
        made = results(hostile_model, status)
        write_page(made, made.folder / "report.html", Language.EN)
        page = (made.folder / "report.html").read_text()
        assert "alert(1)" not in page
        msgspec.json.decode((made.folder / "report.json").read_bytes())
