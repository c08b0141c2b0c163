"""A results folder, opened again: the report, and where its files are now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from rkmend.errors import InputError
from rkmend.graph.load import file_digest
from rkmend.records import SCHEMA, Conversion

REPORT = "report.json"


@dataclass(frozen=True)
class Results:
    """The results of a conversion.

    Attributes:
        folder: Where they are.
        conversion: report.json.
    """

    folder: Path
    conversion: Conversion

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Opens a folder.

        Raises:
            InputError: There are no results in it, or report.json is damaged.
        """
        path = folder / REPORT
        try:
            data = path.read_bytes()
        except OSError as error:
            what = f"no {REPORT} in it" if folder.is_dir() else "no such folder"
            raise InputError(
                f"{folder} holds no results: {what}",
                hint="Give the folder that `rkmend convert` wrote: MODEL.rkmend, or what --out said.",
            ) from error
        try:
            schema = msgspec.json.decode(data, type=_Schema).schema
            if schema != SCHEMA:
                raise InputError(
                    f"{path} is not a report of this rkmend: its schema is '{schema}', not '{SCHEMA}'",
                    hint="Convert the model anew.",
                )
            return cls(folder, msgspec.json.decode(data, type=Conversion))
        except msgspec.DecodeError as error:
            raise InputError(
                f"{path} is damaged, or no report of rkmend: {error}", hint="Convert the model anew."
            ) from error

    def file(self, kind: str) -> Path | None:
        """Where a file of the report is now: in this folder if it was moved as a whole. None where it is gone."""
        named = self.conversion.files.get(kind)
        return self._there(Path(named)) if named else None

    def model(self) -> Path | None:
        """The model as it was given, unchanged since; None where it is gone or is another one now."""
        named = Path(self.conversion.model.path)
        for path in (named, self.folder.parent / named.name, self.folder / named.name):
            if path.is_file() and _is(path, self.conversion.model.sha256):
                return path
        return None

    def _there(self, named: Path) -> Path | None:
        """A file below the folder, whatever the folder was called when it was written; never one outside."""
        parts = [part for part in named.parts if part not in ("..", named.anchor)]
        tails = [self.folder.joinpath(*parts[start:]) for start in range(len(parts))]
        return next((path for path in reversed(tails) if path.exists()), None)


class _Schema(msgspec.Struct):
    schema: str


def _is(path: Path, sha256: str) -> bool:
    try:
        return file_digest(path) == sha256
    except (InputError, OSError):
        return False
