"""Verdict: what one Trial gave. Plain records, the same in memory, in the cache and in report.json."""

from __future__ import annotations

from enum import Enum

import msgspec

from rkmend.words import N_


class Outcome(str, Enum):
    """How a Trial ended. Only `converted` is good."""

    CONVERTED = "converted"
    REJECTED = "rejected"
    """The toolkit raised a Python exception or returned an error code."""
    ABORTED = "aborted"
    """The toolkit's native code ended the process with a signal of its own (SIGABRT, SIGSEGV, SIGFPE ...)."""
    HUNG = "hung"
    """The time limit passed."""
    EXHAUSTED = "exhausted"
    """The memory limit passed, or the toolkit could not allocate."""
    UNSOUND = "unsound"
    """A file was exported although the compiler logged errors that make it fail on the board."""
    WRONG = "wrong"
    """A file was exported, but the simulator disagrees with ONNX Runtime."""
    KILLED = "killed"
    """Killed from outside (the machine ran out of memory, or somebody killed it): says nothing about the model."""

    @property
    def sentence(self) -> str:
        """What happened, without capital and full stop."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.CONVERTED: N_("the toolkit converted the model"),
    Outcome.REJECTED: N_("the toolkit rejected the model"),
    Outcome.ABORTED: N_("the toolkit's native code ended its process"),
    Outcome.HUNG: N_("the toolkit did not finish within the time limit"),
    Outcome.EXHAUSTED: N_("the toolkit ran out of memory"),
    Outcome.UNSOUND: N_("the toolkit exported a file that will fail on the board"),
    Outcome.WRONG: N_("the toolkit exported a file that computes something else"),
    Outcome.KILLED: N_("the toolkit was killed from outside, which says nothing about the model"),
}


class Stage(str, Enum):
    """How far the toolkit came, in its own order."""

    CONFIG = "config"
    LOAD = "load"
    BUILD = "build"
    EXPORT = "export"
    SIMULATE = "simulate"
    DONE = "done"


class Signature(msgspec.Struct, frozen=True):
    """Two trials fail alike when their Signatures are equal.

    `message` is normalised: no times, addresses, node names or sizes.
    """

    stage: Stage
    kind: str
    """Exception class, signal name, `returned <code>`, `hung`, `exhausted` or a log class such as `REGTASK`."""
    message: str

    def __str__(self) -> str:
        return f"{self.stage.value}: {self.kind}" + (f": {self.message}" if self.message else "")


class Layer(msgspec.Struct, frozen=True):
    """One row of the compiler's `Network Layer Information Table`. Cycles are the compiler's estimate for one core."""

    op_type: str
    dtype: str
    target: str
    """`NPU`, `CPU` or `GPU`, as the compiler prints it."""
    input_shapes: str
    output_shape: str
    cycles_ddr: int
    cycles_npu: int
    cycles: int
    """The larger of the two."""
    rw_kb: int
    """Kilobytes read and written."""
    name: str
    """`<OpType>:<node name>`, cut by the compiler when long."""


class Noise(msgspec.Struct, frozen=True):
    """How the difference of one output on one sample compares with what rounding alone makes of the model.

    That is rounding to fp16, or to int8 in an int8 build. Of indices and truth values it is about the numbers that were
    chosen from or compared.
    """

    share: float
    """Root mean square of what rounding alone changes, as a share of that of the reference."""
    ratio: float
    """Root mean square of what the simulator changes, as a multiple of what rounding alone does: of the whole, or of
    the slices of axis 1 that change most. Of choices: the largest gap to the right one, in multiples of their noise."""
    peak: float
    """Likewise, of the largest changes."""
    differ: int
    """Elements that are not the same."""

    @property
    def times(self) -> float:
        """The larger of both multiples, of the whole or of the largest changes."""
        return max(self.ratio, self.peak)

    @property
    def told(self) -> str:
        """`times` to two digits, written out."""
        return f"{float(f'{self.times:.2g}'):,.10g}"


class OutputAgreement(msgspec.Struct, frozen=True):
    """How one output of the simulator agrees with ONNX Runtime on one input sample.

    Shapes are equal when `shape_ok`; the numbers are over all elements, in float64.
    """

    output: str
    sample: str
    cosine: float
    max_abs: float
    max_rel: float
    """`max_abs` divided by the largest absolute reference value (by 1 where the reference is all zero)."""
    reference_max: float
    shape_ok: bool = True
    finite: bool = True
    """Whether both have their NaN and infinities in the same places."""
    worst_channel_cosine: float = 1.0
    """Smallest cosine over the slices of axis 1 that carry at least 1 % of the largest slice's energy."""
    worst_part_cosine: float = 1.0
    """Smallest cosine over the tensors that a Concat joined to this output; looked at in int8 builds."""
    noise: Noise | None = None
    """None where it was not measured: it is when a simulator disagrees."""


class Verdict(msgspec.Struct, frozen=True):
    """What a Trial gave."""

    outcome: Outcome
    stage: Stage
    signature: Signature | None
    """None exactly when the outcome is `converted`."""
    message: str
    """The decisive lines, as the toolkit printed them."""
    layers: tuple[Layer, ...]
    memory_kb: dict[str, float]
    """`internal` (feature maps) and `weight`, as the compiler prints them."""
    agreement: tuple[OutputAgreement, ...]
    """Empty when the Trial was not asked to simulate, or did not get there."""
    notes: tuple[str, ...]
    """Log lines that look like errors and are not, explained."""
    seconds: float
    stage_seconds: dict[str, float]
    cached: bool = False

    @property
    def converted(self) -> bool:
        """Whether a file was exported that nothing speaks against."""
        return self.outcome is Outcome.CONVERTED

    @property
    def fails_when_run(self) -> bool:
        """Whether a file was exported that the simulator fails on, or computes something else with."""
        return self.signature is not None and self.signature.stage is Stage.SIMULATE

    @property
    def cpu_ops(self) -> tuple[str, ...]:
        """Names of the operators that the compiler left to the CPU, graph inputs and outputs apart."""
        return tuple(
            layer.name
            for layer in self.layers
            if layer.target == "CPU" and layer.op_type not in ("InputOperator", "OutputOperator")
        )

    @property
    def cycles(self) -> int:
        """Sum of the compiler's `Total` cycles over all layers, for one core."""
        return sum(layer.cycles for layer in self.layers)

    @property
    def rw_kb(self) -> int:
        """Kilobytes read and written over all layers, by the same table."""
        return sum(layer.rw_kb for layer in self.layers)
