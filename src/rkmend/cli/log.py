"""`rkmend log FILE`: reads a toolkit log that somebody pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rkmend.cli import run_options
from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.words import Language

LIMIT_MB = 64


@click.command("log")
@click.argument("file", metavar="FILE|-")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@run_options.language
@click.pass_context
def command(context: click.Context, file: str, form: str, language: Language) -> None:
    """Read a toolkit log: how far it came, which operator failed, what the lines mean, what to do.

    FILE may be cut, coloured, folded or quoted, as forums leave it; - reads standard input.

    Exit status: 0 something was recognised, 1 nothing was, 2 the file cannot be read.
    """
    from rkmend.report.log_story import log_story
    from rkmend.toolkit.log import parse_log
    from rkmend.words import translator

    report = parse_log(_decoded(_read(file), file))
    if form == "json":
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    else:
        # click.echo takes the style away where it is no terminal that reads
        click.echo(
            log_story(report, lambda text: click.style(text, bold=True), translator(language)), nl=False
        )
    context.exit(0 if report.recognised else 1)


def _read(file: str) -> bytes:
    limit = LIMIT_MB * 2**20
    try:
        with click.open_file(file, "rb") as stream:
            data: bytes = stream.read(limit + 1)
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror or error}",
            hint="Give a text file, or - to paste into standard input and end with Ctrl-D.",
        ) from error
    if len(data) > limit:
        raise InputError(
            f"{file} is larger than {LIMIT_MB} MB",
            hint=f"The end of a log tells what failed: tail -c 1000000 {file} | rkmend log -",
        )
    return data


def _decoded(data: bytes, file: str) -> str:
    """UTF-8, or UTF-16 as PowerShell's `>` writes it; stray bytes are replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise InputError(
            f"{file} is not a text file",
            hint="rkmend log reads the text that the toolkit prints. For a model: rkmend convert MODEL.onnx.",
        )
    return data.decode("utf-8", errors="replace")
