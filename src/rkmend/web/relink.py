"""Relinking: the weight files of an uploaded model get the names that the server gave them.

A model names its external files, and the names are as little to be believed as any path of a client. They are compared
with the names of the uploaded files and replaced; nothing is ever opened by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rkmend.errors import InputError
from rkmend.graph.external import external_tensors
from rkmend.graph.sniff import check_readable


def relink(given: Path, out: Path, stored: Mapping[str, Path]) -> list[str]:
    """Writes a model whose external data are files beside it.

    Args:
        given: As uploaded; damaged in any way.
        out: The model to write, in the folder of the stored files. A model without external data is copied.
        stored: The uploaded weight files, by the name that their user has for them.

    Returns:
        The names of files that the model wants and that were not uploaded; `out` is not written then.

    Raises:
        InputError: `given` is no ONNX model.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    check_readable(given)
    try:
        proto = onnx.load_model(given, format="protobuf", load_external_data=False)
        entries = [
            entry
            for tensor in external_tensors(proto)
            for entry in tensor.external_data
            if entry.key == "location"
        ]
    except DecodeError as error:
        raise InputError(
            f"{given} ({given.stat().st_size} bytes) is not an ONNX model, or it is truncated or damaged",
            hint="Compare its size with that of the original, and download or export it again.",
        ) from error
    if not entries:
        out.write_bytes(given.read_bytes())
        return []
    missing = {_base(entry.value) for entry in entries} - set(map(_base, stored))
    if missing:
        return sorted(missing)
    names = {_base(name): path.name for name, path in stored.items()}
    for entry in entries:
        entry.value = names[_base(entry.value)]
    out.write_bytes(proto.SerializeToString())
    return []


def _base(name: str) -> str:
    """A name without its folders, in the manner of any system."""
    return re.split(r"[/\\]", name)[-1]
