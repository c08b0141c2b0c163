"""report.html: written beside report.json when a conversion is done, or anew from its results."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
import msgspec

from rkmend.delivery import PAGE, write_report
from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.records import Conversion
from rkmend.report.page.assemble import page_data
from rkmend.report.page.html import render
from rkmend.report.page.logs import read_logs
from rkmend.report.page.record import PageData
from rkmend.report.page.results import Results
from rkmend.report.page.rows import Graphs
from rkmend.report.story import story
from rkmend.report.text import printable_lines
from rkmend.words import Language, both

MOST = 2_000_000
"""Bytes of a page: what mail servers and forums take."""
FEWER_LOGS = 128 << 10
"""Bytes of all logs together, where the page would be larger."""


def add_page(result: Conversion, language: Language = Language.EN) -> None:
    """Draws a conversion that is delivered already, and enters the page in its report.json. Never raises.

    A page that cannot be drawn loses nothing: a note in the report says why there is none.

    Args:
        result: Has its files; completed here.
        language: Shown first.
    """
    folder = Path(result.files["report"]).parent
    result.files["page"] = str(folder / PAGE)
    try:
        write_page(Results(folder, result), folder / PAGE, language)
        write_report(result)
    except Exception as error:  # whatever it is: the results are worth more than their picture
        del result.files["page"]
        result.notes += (f"{PAGE} was not written: {str(error) or type(error).__name__}",)
        with suppress(OSError, InputError):
            (folder / PAGE).unlink(missing_ok=True)
            write_report(result)


def write_page(results: Results, path: Path, language: Language) -> None:
    """Writes the page, whole or not at all.

    Args:
        results: Of a conversion.
        path: Of the page; its folder exists.
        language: Shown first.

    Raises:
        InputError: It cannot be written.
    """
    data = page_data(results, language, folder=path.parent)
    told = printable_lines(click.unstyle(story(results.conversion, language)))
    page = render(data, told)
    for smaller in (_fewer_logs, _no_logs, _no_graphs):
        if len(page) > MOST:
            data = smaller(data, results)
            page = render(data, told)
    atomic_write(path, page)


def _fewer_logs(data: PageData, results: Results) -> PageData:
    folder = results.file("trials")
    trials = [trial.folder for trial in results.conversion.trials]
    return msgspec.structs.replace(data, logs=read_logs(folder, trials, FEWER_LOGS) if folder else ())


def _no_logs(data: PageData, _results: Results) -> PageData:
    note = both(lambda say: say("The logs are left out: the page would have more than 2 MB."))
    return msgspec.structs.replace(data, logs=(), notes=(*data.notes, note))


def _no_graphs(data: PageData, _results: Results) -> PageData:
    note = both(lambda say: say("The graphs are left out: the page would have more than 2 MB."))
    return msgspec.structs.replace(
        data, graphs=Graphs(), focus={}, plans=(), errors=(), notes=(*data.notes, note)
    )
