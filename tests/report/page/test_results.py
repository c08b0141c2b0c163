"""Results folders opened again: moved, renamed, damaged, without their model."""

from __future__ import annotations

import json
import shutil

import onnx
import pytest
from graphs import linear, relu
from page_results import results

from rkmend.errors import InputError
from rkmend.report.page.results import Results


@pytest.fixture
def made(tmp_path) -> Results:
    return results(linear(tmp_path / "m.onnx"), logs={"01-the-model-as-it-is": b"log"})


def test_files_are_found_where_they_were_written(made):
    assert made.file("trials") == made.folder / "trials"
    assert made.file("report") == made.folder / "report.json"
    assert made.file("rknn") is None
    assert made.model() == made.folder.parent / "m.onnx"


def test_files_are_found_when_the_folder_was_moved_with_the_model(made, tmp_path):
    moved = tmp_path / "elsewhere" / "renamed"
    moved.parent.mkdir()
    shutil.move(made.folder, moved)
    shutil.move(tmp_path / "m.onnx", moved.parent / "m.onnx")
    again = Results.read(moved)
    assert again.file("trials") == moved / "trials"
    assert again.model() == moved.parent / "m.onnx"


def test_the_model_may_lie_within_the_folder(made, tmp_path):
    shutil.move(tmp_path / "m.onnx", made.folder / "m.onnx")
    assert made.model() == made.folder / "m.onnx"


def test_a_file_that_was_deleted_is_gone(made):
    shutil.rmtree(made.folder / "trials")
    assert made.file("trials") is None


def test_another_model_under_the_same_name_is_not_taken_for_it(made, tmp_path):
    onnx.save(relu(), tmp_path / "m.onnx")
    assert made.model() is None
    (tmp_path / "m.onnx").write_bytes(b"no model")
    assert made.model() is None
    (tmp_path / "m.onnx").unlink()
    assert made.model() is None


def test_a_model_whose_weights_changed_is_another_one(tmp_path):
    made = results(linear(tmp_path / "m.onnx", external="m.bin"))
    assert made.model() is not None
    linear(tmp_path / "m.onnx", external="m.bin", seed=1)
    assert made.model() is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no report.json in it"),
        (b"", "damaged"),
        (b'{"schema": 3}', "damaged"),
        (b'{"schema": "rkmend-report/1"}', "missing required field"),
        (b'{"schema": "rkmend-report/99"}', "rkmend-report/99"),
        (b"\xff\xfe", "damaged"),
    ],
)
def test_no_results(tmp_path, content, words):
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(InputError, match=words):
        Results.read(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder") as found:
        Results.read(tmp_path / "nowhere")
    assert "rkmend convert" in found.value.hint


def test_a_report_that_was_cut_short(made):
    path = made.folder / "report.json"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged"):
        Results.read(made.folder)


def test_paths_in_a_report_cannot_lead_out_of_the_folder(made, tmp_path):
    (tmp_path / "secret").write_text("x")
    report = json.loads((made.folder / "report.json").read_text())
    report["files"]["rknn"] = "../secret"
    report["files"]["repro"] = str(tmp_path / "secret")
    (made.folder / "report.json").write_text(json.dumps(report))
    again = Results.read(made.folder)
    assert again.file("rknn") is None
    assert again.file("repro") is None
