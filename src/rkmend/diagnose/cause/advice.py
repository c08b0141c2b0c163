"""Common advice, tried: what a failing model was NOT cured by, and what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.diagnose.cause.conv_advice import conv_advice
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.diagnose.cause.general_advice import general_advice
from rkmend.diagnose.cause.outcome import outcome_of
from rkmend.diagnose.cause.piece import Advice
from rkmend.diagnose.cause.record import Experiment
from rkmend.diagnose.oracle import BudgetSpent, Candidate, Observation, Oracle
from rkmend.graph import InvalidModel

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Advice", "advice", "try_advice"]


def advice(model: ir.Model) -> list[Advice]:
    """The common advice for a failing model; nothing is built or tried yet.

    Args:
        model: The culprit: the failing nodes, cut out with their original sizes and weights, validated. When
            that is a single 2-D Conv, what is said about Convs comes first.
    """
    return [*conv_advice(model), *general_advice(model)]


def try_advice(items: Sequence[Advice], oracle: Oracle, failure: str) -> list[Experiment]:
    """Tries advice, several pieces at once.

    Args:
        items: As many as the budget of the oracle allows are tried, in order.
        oracle: Judges.
        failure: Of the model that the advice is for.

    Returns:
        One Experiment for each item. Those that do not apply, and those that the budget was too small for,
        were not tried; the reason is there.
    """
    asked: list[int] = []
    left_out: dict[int, tuple[str, str]] = {}
    seen: list[Observation] = []
    spent = ""

    def candidates() -> Iterator[Candidate]:
        for number, item in enumerate(items):
            try:
                candidate = Candidate(item.build(), item.change)
            except (CannotBuild, InvalidModel) as error:
                outcome = "not tried" if isinstance(error, CannotBuild) else "no valid model"
                left_out[number] = outcome, error.message
            else:
                asked.append(number)
                yield candidate

    try:
        for _, observation in oracle.observe(candidates()):
            seen.append(observation)
    except BudgetSpent as error:
        spent = error.message
    judged = dict(zip(asked, seen, strict=False))  # what was asked last may be beyond the budget

    def experiment(number: int, item: Advice) -> Experiment:
        observation = judged.get(number)
        if observation is not None:
            outcome, reason = outcome_of(observation, failure), ""
        else:
            outcome, reason = left_out.get(number, ("not tried", spent))
        return Experiment("advice", item.change, outcome, observation, item.exactness.value, reason)

    return [experiment(number, item) for number, item in enumerate(items)]
