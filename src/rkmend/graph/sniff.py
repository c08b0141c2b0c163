"""What a file that was given as an ONNX model really is, told from its first bytes."""

from __future__ import annotations

import difflib
import zipfile
from pathlib import Path

from rkmend.errors import InputError

PROTOBUF_LIMIT = 2**31
"""Bytes; protobuf refuses to parse a message of this size."""

_EXPORT = "Export the model to ONNX first, for example with torch.onnx.export, and give the .onnx file."
_CONVERT = "Convert it to ONNX first, for example with tf2onnx."
_MAGICS = (
    # (offset, bytes, what it is, what to do)
    (0, b"RKNN", "an .rknn file, which is already converted", "Give the ONNX model that it was made from."),
    (4, b"TFL3", "a TensorFlow Lite model", _CONVERT),
    (4, b"ORTM", "a model in ONNX Runtime's own .ort format", "Give the .onnx file that it was made from."),
    (0, b"\x80", "a Python pickle, probably PyTorch weights", _EXPORT),
    (0, b"\x89HDF", "an HDF5 file, probably a Keras model", _CONVERT),
    (0, b"\x1f\x8b", "a gzip archive", "Unpack it and give the .onnx file in it."),
    (0, b"7767517", "an ncnn model", "Give the ONNX model that it was made from."),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the model", "Fetch it with `git lfs pull`."),
)


def check_readable(path: Path) -> None:
    """Makes sure that a path is a file with something in it that may be an ONNX model.

    Raises:
        InputError: Missing, a folder, empty, unreadable, too large for protobuf, or known to be no model.
    """
    try:
        if path.is_dir():
            inside = sorted(path.glob("*.onnx"))
            raise InputError(
                f"{path} is a folder, not an ONNX file",
                hint=f"Give the file, for example {inside[0]}."
                if inside
                else "Give the path of an .onnx file.",
            )
        if not path.exists():
            raise InputError(f"there is no file {path}", hint=_nearest(path))
        if not path.is_file():
            raise InputError(f"{path} is not a regular file", hint="Give the path of an .onnx file.")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}",
            hint="Check the permissions of the file and its folder.",
        ) from error
    if not head:
        raise InputError(f"{path} is empty", hint="The download or export that made it failed; repeat it.")
    if known := _known(path, head):
        raise InputError(f"{path} is not an ONNX model but {known[0]}", hint=known[1])
    if size >= PROTOBUF_LIMIT:
        raise InputError(
            f"{path} has {size / 2**30:.1f} GB, but an .onnx file cannot be larger than 2 GB",
            hint="Save the model with external data: onnx.save(..., save_as_external_data=True).",
        )


def _known(path: Path, head: bytes) -> tuple[str, str] | None:
    """What the file is and what to do, when it certainly is no ONNX model."""
    for offset, magic, what, hint in _MAGICS:
        if head[offset:].startswith(magic):
            return what, hint
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    if head.lstrip()[:1] == b"<":
        return "a web page or XML", "If it was downloaded, the address gave a page; download the raw file."
    if head[8:9] == b"{":
        return "a safetensors file: weights without a graph", _EXPORT
    if all(32 <= byte < 127 or byte in b"\t\n\r" for byte in head):
        return "text", "Give the .onnx file itself."
    return None


def _archive(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file", _EXPORT
    models = [name for name in names if name.endswith(".onnx")]
    return "a zip archive", f"Unpack it and give {models[0]}." if models else "Give the .onnx file itself."


def _nearest(path: Path) -> str:
    """A hint that names the most similar file in the same folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    near = near or sorted(name for name in names if name.endswith(".onnx"))[:1]
    return f"Did you mean {folder / near[0]}?" if near else f"There is no .onnx file in {folder}."
