"""The trial cache: what it remembers, what it never does, and two runs at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from rkmend.errors import InputError
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict

CONVERTED = Verdict(
    outcome=Outcome.CONVERTED,
    stage=Stage.DONE,
    signature=None,
    message="",
    layers=(),
    memory_kb={},
    agreement=(),
    notes=(),
    seconds=1.0,
    stage_seconds={},
)


def failed(outcome: Outcome) -> Verdict:
    signature = Signature(Stage.BUILD, outcome.value, "")
    return msgspec.structs.replace(
        CONVERTED, outcome=outcome, stage=Stage.BUILD, signature=signature, seconds=5.0
    )


@pytest.fixture
def files(tmp_path):
    log, rknn = tmp_path / "log.txt", tmp_path / "model.rknn"
    log.write_text("what the toolkit said")
    return log, rknn


def test_a_trial_is_remembered_with_its_files(tmp_path, files):
    log, rknn = files
    rknn.write_bytes(b"RKNN")
    cache = TrialCache(tmp_path / "cache")
    cache.put("k", CONVERTED, log, rknn)
    out_log, out_rknn = tmp_path / "log2", tmp_path / "rknn2"
    verdict = TrialCache(tmp_path / "cache").get("k", Limits(), out_log, out_rknn)
    assert verdict == msgspec.structs.replace(CONVERTED, cached=True)
    assert out_log.read_text() == "what the toolkit said" and out_rknn.read_bytes() == b"RKNN"
    assert cache.get("other", Limits(), out_log, out_rknn) is None


@pytest.mark.parametrize("outcome", [Outcome.KILLED, Outcome.EXHAUSTED])
def test_what_the_machine_did_is_never_remembered(tmp_path, files, outcome):
    cache = TrialCache(tmp_path / "cache")
    cache.put("k", failed(outcome), *files)
    assert cache.get("k", Limits(), tmp_path / "a", tmp_path / "b") is None


def test_a_hang_is_remembered_only_for_as_long_as_it_hung(tmp_path, files):
    cache = TrialCache(tmp_path / "cache")
    cache.put("k", failed(Outcome.HUNG), *files)
    assert cache.get("k", Limits(seconds=5), tmp_path / "a", tmp_path / "b")
    assert cache.get("k", Limits(seconds=6), tmp_path / "a", tmp_path / "b") is None


def test_a_converted_trial_whose_file_is_gone_is_forgotten(tmp_path, files):
    log, rknn = files
    rknn.write_bytes(b"RKNN")
    cache = TrialCache(tmp_path / "cache")
    cache.put("k", CONVERTED, log, rknn)
    for blob in (tmp_path / "cache").rglob("*.rknn"):
        blob.unlink()
    assert cache.get("k", Limits(), tmp_path / "a", tmp_path / "b") is None


def test_the_folder_stays_under_its_bound(tmp_path, files, monkeypatch):
    log, rknn = files
    rknn.write_bytes(bytes(600 << 10))
    monkeypatch.setenv("RKMEND_CACHE_MB", "1")
    cache = TrialCache(tmp_path / "cache")
    for key in ("old", "new"):
        cache.put(key, CONVERTED, log, rknn)
    assert cache.get("old", Limits(), tmp_path / "a", tmp_path / "b") is None
    assert cache.get("new", Limits(), tmp_path / "a", tmp_path / "b")


def test_a_cache_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--no-cache"):
        TrialCache(tmp_path / "file")


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_cache import CONVERTED
from rkmend.toolkit.cache import TrialCache
log = Path(sys.argv[1]) / f"log{sys.argv[2]}"
log.write_text("x" * 1000)
cache = TrialCache(Path(sys.argv[1]) / "cache")
for number in range(60):
    cache.put(f"{number}-{sys.argv[2]}", CONVERTED, log, Path("/nowhere"))
    cache.put(f"shared-{number}", CONVERTED, log, Path("/nowhere"))
"""


def test_two_processes_write_at_once(tmp_path):
    here = str(Path(__file__).parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number), here])
        for number in (1, 2)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    import sqlite3

    with sqlite3.connect(tmp_path / "cache" / "index.sqlite") as database:
        assert database.execute("select count(*) from trials").fetchone() == (180,)
