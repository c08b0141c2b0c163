"""Settings: what a project says once for all its models, in rkmend.toml or under [tool.rkmend] in pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from rkmend.errors import InputError

FILES = ("rkmend.toml", "pyproject.toml")
"""In one folder the first wins."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Defaults of the command line; an option that is given wins."""

    target: str | None = None
    toolkit: str | None = None
    exactness: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def settings_for(model: Path, *, config: Path | None = None, isolated: bool = False) -> Settings:
    """The settings that hold for a model: of the nearest file in its folder or above.

    A pyproject.toml without [tool.rkmend] does not count.

    Args:
        model: A file; it need not exist.
        config: This file, and no other.
        isolated: None at all.

    Raises:
        InputError: A file that cannot be read, or holds something else.
    """
    if isolated:
        return Settings()
    if config is not None:
        found = _read(config)
        if found is None:
            raise InputError(
                f"{config} has no [tool.rkmend] table", hint="Add one, or give another --config."
            )
        return found
    for folder in model.resolve().parents:
        for name in FILES:
            if (folder / name).is_file() and (found := _read(folder / name)) is not None:
                return found
    return Settings()


def _read(path: Path) -> Settings | None:
    try:
        table: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
        if path.name == "pyproject.toml":
            tools = table.get("tool", {})
            if "rkmend" not in tools:
                return None
            table = tools["rkmend"]
        return msgspec.convert(table, Settings)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:  # not TOML, or not these settings
        known = ", ".join(Settings.__struct_fields__)
        raise InputError(f"{path}: {error}", hint=f"The settings of rkmend are: {known}.") from error
