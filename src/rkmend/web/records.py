"""What the page and the server say to each other, and what is kept of a run. Unknown fields are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Literal

import msgspec

from rkmend.errors import RkmendError
from rkmend.words import Text, both

SCHEMA = "rkmend-run/1"
ID = re.compile(r"[0-9a-f]{16}")
"""Of an upload and of a run; made by the server."""
MOST_INPUTS = 256

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Size = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
Shape = Annotated[list[Size], msgspec.Meta(max_length=32)]
Numbers = Annotated[str, msgspec.Meta(max_length=4000, pattern=r"^([-+0-9.eE, ]+|true|false)$")]
"""Numbers separated by commas: never the path of a file."""


class Role(str, Enum):
    """What an uploaded file is for."""

    MODEL = "model"
    DATA = "data"
    """External data of the model."""
    CALIBRATION = "calibration"
    SAMPLES = "samples"


class Sizes(msgspec.Struct, forbid_unknown_fields=True):
    """For what a model is looked at: target, dtype, and what its dynamic inputs are."""

    target: Annotated[str, msgspec.Meta(max_length=40)] = "rk3588"
    dtype: Literal["fp16", "int8"] = "fp16"
    inputs: Annotated[dict[Name, Shape], msgspec.Meta(max_length=MOST_INPUTS)] = {}
    constants: Annotated[dict[Name, Numbers], msgspec.Meta(max_length=MOST_INPUTS)] = {}


class Asked(Sizes, forbid_unknown_fields=True, kw_only=True):
    """A conversion that is asked for.

    Attributes:
        mean, std: Per input: subtracted and divided by on the NPU.
        explain_seconds: May be spent on the cause of a failure once the results are written; 0 for none.
        language: Of the report.
    """

    upload: Annotated[str, msgspec.Meta(pattern=f"^{ID.pattern}$")]
    exactness: Literal["exact", "rounding", "bounded"] = "rounding"
    optimization_level: Annotated[int, msgspec.Meta(ge=0, le=3)] = 3
    mean: Annotated[list[Numbers], msgspec.Meta(max_length=MOST_INPUTS)] = []
    std: Annotated[list[Numbers], msgspec.Meta(max_length=MOST_INPUTS)] = []
    explain_seconds: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 120
    language: Literal["en", "zh"] = "en"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and what to do about it."""

    message: Text
    hint: Text = Text("", "")
    rule: str = ""


class State(str, Enum):
    """How far a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """There is a result; its `status` says which."""
    FAILED = "failed"
    """No result: `problem` says why."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The server ended before the run did."""


UNDER_WAY = (State.QUEUED, State.RUNNING)


class Run(msgspec.Struct, kw_only=True):
    """A conversion, asked for, under way or over: `run.json` in its folder.

    Attributes:
        id: Names its folder.
        name: Of the model's file, as the user has it; shown, never opened.
        created, ended: ISO times in UTC.
        status: Of the Conversion.
        headline: The result in one line.
        story: What the terminal would tell of it.
        problem: Why there is no result.
        bytes: On the disk.
    """

    schema: str = SCHEMA
    id: str
    name: str
    created: str
    asked: Asked
    state: State = State.QUEUED
    ended: str = ""
    status: str = ""
    headline: Text | None = None
    story: Text | None = None
    problem: Problem | None = None
    bytes: int = 0


def told(english: str) -> Text:
    """A sentence that was made in English, as progress and findings are, in every language."""
    return both(lambda say: say.again(english))


def problem(error: RkmendError, names: Mapping[str, str]) -> Problem:
    """An error of rkmend for the page, with the names that the user knows in the place of paths."""
    texts = [error.message, error.hint]
    for path, name in names.items():
        texts = [text.replace(path, name) for text in texts]
    return Problem(told(texts[0]), told(texts[1]), error.rule)
