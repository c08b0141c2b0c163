"""Checkpoint: the smallest model so far on disk, so that a reduction goes on after Ctrl-C or a crash of the machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.graph import export, load

if TYPE_CHECKING:
    import onnx_ir as ir

FOLDER = ".reduction"
"""In the results folder; gone when the reduction is finished."""
_CULPRIT = "culprit.onnx"


class State(msgspec.Struct):
    """What is known of a reduction under way."""

    question: str
    """Hash of the model as given and of everything that judges it: another question is another reduction."""
    best: str = ""
    """Name of the file with the smallest model; empty as long as it is the model as given."""
    steps: list[str] = []
    origins: dict[str, str] = {}
    """Name of a node of the smallest model -> its name in the model as given."""


class Checkpoint:
    """The folder of a reduction under way. It is made when there is something to keep.

    Args:
        out: The results folder.
        question: See `State.question`.
        force: Another reduction that was not finished may be lost.

    Raises:
        InputError: The folder holds another reduction that was not finished.
    """

    def __init__(self, out: Path, question: str, *, force: bool = False) -> None:
        self._folder = out / FOLDER
        self._earlier: str | None = None
        self.state = self._read() or State(question)
        if self.state.question != question:
            if not force:
                raise InputError(
                    f"{out} holds an unfinished reduction of another model, or with other options",
                    hint="Finish that one with the command that started it, pass --force to drop it, or choose another "
                    "folder with --out DIR.",
                )
            self.finish()
            self.state = State(question)

    @property
    def memory(self) -> Path:
        """Where a check command's answers are remembered. Its folder exists from now on: see `leave`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / "checks.jsonl"

    def resume(self) -> ir.Model | None:
        """The smallest model of an earlier run of the same reduction, if there was one.

        Raises:
            InputError: It cannot be read.
        """
        if not self.state.best:
            return None
        self._earlier = self.state.best
        return load(self._folder / self.state.best).ir

    def culprit(self) -> ir.Model | None:
        """What `keep_culprit` kept in an earlier run."""
        path = self._folder / _CULPRIT
        return load(path).ir if path.exists() else None

    def keep_culprit(self, model: ir.Model) -> None:
        """Keeps the smallest set of nodes with all their parameters, once: an explanation starts from there."""
        if not (self._folder / _CULPRIT).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            export(model, self._folder / _CULPRIT)

    def save(self, model: ir.Model, step: str) -> None:
        """Keeps a model that is smaller than all before it. A crash in between costs this step and no more."""
        before = self.state.best
        self.state.steps.append(step)
        self.state.best = f"best-{len(self.state.steps)}.onnx"
        self._folder.mkdir(parents=True, exist_ok=True)
        export(model, self._folder / self.state.best)
        atomic_write(self._folder / "state.json", msgspec.json.encode(self.state))
        if (
            before and before != self._earlier
        ):  # large weights of the model that was resumed are still in its file
            for name in (before, f"{before}.data"):
                (self._folder / name).unlink(missing_ok=True)

    def finish(self) -> None:
        """There is nothing left to go on from."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def leave(self) -> None:
        """The reduction ends here, whether it is finished or not: without a step there is nothing to go on from."""
        if not self.state.best:
            self.finish()

    def _read(self) -> State | None:
        try:
            return msgspec.json.decode((self._folder / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return None


def under_way(out: Path) -> bool:
    """Whether a folder holds a reduction that was not finished, and nothing else."""
    return out.is_dir() and [entry.name for entry in out.iterdir()] == [FOLDER]
