"""Options of the formats for machines, the same in every command that has them, and how they are carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.report.events import Stream

output = click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="Write what --format says to a file in the place of standard output.",
)  # fmt: skip
sarif = click.option(
    "--sarif", "sarif_file", type=click.Path(path_type=Path), metavar="FILE",
    help="Write SARIF 2.1.0 as well, for code scanning.",
)  # fmt: skip
junit = click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path), metavar="FILE",
    help="Write JUnit XML as well, for a CI server.",
)  # fmt: skip
events = click.option(
    "--events", metavar="FILE|-",
    help="Write a JSON line for everything that happens, when it happens; - prints them in the place of the story.",
)  # fmt: skip


def spare(files: Mapping[str, Path | str | None], *models: Path) -> None:
    """Makes sure that no option writes over a model.

    Raises:
        InputError: One would.
    """
    for option, file in files.items():
        for model in models:
            if file and file != "-" and Path(file).exists() and model.exists() and model.samefile(file):
                raise InputError(f"{option} {file} is the model itself", hint="Give another file.")


@contextmanager
def telling(file: str | None, command: str, model: Path, target: str | None) -> Iterator[Stream | None]:
    """Events of a command to where --events says; None where nobody asked."""
    if file is None:
        yield None
        return
    from rkmend._version import __version__
    from rkmend.report.events import Begun, Stream, ending, opened

    spare({"--events": file}, model)
    with opened(file) as write:
        stream = Stream(write)
        stream.tell(Begun, command=command, rkmend=__version__, model=str(model), target=target)
        with ending(stream):
            yield stream
