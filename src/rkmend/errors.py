"""The errors a user can meet. Each says what is wrong, where, and what to do; the CLI prints it without a traceback.

Exit statuses of the command line: 0 done, 1 the model could not be converted or differs, 2 usage or bad
input, 3 the toolkit environment cannot be made or used, 130 interrupted.
"""

from __future__ import annotations


class RkmendError(Exception):
    """Base of every error that rkmend raises on purpose.

    Args:
        message: What is wrong and where.
        hint: What to do about it; printed on a line of its own.
        rule: Code of the rule whose page says more.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", rule: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(RkmendError):
    """The model, an argument or a file the user gave cannot be used."""

    exit_code = 2


class EnvironmentFailure(RkmendError):
    """A toolkit environment cannot be made, or the one there is does not work."""

    exit_code = 3
