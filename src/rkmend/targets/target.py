"""The typed Target and its loader."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from rkmend.errors import InputError

Division = Literal["features-first", "features-only", "weights-first", "fixed"]
"""How a compiler divides the banks of the buffer between features and weights; see `rkmend.tiling.split`."""


class Cbuf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The on-chip convolution buffer of one core: features and weights of the task at hand share its banks."""

    banks: int
    entries_per_bank: int
    entry_bytes: int
    division: Division | None = None
    """None where it is not known."""
    feature_banks: tuple[int, int] | None = None
    """Of a `fixed` division: how many banks features get, and how many where those do not do."""
    row_entries: int | None = None
    """A feature map row of more entries is tiled along the width as well; None where no such limit is known."""

    @property
    def bank_bytes(self) -> int:
        """Size of a bank."""
        return self.entries_per_bank * self.entry_bytes


class Mac(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The multipliers of one core for one dtype."""

    per_cycle: int
    """Multiply-accumulates in a cycle."""
    channels: int
    """Input channels are padded to a multiple of this."""
    kernels: int
    """Output channels are: a kernel group."""
    least: int
    """Padded input channels times taps of a kernel are computed as so many, if they are fewer."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the register fields hold at most."""

    feature_size: int
    """Height and width of what goes into the convolution unit."""
    output_width: int
    """Of what comes out of the convolution unit."""
    unit_size: int
    """Channels, height and width in the output and element-wise units."""
    kernel: int
    stride: int
    pad: int
    """At the top and on the left."""
    dilation: int
    out_channels: int
    kernel_bytes: int
    """Weights of one output channel."""
    pool_kernel: int
    pool_stride: int
    pool_pad: int


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SoC as the compiler sees it."""

    name: str
    """The toolkit's `target_platform`."""
    description: str
    cores: int
    """NPU cores that one model can be shared out to."""
    dtypes: tuple[str, ...]
    """What the compiler accepts: `int8`, `fp16`."""
    atom_bytes: int
    """Channels of features are stored in groups of this many bytes (C2 of NC1HWC2)."""
    depthwise_channels: int
    """Channels of a depth-wise Conv that one core computes in a cycle, one multiplication each."""
    dram_bytes_per_cycle: float
    """What the compiler reckons with."""
    mac: dict[str, Mac]
    """By dtype."""
    sources: dict[str, str]
    """Where each number comes from, by the name of its field (`cbuf.banks`) or of its table (`mac`)."""
    image_weight_channels: int | None = None
    """Input channels of the weights that a feature map of 1, 3 or 4 channels meets are stored in multiples of this;
    None where they are stored like any others."""
    depthwise_overhang: bool | None = None
    """Whether a depth-wise Conv is split into pairs of kernel groups, and one group more is written where it is."""
    cbuf: Cbuf | None = None
    """None where it is not known well enough to be reckoned with."""
    limits: Limits | None = None
    """None where they are not known."""

    @property
    def only_int8(self) -> bool:
        """Whether a model can run in nothing else: it is built in int8, or the SoC has no other dtype."""
        return self.dtypes == ("int8",)

    def computing_in(self, dtype: str) -> Target:
        """The same with one dtype only: what the rules are asked about a model that is to run in it."""
        return msgspec.structs.replace(self, dtypes=(dtype,))


@cache
def load_target(name: str) -> Target:
    """Reads a Target.

    Args:
        name: As the toolkit spells it, any case.

    Raises:
        InputError: No such target; the message lists the known ones and the nearest.
    """
    known = target_names()
    if name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
        raise InputError(
            f"unknown target '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""),
            hint="Known targets: " + ", ".join(known),
        )
    text = (resources.files(__package__) / f"{name.lower()}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Target)


@cache
def target_names() -> tuple[str, ...]:
    """The names of all targets, sorted."""
    folder = resources.files(__package__)
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))
