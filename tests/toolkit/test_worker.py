"""The warm worker, on the real toolkit: every way a trial can end, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import onnx
import pytest
from models import conv, x_xt_in_a_chain

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.lookahead import Cancelled, Stop
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.worker import Worker

pytestmark = pytest.mark.toolkit


def request(model: Path, folder: Path, **changes):
    folder.mkdir()
    return {
        "folder": str(folder),
        "model": str(model),
        "target": "rk3588",
        "config": {},
        "quantize": False,
        "dataset": None,
        "rknn": str(folder / "model.rknn"),
        "samples": [],
        "output_names": [],
        **changes,
    }


@pytest.fixture(scope="module")
def worker(toolkit):
    with Worker(toolkit) as worker:
        yield worker


def test_a_good_model_is_exported_and_its_output_captured(worker, tmp_path):
    ending = worker.run(request(conv(tmp_path / "m.onnx"), tmp_path / "t"), Limits())
    assert (ending.code, ending.signal, ending.ended_by) == (0, None, "itself")
    assert (tmp_path / "t" / "model.rknn").stat().st_size > 1000
    assert "Network Layer Information Table" in (tmp_path / "t" / "log.txt").read_text()  # native fd 1 output


def test_a_python_exception_is_written_down(worker, tmp_path):
    worker.run(request(tmp_path / "missing.onnx", tmp_path / "t"), Limits())
    assert '"exception"' in (tmp_path / "t" / "diary.jsonl").read_text()


def test_a_segfault_takes_only_the_child(worker, tmp_path):
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    ending = worker.run(request(tmp_path / "m.onnx", tmp_path / "t"), Limits())
    assert ending.signal == signal.SIGSEGV
    assert not list(tmp_path.rglob("core*"))
    again = worker.run(request(conv(tmp_path / "n.onnx"), tmp_path / "u"), Limits())
    assert again.code == 0


def test_the_time_limit(worker, tmp_path):
    big = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)
    ending = worker.run(request(big, tmp_path / "t"), Limits(seconds=0.2))
    assert ending.ended_by == "time limit" and ending.seconds < 5


def test_the_memory_limit(worker, tmp_path):
    big = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)
    assert worker.run(request(big, tmp_path / "t"), Limits(memory_mb=220)).ended_by == "memory limit"


def test_a_trial_is_cancelled_and_the_worker_stays_warm(worker, tmp_path):
    big = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)
    before, during, after = Stop(), Stop(), Stop()
    before.set()
    with pytest.raises(Cancelled):
        worker.run(request(big, tmp_path / "t"), Limits(), before)
    assert not list((tmp_path / "t").iterdir())
    warm = worker._process.pid

    def cancel():
        while not (tmp_path / "u" / "diary.jsonl").exists():
            time.sleep(0.01)
        during.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        worker.run(request(big, tmp_path / "u"), Limits(), during)
    canceller.join()
    assert time.monotonic() - started < 1.5  # it takes longer by itself
    assert not users_of(tmp_path)
    assert worker.run(request(conv(tmp_path / "n.onnx"), tmp_path / "v"), Limits(), after).code == 0
    after.set()
    assert worker.run(request(conv(tmp_path / "n.onnx"), tmp_path / "w"), Limits()).code == 0
    assert worker._process.pid == warm


def test_a_cancel_at_any_moment(worker, tmp_path):
    """However early it comes, the trial is cancelled or comes to its end, and the next is not touched by it."""
    model = conv(tmp_path / "m.onnx")
    for number, delay in enumerate((0.0, 0.0002, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)):
        stop = Stop()
        timer = threading.Timer(delay, stop.set)
        timer.start()
        with contextlib.suppress(Cancelled):
            assert worker.run(request(model, tmp_path / f"{number}"), Limits(), stop).code == 0
        assert worker.run(request(model, tmp_path / f"{number}b"), Limits(), Stop()).code == 0
        timer.join()


def test_a_cancel_that_the_worker_has_read_too_late_means_nothing(worker, tmp_path):
    worker.await_ready()
    for line in (b'{"cancel": 1}\n', b'{"cancel": 1000000}\n{"can', b'cel": 1000001}\n'):
        os.write(worker._process.stdin.fileno(), line)
    assert worker.run(request(conv(tmp_path / "m.onnx"), tmp_path / "t"), Limits()).code == 0


def test_a_trial_killed_from_outside_is_told_apart(worker, tmp_path):
    big = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)

    def kill():
        while not (tmp_path / "t" / "diary.jsonl").exists():
            time.sleep(0.01)
        os.kill(worker._child, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ending = worker.run(request(big, tmp_path / "t"), Limits())
    killer.join()
    assert (ending.signal, ending.ended_by) == (signal.SIGKILL, "outside")


def test_a_dead_worker_is_replaced(worker, tmp_path):
    worker.start()
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert worker.run(request(conv(tmp_path / "m.onnx"), tmp_path / "t"), Limits()).code == 0


def test_an_environment_without_the_toolkit_names_the_doctor(tmp_path):
    with (
        Worker(Toolkit("9.9.9", Path(sys.executable), "x")) as worker,
        pytest.raises(EnvironmentFailure, match="rkmend toolkit doctor"),
    ):
        worker.run(request(tmp_path / "m.onnx", tmp_path / "t"), Limits())


FRONT = """
import json, sys
from pathlib import Path
from rkmend.toolkit.environments import ensure
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.worker import Worker
with Worker(ensure()) as worker:
    worker.run(json.loads(sys.argv[1]), Limits())
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_survives_the_front_process(toolkit, tmp_path, how):
    import json

    big = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)
    front = subprocess.Popen(
        [sys.executable, "-c", FRONT, json.dumps(request(big, tmp_path / "t"))], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "t" / "diary.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    front.send_signal(how)
    front.wait(timeout=60)
    until = time.monotonic() + 10
    while (alive := users_of(tmp_path)) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive == []


def users_of(folder: Path) -> list[int]:
    """The processes that work in a folder or below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(str(folder)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
