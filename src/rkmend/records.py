"""Conversion: what `convert` gives back and what stands in report.json, field by field the same.

The JSON schema in docs/report.schema.json is generated from these records (`python -m rkmend.report.schema report`).
"""

from __future__ import annotations

from enum import Enum

import msgspec

from rkmend.diagnose.cause.record import Cause
from rkmend.graph import TensorSpec
from rkmend.mend.interface import InterfaceChange
from rkmend.mend.proof import Proof
from rkmend.rules import Exactness, Finding
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import Tolerance
from rkmend.toolkit.verdict import OutputAgreement, Signature, Verdict

SCHEMA = "rkmend-report/1"
"""Raised when a field changes its meaning or goes away; new fields may come without."""


class Status(str, Enum):
    """How a conversion ended."""

    CONVERTED = "converted"
    """The toolkit converted the model as it is, and the simulator agrees with ONNX Runtime."""
    MENDED = "mended"
    """It did so after mends that were proved and tried."""
    PARTIAL = "partial"
    """The .rknn holds the head of the model; `tail` says what is left for the CPU."""
    REFUSED = "refused"
    """No .rknn is given; `reason` says why."""
    ENVIRONMENT = "environment"
    """The toolkit environment cannot be made; the model was not judged."""


class ModelFacts(msgspec.Struct, frozen=True):
    """The model as it was given."""

    path: str
    sha256: str
    """Over the .onnx file and its external data."""
    inputs: tuple[TensorSpec, ...]
    """After freezing."""
    outputs: tuple[TensorSpec, ...]
    opset: int
    nodes: int


class ToolkitFacts(msgspec.Struct, frozen=True):
    """The toolkit that judged."""

    version: str
    fingerprint: str
    """Hash of the versions of every package in its environment."""


class Culprit(msgspec.Struct, frozen=True):
    """The operators that the failure comes from."""

    nodes: tuple[str, ...]
    operators: tuple[str, ...]
    how: str
    """How they were found: named by the log, or by extraction of subgraphs."""
    fields: dict[str, int | float | str | bool | None]
    """What the log says of the layer: kernel, sizes, pads ..."""


class AppliedMend(msgspec.Struct, frozen=True):
    """A mend that is in the result."""

    code: str
    name: str
    nodes: tuple[str, ...]
    summary: str
    exactness: Exactness
    proof: Proof
    cycles_before: int | None
    """The compiler's estimate before the mend; None where there was none because the model did not compile."""
    cycles_after: int | None
    chip_cycles_after: int | None
    """`cycles_after` times the cores that the file leaves idle, plus one."""
    cpu_ops_before: int | None
    cpu_ops_after: int | None
    trials_converted: int
    """How many of `trials_run` repetitions of the mended model converted; all of them, or it would not be here."""
    trials_run: int


class RejectedMend(msgspec.Struct, frozen=True):
    """A mend that was considered and is not in the result."""

    code: str
    name: str
    nodes: tuple[str, ...]
    exactness: Exactness
    why: str
    cycles: int | None = None
    chip_cycles: int | None = None
    cpu_ops: int | None = None


class Tail(msgspec.Struct, frozen=True):
    """The part of a model that is not in its .rknn: it runs on the CPU, after it, on its outputs."""

    nodes: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    """Outputs of the .rknn by name, and inputs of the model where the tail needs those."""
    outputs: tuple[TensorSpec, ...]
    """Those outputs of the model that the .rknn does not give."""
    why: str
    """What the toolkit said of the operators that the tail begins with."""


class OutputCheck(msgspec.Struct, frozen=True):
    """The verification of one output: the worst of all samples."""

    output: str
    cosine: float
    max_abs: float
    max_rel: float
    tolerance: Tolerance
    ok: bool
    """Within the tolerance, or no further from it than rounding alone takes the model."""
    samples: tuple[OutputAgreement, ...]
    explained_by: str = ""
    """`fp16` or `int8`: the difference is above the tolerance and is what that rounding alone makes; see `samples`."""


class LayerCheck(msgspec.Struct, frozen=True):
    """One tensor within the network: the simulator against ONNX Runtime, on one sample."""

    tensor: str
    """Its ONNX name; tensors that the toolkit fused away are not there, and it adds some of its own."""
    operator: str
    """What makes it, as the toolkit calls it: `Conv`, `exSwish` ..."""
    node: str
    """The node of the delivered model that makes it; empty for what the toolkit added."""
    reference: str
    """What it was compared with: the `original` model's value, one of the `delivered` (mended) model, or what the
    `toolkit`'s graph gives in float32: where that is another value under the same name, or one that neither has."""
    cosine: float
    max_abs: float
    max_rel: float
    """`max_abs` divided by the largest absolute reference value."""
    finite: bool
    """Whether both have their NaN and infinities in the same places."""
    single_cosine: float | None
    """Of the layer alone on right inputs, by the toolkit's own measure; None where that is not finite."""
    ok: bool
    """Within the tolerance."""
    source: bool
    """Not within the tolerance, while what it is computed from is."""


class Layerwise(msgspec.Struct, frozen=True):
    """The verification layer by layer; see `LayerCheck`."""

    sample: str
    """Its name: one on which the model is wrong, else the first."""
    tolerance: Tolerance
    checks: tuple[LayerCheck, ...]
    """In the order in which the toolkit computes them."""
    largest_loss: str
    """The tensor in which most is lost beyond what is lost in any that it is computed from; empty for none."""
    why_not_all: str
    """What ended the comparison before its end; empty when nothing did."""
    seconds: float


class TrialFacts(msgspec.Struct, frozen=True):
    """One line of the record of trials; its log is in `folder`."""

    label: str
    folder: str
    outcome: str
    seconds: float
    signature: Signature | None
    cached: bool


class Conversion(msgspec.Struct, kw_only=True):
    """What came of a conversion."""

    schema: str = SCHEMA
    rkmend: str
    model: ModelFacts
    target: str
    toolkit: ToolkitFacts | None
    constants: tuple[TensorSpec, ...] = ()
    """Inputs of the model as it was given that are constants of this one."""
    options: BuildOptions
    """Of the delivered file: the user's, changed by option mends."""
    status: Status
    reason: str
    """Why there is no .rknn; empty when there is one."""
    first_verdict: Verdict | None
    verdict: Verdict | None
    culprits: tuple[Culprit, ...] = ()
    findings: tuple[Finding, ...] = ()
    mends: tuple[AppliedMend, ...] = ()
    rejected_mends: tuple[RejectedMend, ...] = ()
    verification: tuple[OutputCheck, ...] = ()
    layerwise: Layerwise | None = None
    """None where nothing converted, where nobody asked, or where it would have taken too long."""
    interface: tuple[InterfaceChange, ...] = ()
    """Where inputs and outputs of the .rknn are not those of the model as it was given."""
    tail: Tail | None = None
    """What is left for the CPU; only where `status` is `partial`."""
    cause: Cause | None = None
    """Why the model failed as it was given; None when it did not, or when nobody asked."""
    trials: tuple[TrialFacts, ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}
    """What was written, by kind: `rknn`, `mended`, `recipe`, `head`, `tail`, `report`, `page`, `trials`, `repro`."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether a verified .rknn was written."""
        return self.status in (Status.CONVERTED, Status.MENDED, Status.PARTIAL)
