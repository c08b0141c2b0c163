"""The workers of a run: who is lent, who is waited for, and how waiting ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.lookahead import Cancelled, Stop
from rkmend.toolkit.workers import Workers

pytestmark = pytest.mark.toolkit


def test_what_is_warm_is_lent_before_what_still_imports(toolkit):
    workers = Workers(2)
    try:
        with workers.borrow(toolkit, Stop()) as first:
            first.await_ready()
            taken = []

            def second():
                with workers.borrow(toolkit, Stop()) as worker:
                    taken.append((worker, time.monotonic()))

            waiting = threading.Thread(target=second)
            waiting.start()
            time.sleep(0.3)
        freed = time.monotonic()
        waiting.join()
        assert (
            taken[0][0] is first and taken[0][1] - freed < 0.5
        )  # an import takes 2.4 s, and this one has had 0.3
    finally:
        workers.close()


@pytest.mark.parametrize("how", ["stop", "close"])
def test_waiting_ends(toolkit, how):
    workers, stop = Workers(1), Stop()
    with workers.borrow(toolkit, Stop()):
        threading.Timer(0.1, stop.set if how == "stop" else workers.close).start()
        with pytest.raises(Cancelled), workers.borrow(toolkit, stop):
            pytest.fail("lent twice")
    workers.close()
    with pytest.raises(Cancelled), workers.borrow(toolkit, Stop()):
        pytest.fail("lent after the end")


def test_an_environment_that_is_broken_is_told_each_time(tmp_path):
    workers, broken = Workers(1), Toolkit("9.9.9", tmp_path / "no-python", "x")
    for _ in range(2):
        with pytest.raises(EnvironmentFailure, match=r"rkmend toolkit doctor 9\.9\.9"):
            workers.warm(broken)
        with pytest.raises(EnvironmentFailure), workers.borrow(broken, Stop()):
            pytest.fail("lent all the same")


def test_none_is_left(toolkit):
    workers = Workers(2)
    with workers.borrow(toolkit, Stop()) as one, workers.borrow(toolkit, Stop()) as other:
        pids = [one._process.pid, other._process.pid]
        assert len(set(pids)) == 2
    started = time.monotonic()
    workers.close()
    assert time.monotonic() - started < 1.9
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
