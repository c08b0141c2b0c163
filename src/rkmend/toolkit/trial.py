"""Trial: one conversion attempt, as a value with a key, and the numbers it is held against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rkmend.graph import TensorSpec
from rkmend.targets import Target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions

KEY_VERSION = 3
"""Part of every key: raise it when what a Verdict means changes, and old cache entries are never read again."""


@dataclass(frozen=True)
class Sample:
    """One input sample with what ONNX Runtime makes of it.

    Attributes:
        name: For the report, for example `normal` or `zeros`.
        inputs: An .npz with `input0`, `input1`, ... in the order of the graph inputs, as the simulator gets them.
        outputs: An .npz with `output0`, `output1`, ... in the order of the graph outputs.
        noise: An .npz with what rounding alone does to the outputs, by name; None where nobody measured it.
        network: Like `inputs`, as the original model gets them, after mean and std; None where nobody kept them.
    """

    name: str
    inputs: Path
    outputs: Path
    noise: Path | None = None
    network: Path | None = None


@dataclass(frozen=True)
class Reference:
    """What the ORIGINAL model computes: a simulator that disagrees makes the verdict `wrong`.

    Attributes:
        digest: Hash of the original model and of how the inputs were made.
        output_names: In graph order.
        samples: At least one.
        inputs: What they were made for.
        outputs: What came out.
        parts: An .npz that says which elements of an output belong together, where it joins several tensors.
        measure: Gives the same with the noise of its samples, for which the model is run several times more: what
            rounding to int8 does if it is told that the build is an int8 one, but for tensors that it may be told of
            second, else to fp16. None where that is done.
    """

    digest: str
    output_names: tuple[str, ...]
    samples: tuple[Sample, ...]
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    parts: Path | None = None
    measure: Callable[..., Reference] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Calibration:
    """The data that an int8 build measures its ranges on.

    Attributes:
        digest: Hash of the arrays, in order.
        listing: The toolkit's dataset file: one line a sample, one path an input.
    """

    digest: str
    listing: Path


@dataclass(frozen=True)
class Limits:
    """Where a Trial is ended.

    Attributes:
        seconds: Wall time.
        memory_mb: Resident memory of the trial's processes, besides what they share with the warm worker.
        log_mb: What it prints. Networks of thousands of operators print a few megabytes; a compiler that runs for ever
            prints gigabytes (2.3.2, rk3576, a Conv of 31x31 with dilation 2: 5 MB a second).
    """

    seconds: float = 900.0
    memory_mb: int = 16384
    log_mb: int = 64


@dataclass(frozen=True)
class Trial:
    """Model x Target x Toolkit x BuildOptions.

    Attributes:
        label: A few words for the report, for example `the model as it is`.
        model: An ONNX file with static shapes.
        digest: Content hash of the model and its weights.
    """

    label: str
    model: Path
    digest: str
    target: Target
    toolkit: Toolkit
    options: BuildOptions = field(default_factory=BuildOptions)
    calibration: Calibration | None = None
    reference: Reference | None = None

    @property
    def key(self) -> str:
        """What the cache knows the Trial by; equal keys mean equal trials."""
        parts = (
            KEY_VERSION,
            self.digest,
            self.target.name,
            self.toolkit.version,
            self.toolkit.fingerprint,
            msgspec.json.encode(self.options).decode(),
            self.calibration.digest if self.calibration else "",
            self.reference.digest if self.reference else "",
        )
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()

    def request(self, folder: Path, rknn: Path) -> dict[str, Any]:
        """What `inside/attempt.py` is asked.

        Args:
            folder: Where it runs; see `Worker.run`.
            rknn: Where it exports to.
        """
        reference = self.reference
        return {
            "folder": str(folder),
            "model": str(self.model),
            "target": self.target.name,
            "config": self.options.config(),
            "quantize": self.options.quantize,
            "float16": list(self.options.float16_tensors),
            "dataset": str(self.calibration.listing) if self.calibration else None,
            "rknn": str(rknn),
            "samples": [
                {
                    "name": sample.name,
                    "inputs": str(sample.inputs),
                    "outputs": str(sample.outputs),
                    "noise": str(sample.noise) if sample.noise else None,
                }
                for sample in (reference.samples if reference else ())
            ],
            "output_names": list(reference.output_names) if reference else [],
            "parts": str(reference.parts) if reference and reference.parts else None,
        }
