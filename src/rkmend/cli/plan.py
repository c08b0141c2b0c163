"""`rkmend plan`: how each layer is cut and what it costs."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.cli import run_options
from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.planning import LayerPlan, Plan
    from rkmend.words import Language, Say

WIDTH = 100
"""Of the table where no terminal says otherwise."""


@click.command("plan")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", metavar="SOC", help="rk3588, rk3576, rk3566, rv1106, ...")
@run_options.inputs
@click.option(
    "--dtype", type=click.Choice(["fp16", "int8"]), help="What the NPU computes in; default: fp16 if it can."
)
@click.option("--node", metavar="NAME", help="All about one layer, and with --svg the picture of its tiling.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Every operator as a row."
)
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), metavar="FILE",
              help="A picture: the roofline of the network, or the tiling of --node.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The whole plan, or the layer of --node, as JSON.")
@run_options.config
@run_options.isolated
@run_options.language
def command(
    model: Path,
    target: str | None,
    inputs: tuple[str, ...],
    dtype: str | None,
    node: str | None,
    csv_file: Path | None,
    svg_file: Path | None,
    as_json: bool,
    config: Path | None,
    isolated: bool,
    language: Language,
) -> None:
    """Plan MODEL.onnx: how each layer is cut for the NPU, and what it costs. Needs no toolkit.

    docs/plan.md explains every figure.

    Exit status: 0 planned; 2 usage or bad input.
    """
    from rkmend.cli.settings import settings_for
    from rkmend.graph import parse_shape_options
    from rkmend.planning import plan
    from rkmend.words import translator

    target = target or settings_for(model, config=config, isolated=isolated).target
    if target is None:
        raise click.UsageError("Missing option '--target' (and no file with settings names one).")
    planned = plan(model, target=target, dtype=dtype, inputs=parse_shape_options(inputs))
    layer = _layer(planned, node) if node is not None else None
    if csv_file:
        _write_csv(csv_file, planned)
    if svg_file:
        _write_svg(svg_file, planned, layer)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(layer or planned), indent=1))
    elif layer:
        from rkmend.report.layer_story import layer_story

        click.echo(layer_story(layer, planned, translator(language)))
    else:
        _print_table(planned, translator(language))


def _layer(planned: Plan, name: str) -> LayerPlan:
    """The layer of this name.

    Raises:
        InputError: There is none; with the nearest.
    """
    names = {layer.name: layer for layer in planned.layers}
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        near = near or [known for known in names if name in known][:3]
        raise InputError(
            f"the plan has no layer '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""),
            hint="Near it: " + ", ".join(near) if near else "`rkmend plan MODEL --csv FILE` lists all names.",
        )
    return names[name]


def _print_table(planned: Plan, say: Say) -> None:
    import sys

    from rich.console import Console

    from rkmend.report.plan_story import plan_table, sums

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    console.print(plan_table(planned))
    click.echo()
    click.echo(sums(planned, say))


def _write_csv(path: Path, planned: Plan) -> None:
    import csv
    import io

    from rkmend.files import atomic_write
    from rkmend.report.plan_story import csv_rows

    text = io.StringIO(newline="")
    csv.writer(text).writerows(csv_rows(planned.layers))
    atomic_write(path, text.getvalue().encode())


def _write_svg(path: Path, planned: Plan, layer: LayerPlan | None) -> None:
    from rkmend.files import atomic_write
    from rkmend.report.plan_pictures import network_picture, tiling_picture

    atomic_write(path, tiling_picture(layer, planned) if layer else network_picture(planned))
