"""Checkpoint: the smallest model so far on disk, so that a reduction goes on after Ctrl-C or a crash of the machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.files import atomic_write
from rkmend.graph import export, load

if TYPE_CHECKING:
    import onnx_ir as ir

FOLDER = ".reduction"
"""In the results folder; gone when the reduction is finished."""


class State(msgspec.Struct):
    """What is known of a reduction under way, besides its smallest model."""

    question: str
    """Hash of the model as given and of everything that judges it: another question is another reduction."""
    steps: list[str] = []
    origins: dict[str, str] = {}
    """Name of a node of the smallest model -> its name in the model as given."""
    seconds: float = 0.0
    trials: int = 0


class Checkpoint:
    """The folder of a reduction under way.

    Args:
        out: The results folder.
        question: See `State.question`.
    """

    def __init__(self, out: Path, question: str) -> None:
        self._folder = out / FOLDER
        self.state = State(question)

    @property
    def memory(self) -> Path:
        """Where a check command's answers are remembered."""
        return self._folder / "checks.jsonl"

    def resume(self) -> ir.Model | None:
        """The smallest model of an earlier run of the same reduction, if there was one; `state` is its state."""
        try:
            state = msgspec.json.decode((self._folder / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return None
        if state.question != self.state.question:
            return None
        self.state = state
        return load(self._best).ir if self._best.exists() else None

    def begin(self) -> None:
        """Makes the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write()

    def save(self, model: ir.Model, step: str) -> None:
        """Keeps a model that is smaller than all before it."""
        self.state.steps.append(step)
        export(model, self._best)
        self._write()

    def finish(self) -> None:
        """There is nothing left to go on from."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _best(self) -> Path:
        return self._folder / "best.onnx"

    def _write(self) -> None:
        atomic_write(self._folder / "state.json", msgspec.json.encode(self.state))


def under_way(out: Path) -> bool:
    """Whether a folder holds a reduction that was not finished, and nothing else."""
    return out.is_dir() and [entry.name for entry in out.iterdir()] == [FOLDER]
