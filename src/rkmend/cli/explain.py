"""`rkmend explain`: the options, and how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rkmend.cli import machine_options, run_options
from rkmend.cli.build_options import build_options, from_options

if TYPE_CHECKING:
    from rkmend.words import Language


@click.command("explain")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="SOC", help="rk3588, rk3576, rk3566, ...")
@run_options.repro_folder
@run_options.inputs
@run_options.toolkit
@build_options
@run_options.budget
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Trials at once; default: one a CPU.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the samples that are drawn.",
)
@click.option("--trial-seconds", type=click.FloatRange(0, min_open=True), default=900.0, show_default=True,
              metavar="S", help="Time limit of one trial.")  # fmt: skip
@run_options.trial_memory
@run_options.no_cache
@run_options.force
@run_options.quiet
@machine_options.events
@run_options.language
def command(
    model: Path,
    target: str,
    out: Path | None,
    inputs: tuple[str, ...],
    version: str | None,
    budget: str | None,
    jobs: int | None,
    seed: int,
    trial_seconds: float,
    trial_memory: int,
    no_cache: bool,
    force: bool,
    quiet: bool,
    events: str | None,
    language: Language,
    **options: Any,  # noqa: ANN401 - click gives them by name, `from_options` types them
) -> None:
    """Explain why MODEL.onnx fails.

    Reduces the model (see `rkmend reduce`), varies one factor at a time, learns from samples which property decides,
    and confirms it on fresh samples; then tries the advice that is commonly given, and other targets, toolkits and
    options. What no trial supports is not stated: 'not established' is an answer, too.

    Exit status: 0 the cause is established; 1 it is not, or the model does not fail; 2 usage or bad input;
    3 the toolkit environment cannot be made; 130 interrupted: the same command goes on with the reduction.
    """
    from rkmend.cli.reduce import resumable, watching
    from rkmend.cli.toolkit import install_progress
    from rkmend.diagnose.budget import Budget
    from rkmend.explanation import explain
    from rkmend.graph import parse_shape_options
    from rkmend.reduction import Watcher, folder_for
    from rkmend.report.cause_story import cause_story
    from rkmend.report.event_sources import watched
    from rkmend.report.events import Finished
    from rkmend.report.reduction_story import story
    from rkmend.toolkit.trial import Limits
    from rkmend.words import translator

    with (
        machine_options.telling(events, "explain", model, target) as stream,
        install_progress() as install,
        resumable(folder_for(model, out)),
    ):
        watcher = Watcher() if quiet else watching(install, translator(language))
        result = explain(
            model,
            target=target,
            out=out,
            inputs=parse_shape_options(inputs),
            options=from_options(**options),
            toolkit=version,
            limits=Limits(trial_seconds, trial_memory),
            budget=Budget.parse(budget) if budget else None,
            jobs=jobs,
            seed=seed,
            cache=not no_cache,
            force=force,
            watcher=watched(stream, watcher) if stream else watcher,
        )
        status = 0 if result.cause.established else 1
        if stream:
            found = "established" if result.cause.established else "not-established"
            stream.tell(Finished, status=found, exit=status, files=result.cause.files)
    if events != "-":
        say = translator(language)
        click.echo(story(result.reduction, say))
        click.echo()
        click.echo(cause_story(result.cause, say))
    sys.exit(status)
