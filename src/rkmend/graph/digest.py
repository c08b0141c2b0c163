"""The name of a model by its content: equal for equal models, wherever their weights are stored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from rkmend.graph.tensors import reference_to, replaced_tensors

if TYPE_CHECKING:
    import onnx_ir as ir

_in_memory: WeakKeyDictionary[ir.TensorProtocol, str] = WeakKeyDictionary()
"""Tensors are immutable and shared between candidates, so each is hashed once."""
_in_files: dict[tuple[str, int, int, int, int, int], str] = {}
"""By path, inode, size and time of change of the file, and the place in it."""


def digest_ir(model: ir.Model) -> str:
    """Hashes a model.

    Two models have the same digest when their files would be the same but for the place and the encoding of
    the weights: names, annotations and the order of nodes count.

    Returns:
        A sha256 in hex. After the first time a weight is not read again, so a candidate costs milliseconds.
    """
    import onnx_ir as ir

    with replaced_tensors(model, lambda tensor: reference_to(tensor, _content(tensor))):
        proto = ir.to_proto(model)
    return hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest()


def _content(tensor: ir.TensorProtocol) -> str:
    import onnx_ir as ir

    if isinstance(tensor, ir.ExternalTensor):
        return _file_content(tensor)
    if tensor not in _in_memory:
        _in_memory[tensor] = hashlib.sha256(_bytes(tensor)).hexdigest()
    return _in_memory[tensor]


def _bytes(tensor: ir.TensorProtocol) -> bytes:
    import onnx_ir as ir

    if isinstance(tensor, ir.StringTensor):
        return b"".join(len(text).to_bytes(8, "little") + text for text in tensor.string_data())
    return tensor.tobytes()


def _file_content(tensor: ir.ExternalTensor) -> str:
    stat = Path(tensor.path).stat()
    place = (tensor.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, tensor.offset or 0, tensor.nbytes)
    if place not in _in_files:
        digest = hashlib.sha256()
        with Path(tensor.path).open("rb") as file:
            file.seek(tensor.offset or 0)
            left = tensor.nbytes
            while left and (block := file.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
        _in_files[place] = digest.hexdigest()
    return _in_files[place]
