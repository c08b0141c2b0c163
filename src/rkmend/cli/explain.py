"""`rkmend explain`: the options, and how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rkmend.cli import run_options
from rkmend.cli.build_options import build_options, from_options


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
    from rkmend.reduction import folder_for
    from rkmend.report.cause_story import cause_story
    from rkmend.report.reduction_story import story
    from rkmend.toolkit.trial import Limits

    with install_progress() as install, resumable(folder_for(model, out)):
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
            watcher=None if quiet else watching(install),
        )
    click.echo(story(result.reduction))
    click.echo()
    click.echo(cause_story(result.cause))
    sys.exit(0 if result.cause.established else 1)
