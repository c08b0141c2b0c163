"""`rkmend verify A.onnx B.onnx`: whether two models compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rkmend.verification import Comparison


@click.command("verify")
@click.argument("a", metavar="A.onnx", type=click.Path(path_type=Path))
@click.argument("b", metavar="B.onnx", type=click.Path(path_type=Path))
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=SHAPE",
    help="Static shape of a dynamic input of A: images=1x3x640x640, or NAME=scalar. Repeatable.",
)  # fmt: skip
@click.option("--samples", type=click.Path(path_type=Path), metavar="FILE.npz",
              help="Your own inputs besides the generated ones, by input name of A.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the generated inputs.")
@click.option("--provider", metavar="NAME",
              help="Run B with this execution provider of ONNX Runtime: cuda, openvino, tensorrt ...")  # fmt: skip
@click.option("--reference", is_flag=True, help="Run B with the reference evaluator of the onnx package.")
@click.option("--tolerance", type=click.FloatRange(min=0), metavar="SHARE",
              help="Largest difference allowed, as a share of the largest value of the output of A.")  # fmt: skip
@click.option("--cosine", type=click.FloatRange(-1, 1), help="Smallest cosine similarity allowed.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    context: click.Context,
    a: Path,
    b: Path,
    inputs: tuple[str, ...],
    samples: Path | None,
    seed: int,
    provider: str | None,
    reference: bool,
    tolerance: float | None,
    cosine: float | None,
    form: str,
) -> None:
    """Compare what A.onnx and B.onnx compute on random, all-zero and all-one inputs, and on your own.

    A is the reference: ONNX Runtime runs it on the CPU. It also runs B, unless --provider or --reference says
    otherwise. A second opinion on one model: rkmend verify M.onnx M.onnx --reference

    Exit status: 0 they agree, 1 they differ, 2 bad input.
    """
    if provider and reference:
        raise click.UsageError("--provider and --reference both say what runs B; give one of them")
    import msgspec

    from rkmend.graph import parse_shape_options
    from rkmend.verification import Engine, verify
    from rkmend.verification.runner import CPU, REFERENCE

    comparison = verify(
        a,
        b,
        inputs=parse_shape_options(inputs),
        samples=samples,
        seed=seed,
        engine=Engine(REFERENCE) if reference else Engine(provider=provider or CPU),
        max_rel=tolerance,
        cosine=cosine,
    )
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(comparison), indent=2))
    else:
        click.echo(_text(comparison))
    context.exit(0 if comparison.ok else 1)


def _text(comparison: Comparison) -> str:
    """The comparison as a table: one row per output and sample."""
    rows = [("output", "sample", "cosine", "max abs", "max rel", "worst channel", "")]
    for check in comparison.checks:
        found = check.found
        remark = "shapes differ" if not found.shape_ok else "" if found.finite else "NaN or infinity differs"
        rows.append(
            (
                found.output,
                found.sample,
                f"{found.cosine:.7f}",
                f"{found.max_abs:.3g}",
                f"{found.max_rel:.3g}",
                f"{found.worst_channel_cosine:.7f}",
                "ok" if check.ok else f"DIFFERS {remark}".rstrip(),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"{name}  {side.path} ({side.engine})" for name, side in (("A", comparison.a), ("B", comparison.b))
    ]
    lines += [f"note: {note}" for note in comparison.notes]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    tolerances = {check.tolerance.dtype: check.tolerance for check in comparison.checks}.values()
    lines += [
        f"tolerance for {item.dtype}: cosine >= {item.cosine:g}, max rel <= {item.max_rel:g}: {item.reason}"
        for item in tolerances
    ]
    wrong = sum(not check.ok for check in comparison.checks)
    end = f"{wrong} of {len(comparison.checks)} comparisons differ" if wrong else "the models agree"
    return "\n".join([*lines, end])
