"""Converting: a run of the page, as the process for it carries it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from click import unstyle

from rkmend.web.calibration import check_arrays, unpack
from rkmend.web.records import Asked, told
from rkmend.words import Language, Text, both

if TYPE_CHECKING:
    from rkmend.conversion import Wishes
    from rkmend.progress import Progress
    from rkmend.toolkit.trial import Trial
    from rkmend.toolkit.verdict import Verdict
    from rkmend.toolkit.workers import Workers

Tell = Callable[[dict[str, Any]], None]
"""Takes an event of a run; see docs/serve.md."""
APART_SECONDS = 0.5
"""Of the many states of an explanation and an installation one is told in so long a time."""


class Convert(msgspec.Struct, frozen=True, tag="convert"):
    """Convert a model."""

    model: str
    out: str
    asked: Asked
    calibration: tuple[str, ...]
    unpacked_bytes: int
    members: int
    samples: str | None


class Result(msgspec.Struct, frozen=True):
    """What came of a run, in short; the whole is in its report."""

    status: str
    headline: Text
    story: Text


def convert(asked: Convert, workers: Workers, tell: Tell) -> Result:
    """Converts a model and writes its report; an interrupt while the failure is explained leaves what is there.

    Raises:
        InputError: The model or a wish cannot be used.
        KeyboardInterrupt: Before there was a result.
    """
    from rkmend.conversion import Converter
    from rkmend.records import Conversion
    from rkmend.report import sentences
    from rkmend.report.page.write import add_page
    from rkmend.report.story import story

    out = Path(asked.out)
    record = out / "report.json"
    try:
        with Converter(asked.asked.target, progress=_progress(tell), workers=workers) as converter:
            result = converter.convert(asked.model, out, _wishes(asked))
    except KeyboardInterrupt:
        if not record.exists():
            raise
        result = msgspec.json.decode(record.read_bytes(), type=Conversion)
    tell({"kind": "step", "text": told("writing the report")})
    add_page(result, Language(asked.asked.language))

    def named(text: str) -> str:
        """With the names that stand in the list of files, in the place of paths."""
        return text.replace(asked.model, Path(asked.model).name).replace(f"{out}/", "")

    return Result(
        result.status.value,
        both(lambda say: named(sentences.headline(result, say))),
        Text(*(named(unstyle(story(result, language))) for language in (Language.EN, Language.ZH))),
    )


def _wishes(asked: Convert) -> Wishes:
    from rkmend.conversion import Wishes
    from rkmend.diagnose.budget import Budget
    from rkmend.graph import parse_constant_options
    from rkmend.rules import Exactness
    from rkmend.toolkit.options import BuildOptions

    wish = asked.asked
    quantize = None
    if wish.dtype == "int8":
        quantize = Path(asked.model).with_name("calibration")
        quantize.mkdir()
        files = [Path(file) for file in asked.calibration]
        unpack(files, quantize, unpacked_bytes=asked.unpacked_bytes, members=asked.members)
    if asked.samples:
        check_arrays(Path(asked.samples), asked.unpacked_bytes)
    return Wishes(
        inputs={name: tuple(shape) for name, shape in wish.inputs.items() if name not in wish.constants},
        constants=parse_constant_options(f"{name}={value}" for name, value in wish.constants.items()),
        options=BuildOptions(
            optimization_level=wish.optimization_level,
            mean_values=_numbers(wish.mean),
            std_values=_numbers(wish.std),
        ),
        quantize=quantize,
        samples=asked.samples,
        exactness=Exactness(wish.exactness),
        explain=Budget(seconds=wish.explain_seconds) if wish.explain_seconds else None,
        layers=None,
    )


def _numbers(texts: Iterable[str]) -> tuple[tuple[float, ...], ...]:
    from rkmend.errors import InputError

    try:
        return tuple(tuple(float(part) for part in text.split(",")) for text in texts)
    except ValueError as error:
        raise InputError("mean and std are numbers separated by commas, one line an input") from error


def _progress(tell: Tell) -> Progress:
    """Events of what happens."""
    from rkmend.progress import Progress

    numbers: dict[int, tuple[int, Trial]] = {}  # the trial too, or its id might become another's
    last = {"install": 0.0, "explain": 0.0}

    def trial(trial: Trial, verdict: Verdict | None) -> None:
        number, _ = numbers.setdefault(id(trial), (len(numbers) + 1, trial))
        event: dict[str, Any] = {"kind": "trial", "number": number, "label": told(trial.label)}
        if verdict is not None:
            event |= {
                "outcome": verdict.outcome.value,
                "converted": verdict.converted,
                "seconds": round(verdict.seconds, 2),
                "remembered": verdict.cached,
                "signature": str(verdict.signature or ""),
                "cycles": verdict.cycles if verdict.converted else None,
            }
        tell(event)

    def now_and_then(kind: str, event: dict[str, Any], *, important: bool = False) -> None:
        now = time.monotonic()
        if important or now - last[kind] >= APART_SECONDS:
            last[kind] = now
            tell({"kind": kind, **event})

    return Progress(
        step=lambda text: tell({"kind": "step", "text": told(text)}),
        trial=trial,
        install=lambda text, done: now_and_then(
            "install", {"text": told(text), "done": round(done, 3)}, important=done >= 1
        ),
        explaining=lambda nodes, run, remembered, text: now_and_then(
            "explain", {"nodes": nodes, "run": run, "remembered": remembered, "text": told(text)}
        ),
    )
