"""`rkmend check`: what will fail and why, without a toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.cli import machine_options, run_options
from rkmend.cli.settings import settings_for
from rkmend.errors import InputError, RkmendError

if TYPE_CHECKING:
    from rkmend.checking import Checked
    from rkmend.rules.base import Level
    from rkmend.words import Language, Say

FORMATS = ("full", "concise", "json", "github", "sarif", "junit")
FAIL_ON = ("error", "warning", "advice", "never")
"""Levels of findings that make the exit status 1, with those that are worse."""


@click.command("check")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--target", "targets", multiple=True, metavar="SOC[,SOC...]", help="rk3588, rk3576, rk3566, ..."
)
@run_options.inputs
@click.option("--dtype", type=click.Choice(["fp16", "int8"]),
              help="What the model is to run in.  [default: fp16 where the target has it]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), default="full", show_default=True)
@machine_options.output
@machine_options.sarif
@machine_options.junit
@run_options.select
@run_options.ignore
@run_options.config
@run_options.isolated
@click.option("--fix", "fixing", is_flag=True,
              help="Write a mended ONNX file, untried: exact and rounding mends of errors and warnings.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="Of --fix and one model; default: MODEL.checked.onnx beside the model.")  # fmt: skip
@click.option("--force", is_flag=True, help="Let --fix replace a file that is there.")
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="error", show_default=True,
              help="The mildest findings that make the exit status 1.")  # fmt: skip
@click.option("--exit-zero", is_flag=True, help="The same as --fail-on never.")
@run_options.language
@click.pass_context
def command(
    context: click.Context,
    models: tuple[Path, ...],
    targets: tuple[str, ...],
    inputs: tuple[str, ...],
    dtype: str | None,
    form: str,
    output: Path | None,
    sarif_file: Path | None,
    junit_file: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    config: Path | None,
    isolated: bool,
    fixing: bool,
    out: Path | None,
    force: bool,
    fail_on: str,
    exit_zero: bool,
    language: Language,
) -> None:
    """Say what will fail on the toolkit or the board, what will be slow, and why. Runs nothing, needs no toolkit.

    An error is known not to convert, or to fail on the board; a warning may fail, or falls to the CPU, or leaves most
    of the NPU idle; advice would suit the hardware better.

    Exit status: 0 no errors, 1 errors, 2 usage or bad input. `--fail-on` says what counts as an error.
    """
    from rkmend.checking import check, fix, together
    from rkmend.files import atomic_write
    from rkmend.graph.shapes import parse_shape_options
    from rkmend.rules.selection import ALL, Selection
    from rkmend.words import translator

    if out and (not fixing or len(models) > 1):
        raise click.UsageError("'--out' goes with '--fix' and one model.")
    machine_options.spare({"--output": output, "--sarif": sarif_file, "--junit": junit_file}, *models)
    shapes = parse_shape_options(inputs)
    wanted: list[str] = []
    parts: list[Checked] = []
    failed: list[RkmendError] = []
    for model in models:
        try:
            settings = settings_for(model, config=config, isolated=isolated)
            aims = _split(targets) or _split((settings.target or "",))
            if not aims:
                raise click.UsageError("Missing option '--target' (and no file with settings names one).")
            wanted += aims
            rules = Selection(_split(select) or settings.select or (ALL,), _split(ignore) or settings.ignore)
            if fixing:
                file = out or model.with_name(f"{model.stem}.checked.onnx")
                _spare(file, model, force)
                parts.append(fix(model, aims, file, inputs=shapes, rules=rules, dtype=dtype))
            else:
                parts.append(check(model, aims, inputs=shapes, rules=rules, dtype=dtype))
        except RkmendError as error:
            if len(models) == 1:
                raise
            failed.append(error)
    checked = together(parts)
    failing = _failing("never" if exit_zero else fail_on)
    say = translator(language)
    looked_at = [str(model) for model in models]
    for path, kind in ((sarif_file, "sarif"), (junit_file, "junit"), (output, form)):
        if path:
            text = _text(checked, kind, say, looked_at, wanted, failing)
            atomic_write(path, click.unstyle(text).rstrip("\n").encode(errors="backslashreplace") + b"\n")
    if output is None and (text := _text(checked, form, say, looked_at, wanted, failing)):
        click.echo(text.rstrip("\n"))
    for failure in failed:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {failure}", err=True)
    context.exit(2 if failed else 1 if any(found.level in failing for found in checked.findings) else 0)


def _failing(mildest: str) -> tuple[Level, ...]:
    from rkmend.rules.base import Level

    levels = tuple(Level)
    return () if mildest == "never" else levels[: levels.index(Level(mildest)) + 1]


def _text(
    checked: Checked, form: str, say: Say, models: list[str], targets: list[str], failing: tuple[Level, ...]
) -> str:
    if form == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(checked), indent=1).decode()
    if form == "junit":
        from rkmend.report.junit import junit

        return junit(checked, say, models=models, targets=targets, failing=failing)
    from rkmend.report import check_story, github, sarif

    forms = {
        "full": check_story.full,
        "concise": check_story.concise,
        "github": github.github,
        "sarif": sarif.sarif,
    }
    return forms[form](checked, say)


def _spare(file: Path, model: Path, force: bool) -> None:
    """Makes sure that no file is lost.

    Raises:
        InputError: There is one, and nobody said that it may go; or it is the model itself.
    """
    if file.exists() and model.exists() and file.samefile(model):
        raise InputError(f"{file} is the model itself", hint="Give another --out.")
    if file.exists() and not force:
        raise InputError(f"{file} exists", hint="Give another --out, or --force to replace it.")


def _split(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Options may be repeated or separated by commas."""
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())
