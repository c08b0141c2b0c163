"""One run of a command: what comes back of it, and that nothing stays."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from rkmend.diagnose.command import KEEP, run_command
from rkmend.errors import InputError
from rkmend.toolkit.lookahead import Cancelled, Stop


def run(folder: Path, script: str, seconds: float = 20.0):
    return run_command(["sh", "-c", script], folder, seconds, Stop())


def users_of(folder: Path) -> list[Path]:
    """The processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(entry)
        except OSError:
            continue
    return found


def test_status_and_both_streams(tmp_path):
    ended = run(tmp_path, "echo out; echo err >&2; cat; exit 3")
    assert (ended.status, ended.output) == (3, "out\nerr\n")  # and cat has found nothing to read
    assert run(tmp_path, "kill -SEGV $$").status == -signal.SIGSEGV
    assert run(tmp_path, "printf '\\377\\376ok'").output == "\ufffd\ufffdok"


@pytest.mark.parametrize("script", ["sleep 60", "exec >&- 2>&-; sleep 60", "sleep 60 & wait"])
def test_the_time_limit(tmp_path, script):
    ended = run(tmp_path, script, 0.3)
    assert ended.status is None and 0.3 <= ended.seconds < 5
    assert not users_of(tmp_path)


@pytest.mark.parametrize("script", ["sleep 60 &", "setsid sleep 60 &", "trap '' TERM HUP; sleep 60 & exit 0"])
def test_no_grandchild_is_left_behind_nor_waited_for(tmp_path, script):
    ended = run(tmp_path, f"{script}\necho done")
    assert ended.status == 0 and ended.seconds < 10
    assert not users_of(tmp_path)


def test_gigabytes_of_output(tmp_path):
    """`yes` prints gigabytes a second: time and memory are those of what is kept, and nothing touches the disk."""
    ended = run(tmp_path, "echo first; yes", 1.0)
    assert ended.status is None and ended.output.startswith("first\ny\n") and ended.output.endswith("y\n")
    assert len(ended.output) < 2 * KEEP + (1 << 17)  # and one read more, at most
    assert "bytes left out" in ended.output
    assert not list(tmp_path.iterdir())


def test_head_and_tail_are_exact(tmp_path):
    count = 3 * KEEP // 8
    script = f"import sys\nfor i in range({count}): sys.stdout.write('%07d\\n' % i)"
    ended = run_command([sys.executable, "-c", script], tmp_path, 60, Stop())
    head, _, tail = ended.output.partition("\n...")
    gap, tail = tail.split(" bytes left out ...\n")
    assert (head + "\n").startswith("0000000\n") and tail.endswith(f"{count - 1:07}\n")
    assert len(head) + int(gap) + len(tail) == 8 * count and len(tail) >= KEEP


def test_it_is_cancelled_before_and_while_it_runs(tmp_path):
    early, late = Stop(), Stop()
    early.set()
    with pytest.raises(Cancelled):
        run_command(["sleep", "60"], tmp_path, 60, early)
    started = time.monotonic()
    threading.Timer(0.2, late.set).start()
    with pytest.raises(Cancelled):
        run_command(["sleep", "60"], tmp_path, 60, late)
    assert time.monotonic() - started < 5 and not users_of(tmp_path)


def test_what_cannot_be_started(tmp_path):
    script = tmp_path / "check"
    script.write_text("no first line")
    script.chmod(0o755)
    with pytest.raises(InputError, match=r"cannot be started.*Exec format"):
        run_command([str(script)], tmp_path, 60, Stop())
