"""What came of an experiment, in the words of the report."""

from __future__ import annotations

from rkmend.diagnose.oracle import Observation


def outcome_of(observation: Observation, failure: str) -> str:
    """`converted`, `fails alike` or `fails otherwise`; see `Experiment.outcome`.

    A failure that another version words otherwise is another failure: nothing shows that it is the same.
    """
    if observation.failure is None:
        return "converted"
    return "fails alike" if observation.failure == failure else "fails otherwise"
