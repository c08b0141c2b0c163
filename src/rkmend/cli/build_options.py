"""The toolkit's build options, as several commands take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rkmend.toolkit.options import BuildOptions

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--optimization-level", type=click.IntRange(0, 3), default=3, show_default=True),
    click.option(
        "--disable-rule", "disable_rules", multiple=True, metavar="NAME", help="A toolkit rule to leave out."
    ),
    click.option(
        "--op-target", "op_targets", multiple=True, metavar="OP=cpu|npu", help="Where an operator runs."
    ),
    click.option("--single-core", is_flag=True, help="Build for one NPU core only."),
    click.option("--compress-weight", is_flag=True, help="Let the toolkit compress the weights."),
)


def build_options(command: F) -> F:
    """Adds the options to a command, which hands them to `from_options`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def from_options(
    optimization_level: int,
    disable_rules: tuple[str, ...],
    op_targets: tuple[str, ...],
    single_core: bool,
    compress_weight: bool,
    **others: Any,  # noqa: ANN401 - further fields of BuildOptions, which checks them
) -> BuildOptions:
    """What the options say.

    Raises:
        click.BadParameter: A place that is none.
    """
    from rkmend.toolkit.options import BuildOptions

    return BuildOptions(
        optimization_level=optimization_level,
        disable_rules=disable_rules,
        op_target=dict(_pair(text) for text in op_targets),
        single_core_mode=single_core,
        compress_weight=compress_weight,
        **others,
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, place = text.rpartition("=")
    if not name or place not in ("cpu", "npu", "auto"):
        raise click.BadParameter(f"'{text}' is not OP=cpu, OP=npu or OP=auto", param_hint="--op-target")
    return name, place
