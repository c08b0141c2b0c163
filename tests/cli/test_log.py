from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recorded_logs import FOLDER, recorded
from rkmend.cli.log import LIMIT_MB


def rkmend_log(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "rkmend", "log", *arguments], input=stdin, capture_output=True
    )


def test_a_file() -> None:
    done = rkmend_log(str(FOLDER / "2.3.2-seed.log"))
    assert done.returncode == 0
    assert done.stdout.decode() == (FOLDER / "2.3.2-seed.story.txt").read_text()
    assert done.stderr == b""


def test_standard_input() -> None:
    done = rkmend_log("-", stdin=recorded("2.3.2-seed").encode())
    assert done.returncode == 0
    assert b"Conv 1x1, stride 1, input 384x126x1198, output 128x128x1200, pads t1 b1 l1 r1" in done.stdout
    assert b"rkmend rule RKM101" in done.stdout


def test_powershell_writes_utf_16() -> None:
    done = rkmend_log("-", stdin=recorded("2.3.2-opset").encode("utf-16"))
    assert done.returncode == 0
    assert b"opset" in done.stdout


def test_stray_bytes_do_not_matter() -> None:
    done = rkmend_log("-", stdin=b"\xff\xc3(" + recorded("2.3.2-seed").encode())
    assert done.returncode == 0


def test_json() -> None:
    done = rkmend_log("--format", "json", str(FOLDER / "2.3.2-seed.log"))
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["stage"] == "build"
    assert report["config_failures"][0]["node"] == "/lila2/conv/conv/Conv"
    assert report["sightings"][0]["kind"]["code"] == "config-layer"


def test_no_colours_where_nobody_looks() -> None:
    assert b"\x1b" not in rkmend_log(str(FOLDER / "2.3.2-seed.log")).stdout


@pytest.mark.parametrize("text", [b"", b"hello\n"])
def test_what_is_no_log(text: bytes) -> None:
    done = rkmend_log("-", stdin=text)
    assert done.returncode == 1
    assert b"looks for lines such as" in done.stdout


def refused(path: str | Path, words: str) -> None:
    done = rkmend_log(str(path))
    assert done.returncode == 2
    assert done.stdout == b""
    message = done.stderr.decode()
    assert words in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 2  # what is wrong, and what to do


def test_missing(tmp_path: Path) -> None:
    refused(tmp_path / "missing.log", "No such file or directory")


def test_a_folder(tmp_path: Path) -> None:
    refused(tmp_path, "Is a directory")


def test_binary(tmp_path: Path) -> None:
    path = tmp_path / "model.rknn"
    path.write_bytes(b"RKNN\0\0\0\x06" * 100)
    refused(path, "is not a text file")


def test_huge(tmp_path: Path) -> None:
    path = tmp_path / "huge.log"
    with path.open("wb") as stream:
        stream.truncate(LIMIT_MB * 2**20 + 1)
    refused(path, f"is larger than {LIMIT_MB} MB")


def test_usage() -> None:
    assert rkmend_log().returncode == 2
    assert rkmend_log("--format", "xml", "-").returncode == 2
