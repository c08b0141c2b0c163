"""What a reduction leaves on disk, whenever it ends, and what the next one makes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import onnx_ir as ir
import pytest
from graphs import linear
from models import chain

from rkmend.diagnose.reduction.checkpoint import FOLDER, Checkpoint, under_way
from rkmend.errors import InputError
from rkmend.graph import digest_ir, load


def relus(number: int) -> ir.Model:
    return ir.from_proto(chain(number))


def names(out: Path) -> set[str]:
    return {path.name for path in (out / FOLDER).iterdir()}


def test_nothing_is_made_before_there_is_something_to_keep(tmp_path):
    checkpoint = Checkpoint(tmp_path, "q")
    assert checkpoint.resume() is None and checkpoint.culprit() is None
    checkpoint.leave()
    assert not list(tmp_path.iterdir()) and not under_way(tmp_path)


def test_it_goes_on_with_the_smallest_model(tmp_path):
    first = Checkpoint(tmp_path, "q")
    first.keep_culprit(relus(3))
    first.state.origins = {"relu": "relu0"}
    first.save(relus(2), "one went")
    first.save(relus(1), "another went")
    first.leave()
    assert under_way(tmp_path)
    assert names(tmp_path) == {"state.json", "best-2.onnx", "culprit.onnx"}
    second = Checkpoint(tmp_path, "q")
    assert len(second.resume().graph) == 1 and len(second.culprit().graph) == 3
    assert second.state.steps == ["one went", "another went"] and second.state.origins == {"relu": "relu0"}
    second.finish()
    assert not under_way(tmp_path) and not list(tmp_path.iterdir())


def test_the_culprit_is_the_first_one(tmp_path):
    checkpoint = Checkpoint(tmp_path, "q")
    checkpoint.keep_culprit(relus(3))
    checkpoint.keep_culprit(relus(1))
    assert len(checkpoint.culprit().graph) == 3


def test_a_crash_between_model_and_state_costs_one_step(tmp_path):
    Checkpoint(tmp_path, "q").save(relus(2), "one went")
    onnx.save(chain(1), tmp_path / FOLDER / "best-2.onnx")  # its state was not written any more
    again = Checkpoint(tmp_path, "q")
    assert len(again.resume().graph) == 2 and again.state.steps == ["one went"]


def test_large_weights_of_the_resumed_model_outlive_the_next_steps(tmp_path, monkeypatch):
    """They are read when they are needed, from a file that the next step must not replace or remove."""
    saving = sys.modules["rkmend.graph.save"]  # the package has a function of that name
    monkeypatch.setattr(saving, "EXTERNAL_FROM", 0)
    monkeypatch.setattr(saving, "SMALL", 0)
    given = load(linear(tmp_path / "given.onnx")).ir
    out = tmp_path / "out"
    Checkpoint(out, "q").save(given, "a step")
    again = Checkpoint(out, "q")
    resumed = again.resume()
    digest = digest_ir(resumed)
    for step in ("a second", "a third"):
        again.save(resumed.clone(), step)
    assert digest_ir(load(out / FOLDER / "best-3.onnx").ir) == digest
    assert {"best-1.onnx.data", "best-3.onnx.data"} <= names(out) and "best-2.onnx.data" not in names(out)
    array = resumed.graph.initializers["w"].const_value.numpy()
    assert (array == given.graph.initializers["w"].const_value.numpy()).all()


def test_another_reduction_is_not_overwritten(tmp_path):
    Checkpoint(tmp_path, "q").save(relus(2), "one went")
    with pytest.raises(InputError, match="holds an unfinished reduction of another model") as told:
        Checkpoint(tmp_path, "another q")
    assert "--force" in told.value.hint and "--out" in told.value.hint
    assert len(Checkpoint(tmp_path, "q").resume().graph) == 2
    assert Checkpoint(tmp_path, "another q", force=True).resume() is None
    assert not under_way(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"question": 1}'])
def test_a_damaged_state_is_no_reduction(tmp_path, content):
    Checkpoint(tmp_path, "q").save(relus(2), "one went")
    (tmp_path / FOLDER / "state.json").write_bytes(content)
    assert Checkpoint(tmp_path, "q").resume() is None


def test_a_damaged_model_is_told(tmp_path):
    Checkpoint(tmp_path, "q").save(relus(2), "one went")
    (tmp_path / FOLDER / "best-1.onnx").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"best-1\.onnx"):
        Checkpoint(tmp_path, "q").resume()


def test_answers_of_a_check_command_alone_are_not_kept(tmp_path):
    checkpoint = Checkpoint(tmp_path, "q")
    checkpoint.memory.write_text("an answer\n")
    assert under_way(tmp_path)
    checkpoint.leave()
    assert not list(tmp_path.iterdir())


def test_a_folder_with_results_is_not_under_way(tmp_path):
    Checkpoint(tmp_path, "q").save(relus(1), "a step")
    (tmp_path / "repro.onnx").touch()
    assert not under_way(tmp_path) and not under_way(tmp_path / "nowhere")
