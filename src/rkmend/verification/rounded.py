"""A mended model without the toolkit: run as an fp16 NPU rounds, and held against the original as a simulator is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.graph import save
from rkmend.npz import read_npz
from rkmend.toolkit.inside.compare import compare
from rkmend.toolkit.inside.noise import known_noise, measure
from rkmend.toolkit.trial import Reference
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.verification import samples as sampling
from rkmend.verification.half import in_half
from rkmend.verification.runner import run_model

if TYPE_CHECKING:
    import onnx_ir as ir


def agreement(model: ir.Model, reference: Reference, path: Path) -> tuple[OutputAgreement, ...]:
    """How a model that is rounded to fp16 in ONNX Runtime agrees with what the original computes.

    Args:
        model: With inferred shapes.
        reference: Of the original, in the form of this model's inputs and outputs.
        path: Where the rounded model is saved; its outputs go into a folder of that name without the suffix.

    Raises:
        InputError: ONNX Runtime cannot run it.
    """
    save(in_half(model), path)
    fed = [sampling.Sample(sample.name, sample.inputs) for sample in reference.samples]
    run = run_model(path, fed, path.with_suffix(""))
    return tuple(_agreements(reference, run.outputs))


def _agreements(reference: Reference, outputs: tuple[Path, ...]) -> Iterator[OutputAgreement]:
    for sample, given in zip(reference.samples, outputs, strict=True):
        for number, name in enumerate(reference.output_names):
            want, got = (read_npz(path, f"output{number}") for path in (sample.outputs, given))
            record = compare(want, got, output=name, sample=sample.name)
            known = known_noise(str(sample.noise) if sample.noise else None, name)
            if known and record["shape_ok"]:
                record["noise"] = measure(want, got, known)
            yield msgspec.convert(record, OutputAgreement)
