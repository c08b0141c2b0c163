"""Running a model: in a child process, because a runtime may crash, hang or take all memory, and rkmend must not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.verification.samples import Sample

REFERENCE = "reference"
ONNXRUNTIME = "onnxruntime"
CPU = "CPUExecutionProvider"


class Engine(msgspec.Struct, frozen=True):
    """What runs a model."""

    kind: str = ONNXRUNTIME
    """`onnxruntime`, or `reference` for the evaluator of the onnx package: slow, and written from the standard."""
    provider: str = CPU
    """An execution provider of ONNX Runtime, by its name or a short form of it (`cuda`, `OpenVINO`)."""


class Request(msgspec.Struct, frozen=True):
    """What the child reads from its standard input."""

    model: str
    engine: Engine
    samples: tuple[str, ...]
    order: tuple[int, ...] | None
    out: str
    parent: int


class Reply(msgspec.Struct, frozen=True):
    """What the child writes to its standard output: the outputs, or why there are none."""

    specs: tuple[TensorSpec, ...] = ()
    engine: str = ""
    error: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Run:
    """What a model computed.

    Attributes:
        outputs: One .npz per sample, with `output0`, `output1`, ... in graph order; bfloat16 as float32.
        output_names: In graph order.
        output_specs: With the shapes that came out for the first sample.
        engine: What ran it, in words.
        seconds: Wall time, start of the process included.
    """

    outputs: tuple[Path, ...]
    output_names: tuple[str, ...]
    output_specs: tuple[TensorSpec, ...]
    engine: str
    seconds: float


def run_model(
    model: Path,
    samples: Sequence[Sample],
    out: Path,
    *,
    engine: Engine = Engine(),  # noqa: B008  # immutable
    order: Sequence[int] | None = None,
    seconds: float = 600.0,
) -> Run:
    """Runs a model on samples.

    Args:
        model: An .onnx file; its inputs may be dynamic, the samples say the shapes.
        samples: With arrays in the order of the model's inputs, or see `order`.
        out: Folder for the outputs; made if need be.
        engine: What runs it.
        order: For each input of the model, the number of its array in the samples.
        seconds: Time limit for all samples together.

    Raises:
        InputError: The runtime cannot run the model, died or took too long, or the provider is not installed.
    """
    started = time.monotonic()
    for path in (model, *(sample.path for sample in samples)):
        if not os.access(path, os.R_OK):
            raise InputError(f"cannot read {path}", hint="Check that it exists and its permissions.")
    out.mkdir(parents=True, exist_ok=True)
    outputs = tuple(out / f"{sample.name}.npz" for sample in samples)
    request = Request(
        model=str(model.absolute()),
        engine=engine,
        samples=tuple(str(sample.path.absolute()) for sample in samples),
        order=tuple(order) if order is not None else None,
        out=str(out.absolute()),
        parent=os.getpid(),
    )
    reply = _in_child(request, seconds)
    if reply.error:
        raise InputError(reply.error, hint=reply.hint)
    names = tuple(spec.name for spec in reply.specs)
    return Run(outputs, names, reply.specs, reply.engine, time.monotonic() - started)


def _in_child(request: Request, seconds: float) -> Reply:
    """Starts the child, waits for it, and in any case leaves nothing of it behind."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}._run_model"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},  # a module in the user's folder is not one of ours
    )
    try:
        said, complaint = child.communicate(msgspec.json.encode(request), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{_runtime(request)} did not finish {request.model} within {seconds:g} s",
            hint="Give smaller input shapes, or fewer samples.",
        ) from error
    finally:
        _end(child)
    if child.returncode == 0:
        return msgspec.json.decode(said, type=Reply)
    lines = [line for line in complaint.decode(errors="replace").splitlines() if line.strip()]
    how = "ended" if child.returncode > 0 else f"died of {signal.Signals(-child.returncode).name}"
    hint = "SIGKILL usually means that the machine ran out of memory." if child.returncode == -9 else ""
    return Reply(
        error=f"{_runtime(request)} {how} while running {request.model}"
        + "".join(f": {x}" for x in lines[-1:]),
        hint=hint,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kills whatever is left of the child's session and collects it."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe:
            pipe.close()
    child.wait()


def _runtime(request: Request) -> str:
    return "the reference evaluator" if request.engine.kind == REFERENCE else "ONNX Runtime"
