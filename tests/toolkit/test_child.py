"""A child never outlives the call."""

import fcntl
import os
import sys
import time
from pathlib import Path

import pytest

from rkmend.toolkit import child

# Starts a grandchild, prints its process id and waits for it.
FAMILY = """
import subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, flush=True)
grandchild.wait()
"""


def gone(pid: int) -> bool:
    """Whether a process ends within two seconds; one that nobody has waited for yet counts as ended."""
    for _ in range(40):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_both_streams_are_read_line_by_line(tmp_path):
    seen = []
    script = "import os, sys; print(os.getcwd()); print(os.environ['A'], file=sys.stderr); sys.exit(7)"
    status, lines = child.run(
        [sys.executable, "-u", "-c", script], cwd=tmp_path, env={"A": "b"}, on_line=seen.append
    )
    assert status == 7
    assert lines == seen == [str(tmp_path), "b"]


def test_a_time_limit_ends_the_whole_family(tmp_path):
    status, lines = child.run([sys.executable, "-c", FAMILY], cwd=tmp_path, env=dict(os.environ), timeout=1.5)
    assert status == -9
    assert gone(int(lines[0]))


def test_an_interruption_ends_the_whole_family(tmp_path):
    pids = []

    def interrupt(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.run([sys.executable, "-c", FAMILY], cwd=tmp_path, env=dict(os.environ), on_line=interrupt)
    assert gone(pids[0])


def test_a_lock_stays_held_while_the_child_lives(tmp_path):
    """Also when the process that took it is gone: here it lets go of the lock while the child runs."""
    lock = (tmp_path / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    refused = []

    def let_go(_line):
        lock.close()
        with (tmp_path / "lock").open("w") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append(True)

    script = "import time; print('here', flush=True); time.sleep(0.2)"
    command = [sys.executable, "-c", script]
    child.run(command, cwd=tmp_path, env={}, on_line=let_go, keep_open=[lock.fileno()])
    assert refused
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
