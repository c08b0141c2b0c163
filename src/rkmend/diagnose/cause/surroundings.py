"""The same model in other surroundings: another target, another toolkit, other build options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from rkmend.diagnose.cause.outcome import outcome_of
from rkmend.diagnose.cause.record import Experiment
from rkmend.diagnose.oracle import BudgetSpent, Candidate, Oracle
from rkmend.errors import EnvironmentFailure
from rkmend.rules.base import Exactness
from rkmend.targets import Target, load_target, target_names
from rkmend.toolkit.environments import Toolkit, fingerprint, installed, supported_versions, unusable
from rkmend.toolkit.options import BuildOptions

if TYPE_CHECKING:
    import onnx_ir as ir

LEVELS = (0, 1, 2, 3)
"""Of `optimization_level` (API guide 2.3.2, `rknn.config`)."""


@dataclass(frozen=True)
class Surrounding:
    """Where a model is converted.

    Attributes:
        change: What is different, for the report: `target rk3576 instead of rk3588`.
        exactness: Whether the model that is built computes the same.
        target: Convert for it.
        toolkit: With it.
        options: With these.
        cold: In a toolkit process that was started for this one trial and from no memory: the caller gives an
            oracle whose Trials are used for nothing else and have no cache.
    """

    change: str
    exactness: Exactness
    target: Target
    toolkit: Toolkit
    options: BuildOptions
    cold: bool = False

    @property
    def quantize(self) -> bool:
        """Whether calibration data is needed."""
        return self.options.quantize


@dataclass(frozen=True)
class NotTried:
    """Surroundings that are not to be had.

    Attributes:
        change: As of a Surrounding.
        reason: Why not.
        exactness: As of a Surrounding.
    """

    change: str
    reason: str
    exactness: Exactness = Exactness.EXACT


def surroundings(target: Target, toolkit: Toolkit, options: BuildOptions) -> Iterator[Surrounding | NotTried]:
    """What else there is, the cheapest and most telling first: a toolkit that is not imported yet costs seconds.

    Args:
        target: Where the model fails; likewise `toolkit` and `options`.
        toolkit: See `target`.
        options: See `target`.
    """
    here = Surrounding("", Exactness.EXACT, target, toolkit, options)
    yield from _other_options(here)
    yield _other_dtype(here)
    yield from _other_targets(here)
    yield replace(here, change="a toolkit process started for this one trial", cold=True)
    yield _other_pins(here)
    yield from _other_versions(here)


def try_surroundings(
    items: Iterable[Surrounding | NotTried],
    model: ir.Model,
    oracle_for: Callable[[Surrounding], Oracle],
    failure: str,
) -> list[Experiment]:
    """Tries a model in other surroundings, one after the other.

    Args:
        items: As many as the budgets of the oracles allow are tried.
        model: The culprit or the reproducer.
        oracle_for: The oracle of a Surrounding.
        failure: Of the model where it comes from.

    Returns:
        One Experiment for each item. Where the toolkit cannot be used or the budget is spent none was tried; the
        reason is there.
    """
    return [_experiment(item, model, oracle_for, failure) for item in items]


def _experiment(
    item: Surrounding | NotTried, model: ir.Model, oracle_for: Callable[[Surrounding], Oracle], failure: str
) -> Experiment:
    if isinstance(item, NotTried):
        return Experiment("surroundings", item.change, "not tried", None, item.exactness.value, item.reason)
    try:
        ((_, seen),) = oracle_for(item).observe([Candidate(model, item.change)])
    except (BudgetSpent, EnvironmentFailure) as error:
        return Experiment("surroundings", item.change, "not tried", None, item.exactness.value, error.message)
    outcome = outcome_of(seen, failure)
    return Experiment("surroundings", item.change, outcome, seen, item.exactness.value)


def _other_options(here: Surrounding) -> Iterator[Surrounding | NotTried]:
    single = not here.options.single_core_mode
    change = f"build option single_core_mode={single}"
    if here.target.cores > 1:
        yield _with_options(here, change, single_core_mode=single)
    else:
        yield NotTried(change, f"{here.target.name} has one core")
    for level in LEVELS:
        if level != here.options.optimization_level:
            yield _with_options(here, f"build option optimization_level={level}", optimization_level=level)
    compress = not here.options.compress_weight
    yield _with_options(here, f"build option compress_weight={compress}", compress_weight=compress)


def _other_dtype(here: Surrounding) -> Surrounding | NotTried:
    quantized = here.options.quantize
    dtype, change = ("fp16", "fp16 instead of int8") if quantized else ("int8", "int8 instead of fp16")
    if dtype not in here.target.dtypes:
        return NotTried(change, f"{here.target.name} does not take {dtype}", Exactness.CHANGES_MODEL)
    other = _with_options(here, change, quantize=not quantized)
    return replace(other, exactness=Exactness.CHANGES_MODEL)  # nobody states by how much the numbers differ


def _other_targets(here: Surrounding) -> Iterator[Surrounding | NotTried]:
    dtype = "int8" if here.options.quantize else "fp16"
    for name in target_names():
        target, change = load_target(name), f"target {name} instead of {here.target.name}"
        if target == here.target:
            continue
        if dtype in target.dtypes:
            yield replace(here, change=change, target=target)
        else:
            yield NotTried(change, f"{name} does not take {dtype}")


def _other_pins(here: Surrounding) -> Surrounding | NotTried:
    """An environment of the same version that is there with other packages, left by an earlier rkmend."""
    version, change = here.toolkit.version, "an environment with other pins"
    for folder in unusable():
        python = folder / "bin" / "python"
        finished = (folder / "ready.json").exists() and python.exists()
        if (
            finished
            and folder.name.startswith(f"{version}-cp")
            and fingerprint(folder) != here.toolkit.fingerprint
        ):
            return replace(here, change=change, toolkit=Toolkit(version, python, fingerprint(folder)))
    return NotTried(
        change, f"there is only one environment of RKNN-Toolkit2 {version}, with the pins it was tested with"
    )


def _other_versions(here: Surrounding) -> Iterator[Surrounding | NotTried]:
    """Those that are installed first."""
    ready = {toolkit.version: toolkit for toolkit in installed()}
    missing = [version for version in supported_versions() if version not in ready]
    for version in (*reversed(ready), *missing):
        change = f"RKNN-Toolkit2 {version} instead of {here.toolkit.version}"
        if version == here.toolkit.version:
            continue
        if version in ready:
            yield replace(here, change=change, toolkit=ready[version])
        else:
            yield NotTried(change, f"not installed: rkmend toolkit install {version}")


def _with_options(here: Surrounding, change: str, **options: Any) -> Surrounding:  # noqa: ANN401
    return replace(here, change=change, options=msgspec.structs.replace(here.options, **options))
