"""Loudness: how much of the noise of an int8 build each tensor makes, and which ones make nearly all of it.

How far off a rounded tensor is itself says little: what is lost of a detector's first activation can drown what sixty
layers make of it, while more in another place is averaged away. So each tensor is rounded alone and the outputs are
looked at. That is one run a tensor of a model that holds the rounding of all of them, each behind a switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph import infer, save
from rkmend.npz import write_npz
from rkmend.toolkit.tolerance import INT8
from rkmend.verification.fused import fused
from rkmend.verification.int8 import Range, ranges, rounding_nodes
from rkmend.verification.rounding import rounded
from rkmend.verification.runner import run_model
from rkmend.verification.samples import Sample

if TYPE_CHECKING:
    import onnx_ir as ir

    Outputs = list[np.ndarray[Any, np.dtype[Any]]]

AIM = float(np.sqrt(1 - INT8.cosine**2))
"""What the noise of all other tensors may come to, as a share of the signal: the edge of the tolerance."""
BATCH = 16
"""Runs of which the outputs are on the disk at the same time."""
SWITCHES = "rkmend/switches"


def loudest(
    model: ir.Model, samples: Sequence[Sample], folder: Path, apart: Iterable[str] = ()
) -> tuple[str, ...]:
    """The fewest tensors without whose rounding the noise of an int8 build is within the tolerance, loudest first.

    Args:
        model: With inferred shapes.
        samples: Calibration samples; the first is looked at.
        folder: Of its own.
        apart: Tensors that are not rounded.

    Raises:
        InputError: ONNX Runtime cannot run the model.
    """
    within = {str(value.name) for value in fused(model)} | set(apart)
    measured = {
        name: ends for name, ends in ranges(model, samples, folder / "ranges").items() if name not in within
    }
    noises = sorted(_noises(model, measured, samples[0], folder), reverse=True)
    rest = sum(noise for noise, _name in noises)
    found = []
    for noise, name in noises:
        if rest <= AIM**2:
            break
        found.append(name)
        rest -= noise
    return tuple(found)


def _noises(
    model: ir.Model, measured: Mapping[str, Range], sample: Sample, folder: Path
) -> Iterator[tuple[float, str]]:
    """Of each tensor that is rounded alone: the power of the noise, as a share of that of the worst output."""
    names: list[str] = []
    switched = _switched(model, measured, names)
    save(switched, folder / "switched.onnx")
    with np.load(sample.path) as arrays:
        inputs = [arrays[f"input{index}"] for index in range(len(arrays.files))]
    runs = _runs(folder, inputs, len(names))
    exact = next(runs)
    heard = [index for index, array in enumerate(exact) if np.abs(array).max(initial=0) > INT8.floor]
    for name, outputs in zip(names, runs, strict=True):
        shares = [_share(exact[index], outputs[index]) for index in heard]
        yield max(shares, default=0.0), name


def _share(exact: Any, noisy: Any) -> float:  # noqa: ANN401 - arrays
    return float(np.square(noisy - exact).sum() / np.square(exact).sum())


def _switched(model: ir.Model, measured: Mapping[str, Range], names: list[str]) -> ir.Model:
    """A copy with an input more, 1 where a tensor is rounded and 0 where not; the names are filled in in that order."""
    import onnx_ir as ir

    switches = ir.Value(name=SWITCHES, type=ir.TensorType(ir.DataType.FLOAT))

    def rounder(value: ir.Value, number: int) -> Sequence[ir.Node]:
        steps = rounding_nodes(value, number, seed=0, measured=measured)
        if not steps:
            return ()
        place = ir.node("Constant", [], {"value": ir.tensor(np.int64(len(names)))})
        names.append(str(value.name))
        switch = ir.node("Gather", [switches, place.outputs[0]])
        exact, full = steps[0].outputs[0], steps[-2].outputs[0]
        off = ir.node("Sub", [full, exact])
        gated = ir.node("Mul", [off.outputs[0], switch.outputs[0]])
        total = ir.node("Add", [exact, gated.outputs[0]])
        back = ir.node("Cast", total.outputs, {"to": value.dtype})
        return [*steps[:-1], place, switch, off, gated, total, back]

    copy = rounded(model, _as_it_is, rounder)
    switches.shape = ir.Shape([len(names)])
    copy.graph.inputs.append(switches)
    infer(copy)
    return copy


def _as_it_is(value: ir.Value) -> Any:  # noqa: ANN401 - an array
    assert value.const_value is not None
    return value.const_value.numpy()


def _runs(folder: Path, inputs: Outputs, count: int) -> Iterator[Outputs]:
    """What the model gives with every switch off, then with one on at a time, in float64."""
    masks = iter(np.eye(count + 1, count, -1, np.float32))
    while batch := list(islice(masks, BATCH)):
        fed = []
        for number, mask in enumerate(batch):
            path = folder / f"switched-{number}.npz"
            write_npz(path, ((f"input{index}", array) for index, array in enumerate([*inputs, mask])))
            fed.append(Sample(path.stem, path))
        for path in run_model(folder / "switched.onnx", fed, folder / "outputs").outputs:
            with np.load(path) as arrays:
                yield [arrays[f"output{index}"].astype(np.float64) for index in range(len(arrays.files))]
