"""Options that mean the same in every command that runs trials; each is a decorator."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rkmend.words import Language


def _language(_context: click.Context, _parameter: click.Parameter, given: str | None) -> Language:
    from rkmend.words import Language, language_of

    return Language(given) if given else language_of(os.environ)


inputs = click.option(
    "--input", "inputs", multiple=True, metavar="NAME=SHAPE",
    help="Static shape of a dynamic input: images=1x3x640x640, or NAME=scalar. Repeatable.",
)  # fmt: skip
constants = click.option(
    "--constant", "constants", multiple=True, metavar="NAME=VALUE",
    help="An input that is the same in every run becomes a constant: sr=16000, k=1,3,5, NAME=FILE.npy. Repeatable.",
)  # fmt: skip
toolkit = click.option(
    "--toolkit", "version", metavar="VERSION", help="RKNN-Toolkit2 version; default 2.3.2."
)
no_cache = click.option("--no-cache", is_flag=True, help="Neither use nor keep the memory of earlier trials.")
force = click.option("--force", is_flag=True, help="Replace the results of an earlier run.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress, only the story at the end.")

language = click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), callback=_language,
    help="Language of the story.  [default: that of the locale]",
)  # fmt: skip

# Of reductions, and of explanations, which begin with one.
repro_folder = click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Results; default: MODEL.repro beside the model. An interrupted reduction goes on in its folder.",
)  # fmt: skip
budget = click.option(
    "--budget", metavar="N|TIME", help="Stop after so many trials (200) or so long (90s, 5min, 1h)."
)
trial_memory = click.option(
    "--trial-memory", type=click.IntRange(1), default=16384, show_default=True, metavar="MB",
    help="Memory limit of one trial.",
)  # fmt: skip

# Which rules take part, and where that may be written down.
select = click.option(
    "--select",
    multiple=True,
    metavar="RULE",
    help="Rules that take part: codes, prefixes (RKM1), names or ALL.",
)
ignore = click.option("--ignore", multiple=True, metavar="RULE", help="Rules that do not.")
config = click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE",
    help="Settings; default: the nearest rkmend.toml or pyproject.toml with [tool.rkmend] above the model.",
)  # fmt: skip
isolated = click.option("--isolated", is_flag=True, help="Ignore all files with settings.")
