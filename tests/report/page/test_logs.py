"""Logs of trials: whole where they are short, head and tail where they are long, less of each where there are many."""

from __future__ import annotations

from pathlib import Path

from rkmend.report.page.logs import LEAST, LONGEST, read_logs


def write(folder: Path, trial: str, data: bytes) -> None:
    (folder / trial).mkdir()
    (folder / trial / "log.txt").write_bytes(data)


def test_a_short_log_is_whole(tmp_path):
    write(tmp_path, "01", "编译 \u2028 ok\n".encode())
    (log,) = read_logs(tmp_path, ["01"])
    assert (log.folder, log.text, log.cut) == ("01", "编译 \u2028 ok\n", False)


def test_a_long_log_keeps_both_ends_and_says_so(tmp_path):
    lines = [f"line {number:07}\n".encode() for number in range(100_000)]
    write(tmp_path, "01", b"".join(lines))
    (log,) = read_logs(tmp_path, ["01"])
    assert log.cut and log.bytes == 13 * 100_000
    assert log.text.startswith("line 0000000\n") and log.text.endswith("line 0099999\n")
    assert f"{log.bytes - LONGEST:,} bytes left out" in log.text
    assert len(log.text) < LONGEST + 100


def test_many_logs_share_the_room(tmp_path):
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        write(tmp_path, name, b"x" * LONGEST)
    logs = read_logs(tmp_path, names, most=200_000)
    assert len(logs) == 100 and all(log.cut for log in logs)
    assert (
        sum(len(log.text) for log in logs) < 200_000 + 100 * 100
    )  # and a line each that says what is left out


def test_some_of_each_is_kept_in_any_case(tmp_path):
    write(tmp_path, "01", b"x" * LONGEST)
    (log,) = read_logs(tmp_path, ["01"], most=0)
    assert len(log.text) >= LEAST


def test_what_is_no_text_or_is_gone(tmp_path):
    write(tmp_path, "01", b"\xff\x00binary")
    (log,) = read_logs(tmp_path, ["01", "02"])
    assert log.text == "\ufffd\x00binary"
