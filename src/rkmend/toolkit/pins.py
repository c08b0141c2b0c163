"""Pins: what each toolkit version is installed with, read from toolkits.toml."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources

import msgspec

from rkmend.errors import InputError


class Torch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where torch comes from."""

    requirement: str
    cpu_index: str
    """Package index that holds CPU builds only, without the scheme."""


class Pins(msgspec.Struct, frozen=True):
    """Everything one toolkit version needs."""

    version: str
    pythons: tuple[str, ...]
    """CPython versions such as `3.11`, best first."""
    machines: tuple[str, ...]
    """As `platform.machine()` names them."""
    glibc: str
    """The oldest that will do."""
    disk_mb: int
    pip: str
    torch: Torch
    packages: dict[str, str]
    """Normalised name -> exact version, torch and the toolkit itself apart."""

    @property
    def digest(self) -> str:
        """Changes whenever something else is to be installed, so that environments made before are remade."""
        return hashlib.sha256("\n".join([*self.requirements, self.torch.requirement]).encode()).hexdigest()[
            :16
        ]

    @property
    def requirements(self) -> list[str]:
        """What pip is asked for, torch apart."""
        pinned = [f"{name}=={version}" for name, version in sorted(self.packages.items())]
        return [*pinned, f"rknn-toolkit2=={self.version}"]


class _Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    packages: dict[str, str]
    pythons: tuple[str, ...] | None = None
    machines: tuple[str, ...] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    default: str
    disk_mb: int
    pythons: tuple[str, ...]
    machines: tuple[str, ...]
    glibc: str
    pip: str
    torch: Torch
    packages: dict[str, str]
    versions: dict[str, _Version]


@cache
def _file() -> _File:
    text = (resources.files(__package__) / "toolkits.toml").read_bytes()
    return msgspec.toml.decode(text, type=_File)


def default_version() -> str:
    """The toolkit version that is used when none is asked for."""
    return _file().default


def supported_versions() -> tuple[str, ...]:
    """The toolkit versions that environments can be made for, oldest first."""
    return tuple(_file().versions)


def numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version, to compare by: `2.13.0+cpu` gives `(2, 13, 0)`."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


@cache
def pins_for(version: str | None = None) -> Pins:
    """The pins of a toolkit version, by default of the default version.

    Raises:
        InputError: The version is not supported; the message lists those that are.
    """
    file = _file()
    version = version or file.default
    if version not in file.versions:
        raise InputError(
            f"RKNN-Toolkit2 '{version}' is not supported",
            hint=f"Supported: {', '.join(file.versions)} (default {file.default}).",
        )
    own = file.versions[version]
    return Pins(
        version=version,
        pythons=own.pythons or file.pythons,
        machines=own.machines or file.machines,
        glibc=file.glibc,
        disk_mb=file.disk_mb,
        pip=file.pip,
        torch=file.torch,
        packages=file.packages | own.packages,
    )
