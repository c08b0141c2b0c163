"""What is kept of runs, and what is made of a data folder that somebody touched."""

from __future__ import annotations

import msgspec
import pytest

from rkmend.errors import InputError
from rkmend.web.errors import Refused
from rkmend.web.history import History, held, open_plain
from rkmend.web.records import Asked, State

ASKED = Asked(upload="0123456789abcdef")


@pytest.fixture
def kept(tmp_path):
    """A data folder with a run in every state, and results of the one that is done."""
    history = History(tmp_path)
    for state in State:
        run = history.new(f"{state.value}.onnx", ASKED)
        run.state = state
        history.save(run)
    (done,) = (run for run in history.all() if run.state is State.DONE)
    results = history.folder(done) / "results"
    (results / "trials").mkdir(parents=True)
    (results / "m.rknn").write_bytes(b"RKNN")
    (results / "trials" / "log.txt").write_text("log")
    (history.folder(done) / "events.jsonl").write_text('{"kind":"step"}\n{"kind":"trial"}\n{"ki')
    return tmp_path, history, done


def test_runs_survive_a_restart_and_those_under_way_are_interrupted(kept):
    folder, _, done = kept
    again = History(folder)
    states = {run.name: run.state for run in again.all()}
    assert states.pop("queued.onnx") is State.INTERRUPTED and states.pop("running.onnx") is State.INTERRUPTED
    assert all(name == f"{state.value}.onnx" for name, state in states.items())
    assert again.get(done.id) == done
    assert {run.state for run in History(folder).all()} == set(State) - {State.QUEUED, State.RUNNING}


def test_events_are_read_back_up_to_one_that_was_cut(kept):
    _, history, done = kept
    assert history.events(done) == [{"kind": "step"}, {"kind": "trial"}]


def test_files_are_those_of_the_results(kept):
    _, history, done = kept
    assert list(history.files(done)) == ["m.rknn", "trials/log.txt"]


def test_links_are_not_given_out(kept, tmp_path_factory):
    _, history, done = kept
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("secret")
    results = history.folder(done) / "results"
    (results / "link").symlink_to(outside / "secret")
    (results / "folder").symlink_to(outside)
    assert list(history.files(done)) == ["m.rknn", "trials/log.txt"]
    with pytest.raises(OSError, match=r"link|loop"):
        open_plain(results / "link")


@pytest.mark.parametrize(
    "name", ["..", "../runs", "0123456789ABCDEF", "0123456789abcdef/", "0123456789abcdefa", "", "é" * 16]
)
def test_ids_are_looked_up_and_never_paths(kept, name):
    _, history, _ = kept
    with pytest.raises(Refused, match="no such run"):
        history.get(name)


def test_foreign_things_in_the_folder_are_left_alone(kept, tmp_path_factory):
    folder, history, done = kept
    runs = folder / "runs"
    (runs / "notes").mkdir()
    (runs / "a.txt").write_text("x")
    (runs / ("f" * 16)).mkdir()
    (runs / ("e" * 16)).mkdir()
    (runs / ("e" * 16) / "run.json").write_text("{")
    (runs / ("d" * 16)).mkdir()
    (runs / ("d" * 16) / "run.json").write_bytes(msgspec.json.encode(done))  # says that it is another
    (runs / ("c" * 16)).symlink_to(history.folder(done))
    assert len(History(folder).all()) == len(State)


def test_a_run_is_deleted_with_its_files_and_not_while_it_is_under_way(kept):
    _, history, done = kept
    before = history.bytes
    history.delete(done)
    assert history.bytes < before and not history.folder(done).exists()
    (running,) = (run for run in history.all() if run.state is State.RUNNING)
    with pytest.raises(Refused, match="under way"):
        history.delete(running)


def test_a_data_folder_is_for_one_server(tmp_path):
    with (
        held(tmp_path / "data"),
        pytest.raises(InputError, match="another rkmend serve"),
        held(tmp_path / "data"),
    ):
        pass
    with held(tmp_path / "data"):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"), held(tmp_path / "file" / "data"):
        pass
