"""`rkmend convert`: the options, and the story while it happens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rkmend.cli import machine_options, run_options
from rkmend.cli.build_options import build_options, from_options
from rkmend.cli.settings import settings_for

if TYPE_CHECKING:
    from rkmend.progress import Progress
    from rkmend.records import Conversion
    from rkmend.toolkit.options import BuildOptions
    from rkmend.toolkit.trial import Trial
    from rkmend.toolkit.verdict import Verdict
    from rkmend.words import Language, Say

EXACTNESS = ("exact", "rounding", "bounded")


@click.command("convert")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", metavar="SOC", help="rk3588, rk3576, rk3566, rv1106, ...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Results; default: MODEL.rkmend beside the model.",
)
@run_options.inputs
@run_options.constants
@click.option("--quantize", type=click.Path(path_type=Path), metavar="DATASET",
              help="Make an int8 model, calibrated on a folder of .npy, .npz or images, or a list.")  # fmt: skip
@click.option(
    "--quantized-dtype", default="w8a8", show_default=True, help="Of the toolkit; depends on the target."
)
@click.option("--quantized-algorithm", type=click.Choice(["normal", "mmse", "kl_divergence"]), default="normal",
              show_default=True)  # fmt: skip
@click.option(
    "--quantized-method", type=click.Choice(["channel", "layer"]), default="channel", show_default=True
)
@click.option("--samples", type=click.Path(path_type=Path), metavar="FILE.npz",
              help="Your own inputs to verify on, by input name.")  # fmt: skip
@run_options.toolkit
@click.option("--exactness", type=click.Choice(EXACTNESS),
              help="The least exact kind of mend that may be applied.  [default: rounding]")  # fmt: skip
@run_options.select
@run_options.ignore
@run_options.config
@run_options.isolated
@click.option("--recipe", type=click.Path(path_type=Path), metavar="FILE",
              help="Apply the mends of an earlier run (its .recipe.toml), and search for none.")  # fmt: skip
@click.option("--mean", "means", multiple=True, metavar="R,G,B", help="Per input: subtracted by the NPU.")
@click.option("--std", "stds", multiple=True, metavar="R,G,B", help="Per input: divided by on the NPU.")
@build_options
@click.option("--seed", default=0, show_default=True, help="Of the random verification inputs.")
@click.option("--trial-seconds", default=900.0, show_default=True, help="Time limit of one trial.")
@click.option(
    "--trial-memory", default=16384, show_default=True, metavar="MB", help="Memory limit of one trial."
)
@click.option(
    "--explain/--no-explain",
    default=True,
    show_default=True,
    help="After a failure, and when the results are written: a reproducer and the cause, in DIR/repro.",
)
@click.option("--explain-budget", default="120s", show_default=True, metavar="N|TIME",
              help="Trials (200) or time (90s, 5min) that may be spent on it.")  # fmt: skip
@click.option(
    "--layers/--no-layers",
    default=None,
    help="When the results are written: compare every layer with ONNX Runtime.  [default: if that is cheap]",
)
@run_options.no_cache
@run_options.force
@run_options.quiet
@machine_options.sarif
@machine_options.junit
@click.option("--github", "annotate", is_flag=True,
              help="Print annotations for GitHub in the place of the story.")  # fmt: skip
@machine_options.events
@run_options.language
def command(
    model: Path,
    target: str | None,
    out: Path | None,
    inputs: tuple[str, ...],
    constants: tuple[str, ...],
    quantize: Path | None,
    samples: Path | None,
    version: str | None,
    exactness: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    config: Path | None,
    isolated: bool,
    recipe: Path | None,
    seed: int,
    trial_seconds: float,
    trial_memory: int,
    explain: bool,
    explain_budget: str,
    layers: bool | None,
    no_cache: bool,
    force: bool,
    quiet: bool,
    sarif_file: Path | None,
    junit_file: Path | None,
    annotate: bool,
    events: str | None,
    language: Language,
    **options: Any,  # noqa: ANN401 - click gives them by name, `_quantisation` types them
) -> None:
    """Convert MODEL.onnx to a verified .rknn.

    Tries the real toolkit, names the operator it fails on, mends the graph with rewrites that are proved
    equivalent, keeps the cheapest by the compiler's own cycles, and checks the result against ONNX Runtime.

    Exit status: 0 converted, mended or partial (the rest of the model is in a .tail.onnx), and verified;
    1 not convertible, with the reason; 2 usage or bad input; 3 the toolkit environment cannot be made;
    130 interrupted.
    """
    from rkmend.cli.toolkit import install_progress
    from rkmend.conversion import convert
    from rkmend.diagnose.budget import Budget
    from rkmend.graph import parse_constant_options, parse_shape_options
    from rkmend.progress import Progress
    from rkmend.report.event_sources import finished, told_of
    from rkmend.report.page.write import add_page
    from rkmend.report.story import story
    from rkmend.rules import Exactness
    from rkmend.rules.selection import ALL, Selection
    from rkmend.toolkit.trial import Limits
    from rkmend.words import translator

    settings = settings_for(model, config=config, isolated=isolated)
    target = target or settings.target
    if target is None:
        raise click.UsageError("Missing option '--target' (and no file with settings names one).")
    exactness = exactness or settings.exactness or "rounding"
    if exactness not in EXACTNESS:
        raise click.UsageError(f"exactness '{exactness}' is none of {', '.join(EXACTNESS)}.")
    machine_options.spare({"--sarif": sarif_file, "--junit": junit_file}, model)
    with (
        machine_options.telling(events, "convert", model, target) as stream,
        install_progress() as install,
    ):
        progress = Progress() if quiet else _progress(install, translator(language))
        result = convert(
            model,
            target=target,
            out=out,
            inputs=parse_shape_options(inputs),
            constants=parse_constant_options(constants),
            options=_quantisation(**options),
            quantize=quantize,
            samples=samples,
            toolkit=version or settings.toolkit,
            exactness=Exactness(exactness),
            rules=Selection(_split(select) or settings.select or (ALL,), _split(ignore) or settings.ignore),
            recipe=recipe,
            limits=Limits(trial_seconds, trial_memory),
            seed=seed,
            cache=not no_cache,
            force=force,
            explain=Budget.parse(explain_budget) if explain else None,
            layers=layers,
            progress=told_of(stream, progress) if stream else progress,
        )
        add_page(result, language)
        _write(result, sarif_file, junit_file, translator(language))
        status = {"environment": 3, "refused": 1}.get(result.status.value, 0)
        if stream:
            finished(stream, result, status)
    if annotate:
        from rkmend.report.github import github
        from rkmend.report.outcome import as_checked

        click.echo(github(as_checked(result), translator(language)))
    elif events != "-":
        click.echo(story(result, language))
    sys.exit(status)


def _write(result: Conversion, sarif_file: Path | None, junit_file: Path | None, say: Say) -> None:
    if not (sarif_file or junit_file):
        return
    from rkmend.files import atomic_write
    from rkmend.report.junit import junit
    from rkmend.report.outcome import as_checked
    from rkmend.report.sarif import sarif

    checked = as_checked(result)
    if sarif_file:
        atomic_write(sarif_file, sarif(checked, say).encode() + b"\n")
    if junit_file:
        text = junit(checked, say, models=[result.model.path], targets=[result.target])
        atomic_write(junit_file, text.encode())


def _split(selectors: tuple[str, ...]) -> tuple[str, ...]:
    """Selectors may be repeated options or separated by commas."""
    return tuple(part.strip() for text in selectors for part in text.split(",") if part.strip())


def _quantisation(
    means: tuple[str, ...],
    stds: tuple[str, ...],
    quantized_dtype: str,
    quantized_algorithm: str,
    quantized_method: str,
    **options: Any,  # noqa: ANN401 - those of every command
) -> BuildOptions:
    return from_options(
        quantized_dtype=quantized_dtype,
        quantized_algorithm=quantized_algorithm,
        quantized_method=quantized_method,
        mean_values=tuple(_numbers("--mean", text) for text in means),
        std_values=tuple(_numbers("--std", text) for text in stds),
        **options,
    )


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not numbers separated by commas", param_hint=option) from error


def _progress(install: Callable[[str, float], None], say: Say) -> Progress:
    """Progress on stderr, one line a step and one a trial, so that it reads well in a CI log too."""
    from rkmend.progress import Progress

    def trial(trial: Trial, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        mark = click.style("ok  ", fg="green") if verdict.converted else click.style("fail", fg="red")
        what = f"{verdict.cycles:,} cycles" if verdict.converted else str(verdict.signature)
        seconds = "remembered" if verdict.cached else f"{verdict.seconds:.1f} s"
        click.echo(f"  {mark} {trial.label}: {verdict.outcome.value}, {what} ({seconds})", err=True)

    return Progress(
        step=lambda text: click.echo(f"{say.again(text)} ...", err=True), trial=trial, install=install
    )
