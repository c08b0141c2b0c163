"""`rkmend reduce`: the options, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rkmend.cli import machine_options, run_options
from rkmend.cli.build_options import build_options, from_options

if TYPE_CHECKING:
    from rkmend.reduction import Watcher
    from rkmend.words import Language, Say


@click.command("reduce")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", metavar="SOC", help="Judge with the toolkit, converting for rk3588, rk3576, ...")
@click.option(
    "--check",
    metavar="COMMAND",
    help="Judge with any command; {} stands for the model, exit status 0 is good.",
)
@click.option("--fail-regex", multiple=True, metavar="REGEX",
              help="With --check: the failure is output that matches. Repeatable.")  # fmt: skip
@click.option("--fail-code", "fail_codes", multiple=True, type=int, metavar="N",
              help="With --check: the failure is this exit status. Repeatable.")  # fmt: skip
@run_options.repro_folder
@run_options.inputs
@run_options.toolkit
@build_options
@run_options.budget
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Candidates judged at once; default: one a CPU."
)
@click.option("--trial-seconds", type=click.FloatRange(0, min_open=True), metavar="S",
              help="Time limit of one trial; default 900, of a check command 600.")  # fmt: skip
@run_options.trial_memory
@run_options.no_cache
@run_options.force
@run_options.quiet
@machine_options.events
@run_options.language
def command(
    model: Path,
    target: str | None,
    check: str | None,
    fail_regex: tuple[str, ...],
    fail_codes: tuple[int, ...],
    out: Path | None,
    inputs: tuple[str, ...],
    version: str | None,
    budget: str | None,
    jobs: int | None,
    trial_seconds: float | None,
    trial_memory: int,
    no_cache: bool,
    force: bool,
    quiet: bool,
    events: str | None,
    language: Language,
    **options: Any,  # noqa: ANN401 - click gives them by name, `from_options` types them
) -> None:
    """Reduce MODEL.onnx to the smallest model that still fails in the same way.

    Nodes are taken out, then sizes, attributes, weights and names are made simple; the result is proved minimal by a
    trial for each thing that is left. The folder holds the reproducer, a plain script that shows the failure, the
    log, and a text to paste into the vendor's tracker.

    Exit status: 0 reduced; 1 the model does not fail; 2 usage or bad input; 3 the toolkit environment cannot be made;
    130 interrupted: the same command goes on from there.
    """
    from rkmend.cli.toolkit import install_progress
    from rkmend.diagnose.budget import Budget
    from rkmend.graph import parse_shape_options
    from rkmend.reduction import CHECK_SECONDS, Check, Watcher, folder_for, reduce
    from rkmend.report.event_sources import watched
    from rkmend.report.events import Finished
    from rkmend.report.reduction_story import story
    from rkmend.toolkit.options import BuildOptions
    from rkmend.toolkit.trial import Limits
    from rkmend.words import translator

    if check is None and (fail_regex or fail_codes):
        raise click.UsageError("--fail-regex and --fail-code say what a --check command's failure is.")
    building = from_options(**options)
    if check is not None and (version or building != BuildOptions()):
        raise click.UsageError(
            "--toolkit and build options are for --target; put them into the --check command."
        )
    seconds = trial_seconds or (CHECK_SECONDS if check else Limits().seconds)
    with (
        machine_options.telling(events, "reduce", model, target) as stream,
        install_progress() as install,
        resumable(folder_for(model, out)),
    ):
        watcher = Watcher() if quiet else watching(install, translator(language))
        result = reduce(
            model,
            target=target,
            check=Check(check, fail_regex, fail_codes) if check else None,
            out=out,
            inputs=parse_shape_options(inputs),
            options=building,
            toolkit=version,
            limits=Limits(seconds, trial_memory),
            budget=Budget.parse(budget) if budget else None,
            jobs=jobs,
            cache=not no_cache,
            force=force,
            watcher=watched(stream, watcher) if stream else watcher,
        )
        if stream:
            stream.tell(Finished, status="reduced", exit=0, files=result.files)
    if events != "-":
        click.echo(story(result, translator(language)))


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Says after Ctrl-C what is kept in a results folder."""
    from rkmend.diagnose.reduction.checkpoint import FOLDER

    try:
        yield
    except KeyboardInterrupt:
        if (folder / FOLDER).is_dir():
            click.echo(
                f"\nthe smallest model so far is kept in {folder}: the same command goes on from there",
                err=True,
            )
        raise


def watching(install: Callable[[str, float], None], say: Say) -> Watcher:
    """Progress on stderr: a line that is written over on a terminal, a line for each success elsewhere."""
    from rkmend.progress import Progress
    from rkmend.reduction import Watcher
    from rkmend.report.reduction_story import progress_line

    started, live = time.monotonic(), sys.stderr.isatty()
    clear = "\r\x1b[2K" if live else ""

    def state(nodes: int, trials: int, remembered: int, doing: str) -> None:
        line = progress_line(nodes, trials, remembered, time.monotonic() - started, doing, say)
        click.echo(clear + line, err=True, nl=not live)

    def step(text: str) -> None:
        click.echo(f"{clear}{say.again(text)} ...", err=True)

    return Watcher(Progress(step=step, install=install), state)
