"""`rkmend report` as a user meets it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from graphs import linear
from page_results import results


def rkmend_report(folder: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rkmend", "report", str(folder), *more]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    return results(linear(tmp_path / "m.onnx"), logs={"01": b"log"}).folder


def test_the_page_is_written_into_the_folder(folder):
    done = rkmend_report(folder, LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder / 'report.html'} (")
    assert '<html lang="en">' in (folder / "report.html").read_text()


def test_the_language_is_asked_for_or_that_of_the_locale(folder, tmp_path):
    rkmend_report(folder, "--lang", "zh", "--out", str(tmp_path / "a.html"), LC_ALL="C")
    rkmend_report(folder, "--out", str(tmp_path / "b.html"), LC_ALL="zh_CN.UTF-8")
    for name in ("a.html", "b.html"):
        assert '<html lang="zh-CN">' in (tmp_path / name).read_text()
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "holds no results"), ("{", "damaged"), ('{"schema": "other"}', "'other'")]
)
def test_what_are_no_results_is_said(tmp_path, content, words):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    done = rkmend_report(tmp_path)
    assert done.returncode == 2
    assert words in done.stderr and "help:" in done.stderr and "Traceback" not in done.stderr


def test_a_page_that_cannot_be_written(folder, tmp_path):
    done = rkmend_report(folder, "--out", str(tmp_path / "nowhere" / "page.html"))
    assert done.returncode == 2 and "cannot write" in done.stderr and "Traceback" not in done.stderr
    done = rkmend_report(folder, "--out", str(tmp_path))
    assert done.returncode == 2 and "is a folder" in done.stderr


def test_exports_name_their_files(folder, tmp_path):
    done = rkmend_report(folder, "--export", "netron")
    assert done.stdout.split() == [str(folder / "m.original.netron.json")]
    done = rkmend_report(folder, "--export", "model-explorer", "--out", str(tmp_path / "new"))
    assert [Path(line).name for line in done.stdout.split()] == [
        "m.model-explorer.json",
        "m.cycles.node-data.json",
    ]
    assert all(Path(line).is_file() for line in done.stdout.split())


def test_netron_runs_until_it_is_interrupted(folder):
    pytest.importorskip("netron")
    command = [sys.executable, "-u", "-m", "rkmend", "report", str(folder), "--netron"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        line = running.stdout.readline()
        found = re.fullmatch(r"original +(http://127\.0\.0\.1:\d+)\n", line)
        assert found, line + running.stderr.read()
        with urllib.request.urlopen(f"{found[1]}/data/original.onnx", timeout=20) as answer:
            assert b"rkmend" in answer.read()  # the facts are in it
        assert "Ctrl-C" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
        assert "Traceback" not in running.stderr.read()


def test_netron_without_any_model(folder):
    (folder.parent / "m.onnx").unlink()
    done = rkmend_report(folder, "--netron")
    assert done.returncode == 2 and "neither the model" in done.stderr
    assert "m.onnx is not there any more" in done.stderr
