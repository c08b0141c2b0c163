"""Whether two ONNX models compute the same: run on the same inputs, compared output by output."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from rkmend.errors import InputError
from rkmend.graph import Model, TensorSpec, bind, load
from rkmend.npz import read_npz
from rkmend.paths import scratch_dir
from rkmend.toolkit.inside.compare import compare
from rkmend.toolkit.tolerance import Tolerance
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.verification.runner import REFERENCE, Engine, Run, run_model
from rkmend.verification.samples import make_samples

OLD_OPSET = 13
"""Softmax got its present meaning here; the evaluator applies it to older models too (own trial, onnx 1.23.2)."""

_RESIDUE = 2.0**-20
"""What is left of a sum that is zero in real arithmetic, for terms around 1: 2^-24 for each of a few terms."""

_FLOAT32 = Tolerance(
    dtype="float32",
    cosine=0.99999,
    channel_cosine=0.9999,
    max_rel=1e-4,
    floor=_RESIDUE,
    reason="a float32 sum of K terms in another order differs by up to K * 2^-24 of its largest partial sum, "
    "by about sqrt(K) * 2^-24 as a rule; 1e-4 is K = 1700 at worst and far more as a rule, layer upon layer",
)
_FLOAT16 = Tolerance(
    dtype="float16",
    cosine=0.9999,
    channel_cosine=0.999,
    max_rel=1e-2,
    floor=2.0**-10,
    reason="each float16 operation rounds to 2^-11 (0.05 %); where the rounding falls differs from runtime to "
    "runtime, and 1 % is the random walk of 400 roundings",
)
_BFLOAT16 = Tolerance(
    dtype="bfloat16",
    cosine=0.999,
    channel_cosine=0.99,
    max_rel=8e-2,
    floor=2.0**-7,
    reason="as for float16, with roundings to 2^-8 (0.4 %)",
)
_EXACT = Tolerance(
    dtype="integer",
    cosine=-1.0,
    channel_cosine=-1.0,
    max_rel=0.0,
    floor=0.0,
    reason="integers are not rounded: they are the same or they are not",
)
_TOLERANCES = {"float16": _FLOAT16, "bfloat16": _BFLOAT16, "float32": _FLOAT32, "float64": _FLOAT32}


class Side(msgspec.Struct, frozen=True):
    """One of the two models."""

    path: str
    sha256: str
    """Over the .onnx file and its external data."""
    engine: str
    """What ran it."""


class Check(msgspec.Struct, frozen=True):
    """One output on one sample."""

    found: OutputAgreement
    tolerance: Tolerance
    ok: bool


class Comparison(msgspec.Struct, frozen=True):
    """How two models agree."""

    a: Side
    """The reference."""
    b: Side
    inputs: tuple[TensorSpec, ...]
    """Of the first model, with the shapes that were used."""
    samples: tuple[str, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    """How inputs and outputs were matched, where the names do not say it."""
    ok: bool
    seconds: float


def verify(
    a: str | Path,
    b: str | Path,
    *,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    samples: str | Path | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    max_rel: float | None = None,
    cosine: float | None = None,
) -> Comparison:
    """Compares two models.

    Args:
        a: The reference; ONNX Runtime runs it on the CPU.
        b: The other one.
        inputs: Static shapes for dynamic inputs, by their name in `a`. What `b` fixes need not be given.
        samples: An .npz of the user's own inputs, by their name in `a`, besides the generated ones.
        seed: Of the generated samples.
        engine: What runs `b`; ONNX Runtime on the CPU by default.
        max_rel: The largest difference to allow, as a share of the largest reference value, in the place of
            the tolerance that belongs to the dtype of the output.
        cosine: The smallest cosine similarity to allow, likewise.

    Raises:
        InputError: A model or a file cannot be used, or the models do not take and give alike.
    """
    started = time.monotonic()
    first, second = load(Path(a)), load(Path(b))
    engine = engine or Engine()
    order, notes = _match(first.inputs, second.inputs, "inputs")
    if engine.kind == REFERENCE and second.opset < OLD_OPSET:
        notes += (
            f"{b} has opset {second.opset}: the reference evaluator knows operators as they are since {OLD_OPSET}",
        )
    specs = _common_inputs(first, second, order, dict(inputs or {}))
    with scratch_dir() as scratch:
        made = make_samples(
            specs, scratch, seed=seed, user=Path(samples) if samples else None, outputs=first.outputs
        )
        run_a = run_model(first.path, made, scratch / "a")
        run_b = run_model(second.path, made, scratch / "b", engine=engine, order=order)
        pairs, more = _match(run_a.output_specs, run_b.output_specs, "outputs")
        checks = tuple(_checks(run_a, run_b, pairs, [sample.name for sample in made], max_rel, cosine))
    return Comparison(
        a=Side(str(a), first.sha256, run_a.engine),
        b=Side(str(b), second.sha256, run_b.engine),
        inputs=specs,
        samples=tuple(sample.name for sample in made),
        checks=checks,
        notes=(*notes, *more),
        ok=all(check.ok for check in checks),
        seconds=time.monotonic() - started,
    )


def _match(
    first: Sequence[TensorSpec], second: Sequence[TensorSpec], what: str
) -> tuple[list[int], tuple[str, ...]]:
    """For each of `second` the number of its counterpart in `first`: of the same name if the names are the same."""
    names, others = [spec.name for spec in first], [spec.name for spec in second]
    if sorted(names) == sorted(others):
        return [names.index(name) for name in others], ()
    if len(names) == len(others):
        pairs = ", ".join(f"{name} = {other}" for name, other in zip(names, others, strict=True))
        return list(range(len(names))), (
            f"the {what} have different names and are matched by order: {pairs}",
        )
    raise _different(first, second, what)


def _common_inputs(
    first: Model, second: Model, order: Sequence[int], shapes: dict[str, tuple[int, ...]]
) -> tuple[TensorSpec, ...]:
    """The inputs of the first model with shapes that both models take."""
    fixed = {
        first.inputs[number].name: spec.sizes
        for spec, number in zip(second.inputs, order, strict=True)
        if spec.static and not first.inputs[number].static
    }
    specs = bind(first.inputs, {**fixed, **shapes})
    wanted = [specs[number] for number in order]
    try:
        found = bind(
            second.inputs, {other.name: spec.sizes for other, spec in zip(second.inputs, wanted, strict=True)}
        )
    except InputError as error:
        raise _different(specs, second.inputs, "inputs") from error
    if [spec.dtype for spec in found] != [spec.dtype for spec in wanted]:
        raise _different(specs, second.inputs, "inputs")
    return specs


def _checks(
    a: Run, b: Run, pairs: Sequence[int], samples: Sequence[str], max_rel: float | None, cosine: float | None
) -> Iterator[Check]:
    """Compares the outputs in the order of `a`, one pair in memory at a time; see `_match` for `pairs`."""
    for sample, mine, theirs in zip(samples, a.outputs, b.outputs, strict=True):
        for number, spec in enumerate(a.output_specs):
            other = pairs.index(number)
            record = compare(
                read_npz(mine, f"output{number}"),
                read_npz(theirs, f"output{other}"),
                output=spec.name,
                sample=sample,
            )
            found = msgspec.convert(record, OutputAgreement)
            tolerance = _tolerance(spec.dtype, b.output_specs[other].dtype, max_rel, cosine)
            yield Check(found, tolerance, tolerance.holds(found))


def _tolerance(dtype: str, other: str, max_rel: float | None, cosine: float | None) -> Tolerance:
    """That of the coarser of two dtypes, with the user's own limits in it."""
    tolerance = max((_TOLERANCES.get(name, _EXACT) for name in (dtype, other)), key=lambda item: item.max_rel)
    if max_rel is not None:
        tolerance = msgspec.structs.replace(tolerance, max_rel=max_rel, reason="asked for")
    if cosine is not None:
        tolerance = msgspec.structs.replace(
            tolerance, cosine=cosine, channel_cosine=cosine, reason="asked for"
        )
    return tolerance


def _different(first: Sequence[TensorSpec], second: Sequence[TensorSpec], what: str) -> InputError:
    listed = ("; ".join(map(str, specs)) or "none" for specs in (first, second))
    return InputError(
        f"the models have different {what} and cannot be compared: " + " against ".join(listed),
        hint="Both must take and give the same number of tensors of the same dtypes and shapes.",
    )
