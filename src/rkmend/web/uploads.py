"""Uploads: files as they came in, in a private folder that goes with the server, under names of the server's own."""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from rkmend.web.calibration import KINDS
from rkmend.web.errors import Refused
from rkmend.web.limits import WebLimits
from rkmend.web.receiving import receive_file
from rkmend.web.records import ID, Role

MOST_FILES = 256
"""In one upload."""
SUFFIXES = {Role.MODEL: ("",), Role.DATA: ("",), Role.CALIBRATION: (*KINDS, ".zip"), Role.SAMPLES: (".npz",)}


@dataclass
class Stored:
    """A file of an upload.

    Attributes:
        role: What it is for.
        name: As its user has it: shown and compared, never opened.
        path: Where it is.
        size: In bytes.
    """

    role: Role
    name: str
    path: Path
    size: int


@dataclass
class Upload:
    """The files of one model, and what belongs to it.

    Attributes:
        id: Names its folder.
        folder: Its own.
        files: In the order in which they came in.
        receiving: How many are coming in.
        used: How many runs and looks need its files at the moment.
    """

    id: str
    folder: Path
    files: list[Stored] = field(default_factory=list)
    receiving: int = 0
    used: int = 0
    _numbers: int = 0

    @property
    def model(self) -> Stored:
        """The .onnx file.

        Raises:
            Refused: There is none yet.
        """
        for file in self.files:
            if file.role is Role.MODEL:
                return file
        raise Refused(409, "the upload has no model yet", "Send an .onnx file.")

    @property
    def size(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)

    def of(self, role: Role) -> list[Stored]:
        """The files for something."""
        return [file for file in self.files if file.role is role]

    def next_path(self, role: Role, suffix: str) -> Path:
        """A name that no file had before."""
        self._numbers += 1
        return self.folder / f"{role.value}-{self._numbers:06}{suffix}"


class Uploads:
    """All that are kept.

    Args:
        folder: Private to this user, and gone with the server.
        limits: Of sizes and numbers.
    """

    def __init__(self, folder: Path, limits: WebLimits) -> None:
        self._folder, self._limits = folder, limits
        self._all: dict[str, Upload] = {}
        self._receiving = 0

    def new(self) -> Upload:
        """Begins one; the oldest that nobody uses makes room for it.

        Raises:
            Refused: All that are kept are in use.
        """
        if len(self._all) >= self._limits.uploads:
            idle = next((one for one in self._all.values() if not one.used and not one.receiving), None)
            if idle is None:
                raise Refused(429, "too many uploads at once", "Wait until one of the runs is over.")
            self.drop(idle)
        upload = Upload(secrets.token_hex(8), self._folder / "")
        upload.folder = self._folder / upload.id
        upload.folder.mkdir(mode=0o700)
        self._all[upload.id] = upload
        return upload

    def get(self, given: str) -> Upload:
        """The one with an id.

        Raises:
            Refused: There is none.
        """
        upload = self._all.get(given) if ID.fullmatch(given) else None
        if upload is None:
            raise Refused(404, "this upload is no longer there", "Choose the file again.")
        return upload

    def drop(self, upload: Upload) -> None:
        """Removes one.

        Raises:
            Refused: Something needs it.
        """
        if upload.used or upload.receiving:
            raise Refused(409, "this upload is in use")
        del self._all[upload.id]
        shutil.rmtree(upload.folder, ignore_errors=True)

    async def receive(self, upload: Upload, role: Role, name: str, request: Request) -> Stored:
        """Adds a file. A second model or set of samples takes the place of the first.

        Raises:
            Refused: Too many or too large, too slow, or of a kind that is of no use.
        """
        suffix = Path(name[-16:]).suffix.lower()
        wanted = SUFFIXES[role]
        if wanted != ("",) and suffix not in wanted:
            raise Refused(422, f"a {role.value} file is one of {', '.join(wanted)}", "Choose another file.")
        if self._receiving >= self._limits.receiving or len(upload.files) >= MOST_FILES:
            raise Refused(429, "too many uploads at once", "Wait until one of the runs is over.")
        path = upload.next_path(role, suffix if wanted != ("",) else ".bin")
        upload.receiving += 1
        self._receiving += 1
        try:
            size = await receive_file(request, path, self._limits.upload_bytes - upload.size, self._limits)
        finally:
            upload.receiving -= 1
            self._receiving -= 1
        if role in (Role.MODEL, Role.SAMPLES):
            for old in upload.of(role):
                upload.files.remove(old)
                old.path.unlink(missing_ok=True)
        stored = Stored(role, name, path, size)
        upload.files.append(stored)
        return stored


def plain_stem(name: str) -> str:
    """A name for files that are made of a model: letters, digits, `-` and `_` of the user's, or `model`."""
    last = re.split(r"[/\\]", name)[-1]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", last.removesuffix(".onnx"))[:64].strip("_-")
    return stem or "model"
