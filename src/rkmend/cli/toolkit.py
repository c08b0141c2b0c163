"""`rkmend toolkit`: the environments that trials run in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@click.group("toolkit")
def command() -> None:
    """Makes, lists, examines and removes RKNN-Toolkit2 environments.

    Each version lives in an environment of its own under the cache folder (RKMEND_CACHE, by default
    ~/.cache/rkmend). They are also made on first use, so none of this is needed before a conversion.
    """


@command.command()
@click.argument("version", required=False)
@click.option("--force", is_flag=True, help="Make it again although it is there.")
def install(version: str | None, force: bool) -> None:
    """Makes, or finishes, the environment of a version.

    RKMEND_TOOLKIT_PYTHON chooses the Python (CPython 3.10 to 3.12), RKMEND_TORCH where torch comes from: any
    requirement, path or URL of a CPU build that pip understands.
    """
    from rkmend.toolkit import environments
    from rkmend.toolkit.pins import pins_for

    version = pins_for(version).version  # before anything is removed
    if force:
        environments.remove(version)
    start = time.monotonic()
    with install_progress() as progress:
        toolkit = environments.ensure(version, progress=progress)
    seconds = time.monotonic() - start
    made = f" (made in {seconds:.0f} s)" if seconds >= 1 else ""
    click.echo(f"RKNN-Toolkit2 {toolkit.version} is ready{made}: {toolkit.python}")


@command.command("list")
def list_() -> None:
    """Lists the supported versions, and which of them are there."""
    from rkmend.toolkit import environments

    ready = {toolkit.version: toolkit for toolkit in environments.installed()}
    for version in environments.supported_versions():
        mark = "*" if version == environments.DEFAULT_VERSION else " "
        toolkit = ready.get(version)
        state = f"{toolkit.fingerprint}  {toolkit.python}" if toolkit else "not installed"
        click.echo(f"{mark} {version}  {state}")
    click.echo("* is the default; the code is the fingerprint of the packages.")


@command.command()
@click.argument("version", required=False)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="Look into this interpreter instead of rkmend's own environments.",
)
def doctor(version: str | None, python: Path | None) -> None:
    """Finds what breaks environments, and what mends it.

    Exit status 3 when something has to be mended.
    """
    from rkmend.toolkit.doctor import examine

    checks = examine(version, python=python)
    where = ""
    for check in checks:
        if check.where != where:
            where = check.where
            click.secho(where, bold=True)
        mark = click.style("ok  ", fg="green") if check.ok else click.style("FAIL", fg="red", bold=True)
        click.echo(f"  {mark} {check.name}: {check.detail}")
        if check.cure:
            click.echo(f"       mend: {check.cure}")
    if not all(check.ok for check in checks):
        sys.exit(3)


@command.command()
@click.argument("version")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(version: str, yes: bool) -> None:
    """Removes the environment of a version.

    Also an unfinished or broken one.
    """
    from rkmend.toolkit import environments

    if not yes:
        click.confirm(f"Remove the environment of RKNN-Toolkit2 {version}?", abort=True)
    there = environments.remove(version)
    click.echo(f"RKNN-Toolkit2 {version} " + ("was removed." if there else "is not installed."))


@contextmanager
def install_progress() -> Iterator[Callable[[str, float], None]]:
    """Shows on standard error how far an installation is: a bar on a terminal, elsewhere a line a step.

    Shows nothing until it is called, so it can be held ready for an environment that is probably there.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=1.0)

    def show(text: str, fraction: float) -> None:
        bar.start()
        bar.update(task, description=text, completed=fraction)

    try:
        yield show
    finally:
        bar.stop()


def _lines() -> Callable[[str, float], None]:
    last = ""

    def show(text: str, fraction: float) -> None:
        nonlocal last
        if text != last:
            click.echo(f"{fraction:4.0%} {text}", err=True)
            last = text

    return show
