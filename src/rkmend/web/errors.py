"""Refusals: what the server does not do, with the HTTP status that says so."""

from __future__ import annotations

from rkmend.web.records import Problem, told


class Refused(Exception):
    """A request that is not carried out.

    Args:
        status: Of HTTP.
        message: What is wrong, in English; known sentences are told in Chinese as well.
        hint: What to do about it.
    """

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(told(message), told(hint))


class Failed(Exception):
    """A task that the process for it could not carry out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message.en)
        self.problem = problem
