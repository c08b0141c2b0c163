"""`rkmend report`: the page of a conversion made anew, and what it found in the formats of viewers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.cli import run_options
from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.report.page.record import PageData
    from rkmend.report.page.results import Results
    from rkmend.words import Language

EXPORTS = ("netron", "model-explorer")


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH",
              help="The page, or the folder for what --export writes; default: FOLDER.")  # fmt: skip
@run_options.language
@click.option("--export", type=click.Choice(EXPORTS),
              help="Instead of the page: files for Netron or for Google's Model Explorer.")  # fmt: skip
@click.option("--netron", is_flag=True,
              help="Instead of the page: show both models in Netron, on this machine only, until Ctrl-C.")  # fmt: skip
def command(folder: Path, out: Path | None, language: Language, export: str | None, netron: bool) -> None:
    """Write report.html anew from FOLDER, the results of a conversion.

    The graphs are drawn from the models, so those have to be where they were; without the one that was given the page
    has no graph of it and says so.

    Exit status: 0 written; 2 usage or no results in FOLDER.
    """
    from rkmend.delivery import PAGE
    from rkmend.report.page.results import Results
    from rkmend.report.page.write import write_page

    results = Results.read(folder)
    if export or netron:
        _exported(results, out or folder, export, netron)
        return
    page = out or folder / PAGE
    if page.is_dir():
        raise click.UsageError(f"--out {page} is a folder; name the file.")
    write_page(results, page, language)
    click.echo(f"{page} ({page.stat().st_size / 1024:,.0f} KB)")


def _exported(results: Results, folder: Path, export: str | None, netron: bool) -> None:
    import sys

    from rkmend.report.exports import model_explorer
    from rkmend.report.exports.netron import write_attachments
    from rkmend.report.page.assemble import page_data
    from rkmend.words import Language

    data = page_data(results, Language.EN, longest_name=sys.maxsize)
    for note in data.notes:
        click.echo(note.en, err=True)
    if export:
        folder.mkdir(parents=True, exist_ok=True)
        write = write_attachments if export == "netron" else model_explorer.write_files
        for path in write(data, folder):
            click.echo(str(path))
    if netron:
        _serve(results, data)


def _serve(results: Results, data: PageData) -> None:
    import signal
    from contextlib import suppress

    from rkmend.report.exports.facts import graphs_of
    from rkmend.report.exports.netron import annotated
    from rkmend.report.exports.netron_server import serving

    paths = {"original": results.model(), "mended": results.file("mended") or results.file("head")}
    models = {
        name: annotated(where, graph, data)
        for name, graph in graphs_of(data).items()
        if (where := paths[name]) is not None
    }
    if not models:
        raise InputError("neither the model nor the mended one is there any more", hint="Convert it anew.")
    with serving(models) as addresses, suppress(KeyboardInterrupt):
        for name, address in addresses.items():
            click.echo(f"{name:10} {address}")
        click.echo("What rkmend found is in the metadata of the nodes. Ctrl-C ends it.")
        signal.pause()
