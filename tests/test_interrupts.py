"""Interrupts where CPython drops exceptions, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

SWALLOWED = """
import signal, sys, time
{keep}

class Swallows:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

try:
    Swallows()
    time.sleep({seconds})
except KeyboardInterrupt:
    sys.exit(130)
"""
KEEP = "from rkmend.interrupts import keep_interrupts; keep_interrupts()"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_cpython_drops_an_interrupt_in_a_destructor():
    """What this is for; if it fails, `interrupts.py` can go."""
    done = run(SWALLOWED.format(keep="", seconds=0.2))
    assert done.returncode == 0 and "KeyboardInterrupt" in done.stderr


def test_it_comes_again():
    done = run(SWALLOWED.format(keep=KEEP, seconds=120))
    assert done.returncode == 130 and done.stderr == ""


def test_other_exceptions_are_told_as_before():
    code = f"{KEEP}\nclass Fails:\n    def __del__(self): raise ValueError('other')\nFails()"
    assert "ValueError: other" in run(code).stderr


def test_late_in_the_life_of_the_process():
    """The destructor runs while the interpreter ends: nothing is left to interrupt, and nothing is said."""
    done = run(SWALLOWED.format(keep=KEEP, seconds=0).replace("    Swallows()", "    kept = Swallows()"))
    assert done.stderr == ""
