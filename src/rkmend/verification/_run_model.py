"""The child process that runs a model (`python -m`): a Request on its stdin, a Reply on its stdout."""

from __future__ import annotations

import ctypes
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rkmend.graph import TensorSpec
from rkmend.npz import NATIVE, read_npz, write_npz
from rkmend.verification.runner import CPU, REFERENCE, Engine, Reply, Request

if TYPE_CHECKING:
    from onnxruntime import OrtValue

PACKAGES = {
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "DmlExecutionProvider": "onnxruntime-directml",
    "MIGraphXExecutionProvider": "onnxruntime-migraphx",
    "OpenVINOExecutionProvider": "onnxruntime-openvino",
    "QNNExecutionProvider": "onnxruntime-qnn",
    "ROCMExecutionProvider": "onnxruntime-rocm",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
}
"""Which package brings a provider (ONNX Runtime documentation, Execution Providers)."""

PR_SET_PDEATHSIG = 1
"""`man 2 prctl`: the signal this process gets when the one that started it is gone."""


class _Cannot(Exception):
    """The model cannot be run; message and hint are for the user."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class _Loaded:
    """A model that is ready to run.

    Attributes:
        inputs: Name and dtype of each input, in graph order.
        outputs: Names, in graph order.
        run: From arrays by input name to arrays in the order of the outputs.
        engine: What runs it, in words.
    """

    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[str]
    run: Callable[[dict[str, np.ndarray]], Sequence[np.ndarray]]
    engine: str


def main() -> None:
    """Answers one Request."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints is no part of the answer
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    _die_with(request.parent)
    try:
        reply = _answer(request)
    except _Cannot as error:
        reply = Reply(error=str(error), hint=error.hint)
    except MemoryError:
        reply = Reply(error=f"there is not enough memory to run {request.model}")
    answer.write(msgspec.json.encode(reply))
    answer.close()


def _answer(request: Request) -> Reply:
    start = _start_reference if request.engine.kind == REFERENCE else _start_onnxruntime
    model = start(Path(request.model), request.engine)
    specs: list[TensorSpec] = []
    for path in map(Path, request.samples):
        results = [np.asarray(result) for result in model.run(_feeds(model, path, request.order))]
        named = list(zip(model.outputs, results, strict=True))
        specs = specs or [TensorSpec(name, result.dtype.name, result.shape) for name, result in named]
        arrays = ((f"output{index}", result) for index, result in enumerate(results))
        try:
            write_npz(Path(request.out) / path.name, arrays)
        except OSError as error:
            raise _Cannot(f"cannot write outputs to {request.out}: {error.strerror or error}") from error
    return Reply(specs=tuple(specs), engine=model.engine)


def _feeds(model: _Loaded, path: Path, order: Sequence[int] | None) -> dict[str, np.ndarray]:
    order = order if order is not None else range(len(model.inputs))
    return {
        name: read_npz(path, f"input{number}").astype(_dtype(kind), copy=False)
        for (name, kind), number in zip(model.inputs, order, strict=True)
    }


def _start_onnxruntime(path: Path, engine: Engine) -> _Loaded:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)  # errors only
    provider = _provider(engine.provider, onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    with _explained("ONNX Runtime"):
        session = onnxruntime.InferenceSession(path, options, providers=list(dict.fromkeys([provider, CPU])))
    if session.get_providers()[0] != provider:
        raise _Cannot(
            f"{provider} is installed but could not be started",
            "Check its driver and libraries: its own documentation lists the versions that fit together.",
        )
    values = [*session.get_inputs(), *session.get_outputs()]
    kinds = {value.name: _KINDS.get(value.type.removeprefix("tensor").strip("()")) for value in values}
    for value in values:
        if kinds[value.name] is None:
            raise _Cannot(f"'{value.name}' is of type {value.type}: only tensors of numbers can be compared")
    outputs = [value.name for value in session.get_outputs()]

    def run(feeds: dict[str, np.ndarray]) -> Sequence[np.ndarray]:
        with _explained("ONNX Runtime"):
            given = {name: _to_onnxruntime(array) for name, array in feeds.items()}
            made = session.run_with_ort_values(outputs, given)
            # An output that is an input lies in the input's memory, which is gone when the caller looks.
            return [
                feeds[name].copy() if name in feeds else _from_onnxruntime(value)
                for name, value in zip(outputs, made, strict=True)
            ]

    described = f"ONNX Runtime {onnxruntime.__version__}, {provider}"
    return _Loaded(
        [(value.name, str(kinds[value.name])) for value in session.get_inputs()], outputs, run, described
    )


_KINDS = {"float": "float32", "double": "float64"}
_KINDS |= {kind: kind for kind in ("bool", "float16", "bfloat16")}
_KINDS |= {kind: kind for kind in (f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
"""ONNX Runtime's names of types, and numpy's."""


def _to_onnxruntime(array: np.ndarray) -> OrtValue:
    from onnxruntime import OrtValue

    if array.dtype.kind in NATIVE:
        return OrtValue.ortvalue_from_numpy(array)
    return OrtValue.ortvalue_from_numpy_with_onnx_type(array.view(np.uint16), 16)  # TensorProto.BFLOAT16


def _from_onnxruntime(value: OrtValue) -> np.ndarray:
    if value.data_type() != "tensor(bfloat16)":
        array: np.ndarray = value.numpy()
        return array
    # ONNX Runtime gives bfloat16 in no other way than by its address.
    count = math.prod(value.shape())
    raw = np.ctypeslib.as_array((ctypes.c_uint16 * count).from_address(value.data_ptr()))
    copy: np.ndarray = raw.copy().view(_dtype("bfloat16")).reshape(value.shape())
    return copy


def _provider(wanted: str, available: Sequence[str]) -> str:
    """The full name of a provider that is installed."""

    def short(name: str) -> str:
        return name.lower().removesuffix("executionprovider")

    names = {short(name): name for name in (*PACKAGES, *available)}
    name = names.get(short(wanted), wanted)
    if name not in available:
        package = f" Install {PACKAGES[name]} in the place of onnxruntime." if name in PACKAGES else ""
        raise _Cannot(
            f"the execution provider {name} is not installed", f"Installed: {', '.join(available)}.{package}"
        )
    return name


def _start_reference(path: Path, _engine: Engine) -> _Loaded:
    import onnx
    from onnx.reference import ReferenceEvaluator

    with _explained("the reference evaluator"):
        proto = onnx.load_model(path, format="protobuf")
        evaluator = ReferenceEvaluator(proto)
    stored = {tensor.name for tensor in proto.graph.initializer}
    kind = onnx.helper.tensor_dtype_to_np_dtype
    inputs = [
        (value.name, kind(value.type.tensor_type.elem_type).name)
        for value in proto.graph.input
        if value.name not in stored
    ]

    def run(feeds: dict[str, np.ndarray]) -> Sequence[np.ndarray]:
        with _explained("the reference evaluator"):
            return list(evaluator.run(None, dict(feeds)))

    described = f"reference evaluator of onnx {onnx.__version__}"
    return _Loaded(inputs, [value.name for value in proto.graph.output], run, described)


@contextmanager
def _explained(runtime: str) -> Iterator[None]:
    """Tells what a runtime says in one line; the runtimes raise exceptions of all sorts."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise _Cannot(f"{runtime} cannot run the model: {_decisive(error)}") from error


def _decisive(error: Exception) -> str:
    """The message without error codes, file names and places in the runtime's own source."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ", r"\1: ", str(error))
    text = re.sub(r"Load model from .*? failed:", "", text)
    text = re.sub(r"/\S*?onnxruntime\S*\.(cc|h):\d+ ", "", text)
    return " ".join(text.split())[:600] or type(error).__name__


def _dtype(kind: str) -> np.dtype:
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)


def _die_with(parent: int) -> None:
    """Makes sure that this process does not outlive the one that asked, even if that one is killed outright."""
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):  # Linux
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
