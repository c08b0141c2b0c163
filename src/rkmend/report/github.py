"""Findings as workflow commands, which GitHub shows as annotations of a pull request."""

from __future__ import annotations

from rkmend.checking import Checked
from rkmend.report.findings import help_of, merged, standing_alone
from rkmend.report.text import printable
from rkmend.rules.base import Level
from rkmend.words import ENGLISH, Say

COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.ADVICE: "notice"}


def github(checked: Checked, say: Say = ENGLISH) -> str:
    """A command a line."""
    lines = []
    for told in merged(checked.findings):
        found = told.found
        title = f"{found.code} {found.name} ({', '.join(told.targets)})"
        text = [standing_alone(found, say), *([help_of(found, say)] if found.mend else ())]
        lines.append(_command(COMMANDS[found.level], found.model, title, "\n".join(text)))
    for one in checked.unchecked:
        lines.append(_command("warning", one.model, say("not checked"), one.message))
    return "\n".join(lines)


def _command(command: str, file: str, title: str, message: str) -> str:
    return f"::{command} file={_property(file)},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """The message of a workflow command; a line break is part of it, and no command of a model's making follows."""
    lines = "\n".join(map(printable, text.split("\n")))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
