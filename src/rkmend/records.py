"""Conversion: what `convert` gives back and what stands in report.json, field by field the same.

The JSON schema in docs/report.schema.json is generated from these records (`python -m rkmend.report.schema`).
"""

from __future__ import annotations

from enum import Enum

import msgspec

from rkmend.diagnose.cause.record import Cause
from rkmend.graph import TensorSpec
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


class OutputCheck(msgspec.Struct, frozen=True):
    """The verification of one output: the worst of all samples."""

    output: str
    cosine: float
    max_abs: float
    max_rel: float
    tolerance: Tolerance
    ok: bool
    samples: tuple[OutputAgreement, ...]


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
    cause: Cause | None = None
    """Why the model failed as it was given; None when it did not, or when nobody asked."""
    trials: tuple[TrialFacts, ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}
    """What was written, by kind: `rknn`, `mended`, `report`, `trials`, `repro`."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether a verified .rknn was written."""
        return self.status in (Status.CONVERTED, Status.MENDED)
