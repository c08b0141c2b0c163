"""Lookahead: whatever the jobs do, the results come in order, and nothing is left running."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.toolkit.lookahead import AHEAD, Cancelled, Lookahead, Stop


class Sleep:
    """Waits, unless it is cancelled, then gives its number, or raises what it was told to."""

    def __init__(
        self, number: int, seconds: float = 0.0, error: Exception | None = None, *, at="run"
    ) -> None:
        self.number, self.seconds, self.error, self.at = number, seconds, error, at
        self.stop = threading.Event()
        self.state = "made"

    def run(self) -> None:
        self.state = "running"
        if self.stop.wait(self.seconds):
            self.state = "cancelled"
            raise Cancelled
        self.state = "done"
        if self.error and self.at == "run":
            raise self.error

    def cancel(self) -> None:
        self.stop.set()

    def result(self) -> int:
        if self.error:
            raise self.error
        return self.number


class Broken(Exception):
    pass


@settings(max_examples=60, deadline=None)
@given(
    delays=st.lists(st.integers(0, 3), max_size=12),
    width=st.integers(1, 4),
    fails=st.none() | st.tuples(st.integers(0, 11), st.sampled_from(["run", "result", "draw"])),
    taken=st.integers(0, 12),
)
def test_as_if_one_after_another(delays, width, fails, taken):
    """Results and exceptions are those of a plain loop; never more than `width` run; the rest is cancelled."""
    jobs: list[Sleep] = []
    most = 0

    def draw():
        nonlocal most
        for number, delay in enumerate(delays):
            at = fails[1] if fails and fails[0] == number else ""
            if at == "draw":
                raise Broken
            most = max(most, sum(job.state == "running" for job in jobs) + 1)
            jobs.append(Sleep(number, delay / 1000, Broken() if at else None, at=at))
            yield jobs[-1]

    wanted = len(delays) if fails is None or fails[0] >= len(delays) else fails[0]
    results = Lookahead(width).results(draw())
    given_out = []
    try:
        for result in results:
            given_out.append(result)
            if len(given_out) > taken:
                break
        ended = "all" if len(given_out) == len(delays) else "left"
    except Broken:
        ended = "broken"
    results.close()
    assert given_out == list(range(min(wanted, taken + 1)))
    assert (ended == "broken") is (wanted < len(delays) and taken >= wanted)
    assert most <= width
    assert all(job.state in ("done", "cancelled") for job in jobs)


def test_jobs_are_drawn_only_when_a_thread_is_free():
    drawn = []

    def draw():
        for number in range(100):
            drawn.append(number)
            yield Sleep(number, 0.05 if number == 0 else 0.0)

    results = Lookahead(2).results(draw())
    assert not drawn  # nobody has asked yet
    assert next(results) == 0
    assert len(drawn) <= 2 * AHEAD  # the first was slow, and the other thread did not run away
    before = len(drawn)
    time.sleep(0.02)
    assert len(drawn) == before  # nor does anything happen while nobody waits
    results.close()


def test_they_run_at_the_same_time():
    """Three that meet at a barrier: one after another they would wait for ever."""
    barrier = threading.Barrier(3, timeout=10)

    class Meet(Sleep):
        def run(self) -> None:
            barrier.wait()

    assert list(Lookahead(3).results(Meet(number) for number in range(3))) == [0, 1, 2]


def test_close_finds_what_an_exception_left_open():
    lookahead = Lookahead(2)
    jobs = [Sleep(0, 0.05), Sleep(1, 60), Sleep(2, 60)]
    results = lookahead.results(jobs)
    assert next(results) == 0
    started = time.monotonic()
    lookahead.close()
    assert time.monotonic() - started < 1
    assert list(results) == [] and jobs[1].state == "cancelled"


def test_a_job_that_cannot_be_cancelled_does_not_hold_up_the_rest():
    class Stubborn(Sleep):
        def cancel(self) -> None:
            pass

    results = Lookahead(2).results([Sleep(0, 0.05), Stubborn(1, 4)])
    next(results)
    next_up = threading.Thread(target=results.close)
    next_up.start()
    next_up.join(3)
    assert not next_up.is_alive()


def test_a_stop_comes_neither_too_early_nor_too_late():
    heard = []
    early, late = Stop(), Stop()
    early.set()
    with early.calls(lambda: heard.append("early")):
        assert heard == ["early"]
    with late.calls(lambda: heard.append("late")):
        pass
    late.set()
    assert heard == ["early"]
    with pytest.raises(Cancelled):
        late.check()


INTERRUPTED = """
    import os, signal, threading
    from rkmend.toolkit.lookahead import Lookahead, Stop

    class Wait:
        def __init__(self):
            self.event = threading.Event()
        def run(self):
            self.event.wait(60)
            os.write(1, b"cleared up\\n")
        def cancel(self):
            self.event.set()

    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        next(Lookahead(3).results(Wait() for _ in range(5)))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_wait_and_the_jobs():
    script = [sys.executable, "-c", textwrap.dedent(INTERRUPTED)]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=20)
    assert ended.stdout.splitlines() == ["cleared up"] * 3 + ["interrupted"]
    assert ended.returncode == 0 and not ended.stderr
