"""Writing models: candidates by the hundred into a scratch folder, and the one that is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from weakref import WeakKeyDictionary

from rkmend.errors import InputError
from rkmend.files import atomic_file, atomic_write
from rkmend.graph.tensors import replaced_tensors, weights

if TYPE_CHECKING:
    import onnx_ir as ir

SHARED_FROM = 64 << 20
"""Bytes of weights from which the candidates in a folder share one file for them."""
EXTERNAL_FROM = 1 << 30
"""Bytes of weights from which a delivered model keeps them in a file of its own: protobuf ends at 2 GB."""
SMALL = 1024
"""Bytes up to which a tensor stays in the .onnx file in any case: shapes and scales."""
SHARED_FILE = "weights.bin"

_shared: WeakKeyDictionary[ir.TensorProtocol, dict[Path, ir.ExternalTensor]] = WeakKeyDictionary()
"""Where a tensor is in the shared file of a folder. Candidates are clones and share their tensors."""


def save(model: ir.Model, path: Path) -> None:
    """Writes a candidate into a scratch folder.

    A model with more than `SHARED_FROM` bytes of weights keeps them in `weights.bin` in the same folder,
    with those of all candidates in the folder, each tensor once: the next candidate costs milliseconds.

    Args:
        model: Left as it is.
        path: Its folder exists and belongs to this process.

    Raises:
        InputError: The disk is full or the folder cannot be written; there is no file under the name then.
    """
    if sum(tensor.nbytes for tensor in weights(model)) <= SHARED_FROM:
        _write(model, path)
        return
    store = path.parent / SHARED_FILE
    missing = {id(tensor): tensor for tensor in _large(model) if _known(tensor, store) is None}
    if missing:
        _append(list(missing.values()), store)
    _write(model, path, {id(tensor): _known(tensor, store) or tensor for tensor in _large(model)})


def export(model: ir.Model, path: Path) -> None:
    """Writes the model that is delivered: one file, and beyond a gigabyte of weights `<name>.data` beside it.

    Args:
        model: Left as it is.
        path: Its folder exists.

    Raises:
        InputError: The disk is full or the folder cannot be written; nothing half-written has a final name.
    """
    if sum(tensor.nbytes for tensor in weights(model)) <= EXTERNAL_FROM:
        _write(model, path)
        return
    data = path.with_name(f"{path.name}.data")
    placed: dict[int, ir.TensorProtocol]
    with atomic_file(data) as file:
        placed = {id(tensor): _place(tensor, file, data) for tensor in _large(model)}
    _write(model, path, placed)


def _write(model: ir.Model, path: Path, placed: dict[int, ir.TensorProtocol] | None = None) -> None:
    """Writes the .onnx file: tensors that have a place are referred to, the others are inside."""
    import onnx_ir as ir

    def where(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        if placed and id(tensor) in placed:
            return placed[id(tensor)]
        if isinstance(tensor, ir.ExternalTensor):
            return ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)
        return tensor

    with replaced_tensors(model, where):
        proto = ir.to_proto(model)
    if not model.graph.initializers.keys() <= {value.name for value in model.graph.inputs}:
        proto.ir_version = max(proto.ir_version, 4)  # before 4 every initializer had to be an input as well
    atomic_write(path, proto.SerializeToString())


def _large(model: ir.Model) -> list[ir.TensorProtocol]:
    import onnx_ir as ir

    return [t for t in weights(model) if t.nbytes > SMALL and not isinstance(t, ir.StringTensor)]


def _known(tensor: ir.TensorProtocol, store: Path) -> ir.ExternalTensor | None:
    """The place of a tensor in the shared file, if the file is still the one it was written to."""
    import onnx_ir as ir

    if isinstance(tensor, ir.ExternalTensor) and Path(tensor.path) == store:
        return tensor
    place = _shared.get(tensor, {}).get(store)
    if place is None or not store.is_file():
        return None
    return place if (place.offset or 0) + place.nbytes <= store.stat().st_size else None


def _append(tensors: list[ir.TensorProtocol], store: Path) -> None:
    """Adds tensors to the shared file, or leaves it as it was."""
    size = store.stat().st_size if store.exists() else 0
    try:
        with store.open("r+b" if store.exists() else "xb") as file:
            file.seek(size)
            places = [_place(tensor, file, store) for tensor in tensors]
    except OSError as error:
        if store.exists():
            with store.open("r+b") as file:
                file.truncate(size)
        raise InputError(
            f"cannot write {store}: {error.strerror or error}",
            hint="Free some space on its disk, or set RKMEND_CACHE to a folder on another.",
        ) from error
    for tensor, place in zip(tensors, places, strict=True):
        _shared.setdefault(tensor, {})[store] = place


def _place(tensor: ir.TensorProtocol, file: BinaryIO, path: Path) -> ir.ExternalTensor:
    """Writes the bytes of a tensor at the end of a file, aligned to 64 bytes for those who map it."""
    import onnx_ir as ir

    file.write(bytes(-file.tell() % 64))
    offset = file.tell()
    if isinstance(tensor, ir.ExternalTensor):
        tensor.tofile(file)  # from file to file, without reading it into memory
    else:
        file.write(tensor.tobytes())
    return ir.ExternalTensor(
        path.name,
        offset,
        tensor.nbytes,
        tensor.dtype,
        shape=ir.Shape(tensor.shape.numpy()),
        name=tensor.name or "",
        base_dir=path.parent,
    )
