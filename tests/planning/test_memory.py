"""What is in memory during each step, against counting it step by step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rkmend.planning.memory import live_bytes

VALUES = st.sets(st.integers(0, 9), max_size=4)


def counted(steps, outputs, sizes):
    """The plain way: a value is there from its first write, or from the start, to its last use."""
    found = []
    for place in range(len(steps)):
        alive = set()
        for value in sizes:
            writes = [step for step, (_reads, written) in enumerate(steps) if value in written]
            uses = [step for step, both in enumerate(steps) if value in both[0] | both[1]]
            begin = min(writes, default=0)
            end = len(steps) if value in outputs else max(uses, default=-1)
            if begin <= place <= end:
                alive.add(value)
        found.append(sum(sizes[value] for value in alive))
    return found


@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8),
    VALUES,
    st.lists(st.integers(0, 99), min_size=10, max_size=10),
)
def test_live_bytes(steps, outputs, sizes):
    known = dict(enumerate(sizes))
    assert live_bytes(steps, outputs, known) == counted(steps, outputs, known)
