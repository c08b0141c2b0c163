"""`rkmend report`: the page of a conversion made anew, and what it found in the formats of viewers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.report.page.record import PageData
    from rkmend.report.page.results import Results

EXPORTS = ("netron", "model-explorer")


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH",
              help="The page, or with --export and --netron the folder; default: in FOLDER.")  # fmt: skip
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Shown first; default: that of the locale.")
@click.option("--export", type=click.Choice(EXPORTS),
              help="Instead of the page: files for Netron or for Google's Model Explorer.")  # fmt: skip
@click.option("--netron", is_flag=True,
              help="Instead of the page: show both models in Netron, on this machine only, until Ctrl-C.")  # fmt: skip
def command(folder: Path, out: Path | None, lang: str | None, export: str | None, netron: bool) -> None:
    """Write report.html anew from FOLDER, the results of a conversion.

    The graphs are drawn from the models, so those have to be where they were; without the one that was given the page
    has no graph of it and says so.

    Exit status: 0 written; 2 usage or no results in FOLDER.
    """
    from rkmend.delivery import PAGE
    from rkmend.report.page.results import Results
    from rkmend.report.page.write import write_page
    from rkmend.words import Language, language_of

    results = Results.read(folder)
    if export or netron:
        _exported(results, out or folder, export, netron)
        return
    page = out or folder / PAGE
    if page.is_dir():
        raise click.UsageError(f"--out {page} is a folder; name the file.")
    write_page(results, page, Language(lang) if lang else language_of(os.environ))
    click.echo(f"{page} ({page.stat().st_size / 1024:,.0f} KB)")


def _exported(results: Results, folder: Path, export: str | None, netron: bool) -> None:
    import sys

    from rkmend.report.page.assemble import page_data
    from rkmend.words import Language

    data = page_data(results, Language.EN, longest_name=sys.maxsize)
    for note in data.notes:
        click.echo(note.en, err=True)
    if export == "model-explorer":
        from rkmend.report.exports.model_explorer import write_files

        folder.mkdir(parents=True, exist_ok=True)
        for path in write_files(data, folder):
            click.echo(str(path))
    if netron or export == "netron":
        _netron(results, data, folder, serve=netron)


def _netron(results: Results, data: PageData, folder: Path, *, serve: bool) -> None:
    from rkmend.report.exports.facts import graphs_of
    from rkmend.report.exports.netron import annotated, write_attachments
    from rkmend.report.exports.netron_server import serving

    if not serve:
        folder.mkdir(parents=True, exist_ok=True)
        for path in write_attachments(data, folder).values():
            click.echo(str(path))
        return
    paths = {"original": results.model(), "mended": results.file("mended") or results.file("head")}
    models = {
        name: annotated(where, graph, data)
        for name, graph in graphs_of(data).items()
        if (where := paths[name]) is not None
    }
    if not models:
        raise InputError("neither the model nor the mended one is there any more", hint="Convert it anew.")
    with serving(models) as addresses:
        for name, address in addresses.items():
            click.echo(f"{name:10} {address}")
        click.echo("What rkmend found is in the metadata of the nodes. Ctrl-C ends it.")
        _wait()


def _wait() -> None:
    import signal

    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo("")
