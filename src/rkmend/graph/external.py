"""External data: the weight files beside an .onnx file. They are checked before anything maps them.

A model comes from anywhere, and the names of its weight files are part of it. So a file is used only when
it is a plain file of its own in the model's folder, neither a symbolic nor a hard link: the policy of onnx
and onnx_ir, told here with what to do about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph.protos import bodies

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class _Place:
    """Where the bytes of a tensor are."""

    tensor: str
    location: str
    offset: int
    length: int


def external_files(proto: onnx.ModelProto, folder: Path) -> list[Path]:
    """The external files of a model, each once, in order of first use.

    Args:
        proto: As parsed, external data not loaded.
        folder: The folder of the .onnx file.

    Raises:
        InputError: A file is missing, too short, or not plainly in the folder; or its entry makes no sense.
    """
    files: dict[str, Path] = {}
    for place in map(_place, external_tensors(proto)):
        if place.location not in files:
            files[place.location] = _contained(place, folder)
        size = files[place.location].stat().st_size
        if place.offset + place.length > size:
            raise InputError(
                f"the external data file {files[place.location]} is too short: tensor '{place.tensor}' "
                f"needs the bytes {place.offset} to {place.offset + place.length}, the file has {size}",
                hint="The copy or download that made it did not finish, or it belongs to another model.",
            )
    return list(dict.fromkeys(files.values()))


def _contained(place: _Place, folder: Path) -> Path:
    """The file of a place, if it is a file of its own in the folder."""
    path = folder / place.location
    where = f"the external data '{place.location}' of tensor '{place.tensor}'"
    copy = f"Put a plain copy of the file into {folder} (cp -L) and save the model with a relative location."
    outside = Path(place.location).is_absolute() or ".." in Path(place.location).parts
    if outside or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{where} points outside the model's folder", hint=copy)
    if path.is_symlink():
        raise InputError(f"{where} is a link, to {path.resolve()}", hint=copy)
    if not path.exists():
        raise InputError(
            f"{where} is missing: there is no file {path}",
            hint="An .onnx file with external data must be moved together with its weight files.",
        )
    if not path.is_file():
        raise InputError(f"{where} is not a file: {path}", hint=copy)
    if path.stat().st_nlink > 1:
        raise InputError(
            f"{where} has other hard links",
            hint=f"Make it a file of its own: cp {path.name} copy && mv copy {path.name}",
        )
    return path


def _place(tensor: onnx.TensorProto) -> _Place:
    """Reads the entries of an external tensor; without a length, all that its dtype and shape need."""
    import onnx_ir as ir

    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        needed = math.ceil(ir.DataType(tensor.data_type).itemsize * math.prod(tensor.dims))
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", needed))
        if not entries["location"] or "\0" in entries["location"]:
            raise ValueError
        if min(offset, length, *tensor.dims, 0) < 0 or length != needed:
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the external data entry of tensor '{tensor.name}' with the sizes {list(tensor.dims)} "
            f"makes no sense: {entries}",
            hint="The file is damaged or was written wrongly; export the model again.",
        ) from error
    return _Place(tensor.name, entries["location"], offset, length)


def external_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """The tensors of a model, in bodies and attributes too, whose bytes are in another file."""
    import onnx

    plain = {
        getattr(onnx.AttributeProto, kind) for kind in ("FLOAT", "FLOATS", "INT", "INTS", "STRING", "STRINGS")
    }
    for body in bodies(proto):
        tensors = list(getattr(body, "initializer", ()))
        for attribute in (a for node in body.node for a in node.attribute if a.type not in plain):
            tensors += [*([attribute.t] if attribute.HasField("t") else ()), *attribute.tensors]
        yield from (tensor for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL)
