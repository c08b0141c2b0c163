"""Bisection over steps, whatever the steps are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rkmend.mend.bisect import first_guilty


@given(st.integers(1, 200), st.data())
def test_the_step_after_which_it_stays_wrong_is_found_in_few_questions(steps, data):
    guilty = data.draw(st.integers(0, steps - 1))
    asked = []

    def agrees(number: int) -> bool:
        asked.append(number)
        return number <= guilty

    assert first_guilty(steps, agrees) == guilty
    assert len(asked) == len(set(asked)) <= 2 + steps.bit_length()


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_step_that_is_blamed_made_it_wrong(right):
    """Also where it goes wrong and right again on the way."""
    found = first_guilty(len(right) - 1, right.__getitem__)
    if found is None:
        assert right[-1] or not right[0]
    else:
        assert right[found] and not right[found + 1]
