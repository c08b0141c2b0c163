"""The typed Target and its loader."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources

import msgspec

from rkmend.errors import InputError


class Cbuf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The on-chip convolution buffer of one core: features and weights of the task at hand share its banks."""

    banks: int
    entries_per_bank: int
    entry_bytes: int
    row_entries: int
    """A feature map row of more entries is tiled along the width as well."""

    @property
    def bank_bytes(self) -> int:
        """Size of a bank."""
        return self.entries_per_bank * self.entry_bytes


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SoC as the compiler sees it."""

    name: str
    """The toolkit's `target_platform`."""
    description: str
    cores: int
    """NPU cores that one model can be shared out to."""
    dtypes: tuple[str, ...]
    """What the compiler accepts: `int8`, `fp16`."""
    sources: tuple[str, ...]
    """Where the numbers come from."""
    cbuf: Cbuf | None = None
    """None where it is not known well enough to be reckoned with."""


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
