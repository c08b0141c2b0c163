"""Reading a model: what can be wrong with a file is said here, in words, before anything is tried."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph.check import LONG_NAME, check_operators, check_rules, check_versions, opset_of
from rkmend.graph.external import external_files
from rkmend.graph.model import Model, TensorSpec, graph_inputs, spec_of
from rkmend.graph.names import name_nodes
from rkmend.graph.protos import bodies
from rkmend.graph.sniff import check_readable

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


def load(path: Path) -> Model:
    """Reads and checks a model. Weights in external files are mapped when used, never read whole.

    Raises:
        InputError: The file is no ONNX model, is damaged, lacks external data, needs a newer onnx, uses
            operators that nobody but its maker knows, or breaks the rules of ONNX (`onnx.checker`).
    """
    path = Path(path)
    proto, files = read(path)
    check_rules(proto, path)
    model, renamed = as_graph(proto, path, files)
    return Model(
        path=path,
        ir=model,
        sha256=_sha256([path, *files]),
        inputs=specs_of(graph_inputs(model.graph), path, "input"),
        outputs=specs_of(model.graph.outputs, path, "output"),
        opset=opset_of(proto),
        renamed=renamed,
    )


def read(path: Path) -> tuple[onnx.ModelProto, list[Path]]:
    """Parses a file, and makes sure that the operators in it are known and its external files are there.

    Returns:
        The model, external data not loaded, and its external files.

    Raises:
        InputError: As `load`, but for the rules of ONNX.
    """
    check_readable(path)
    proto = _parse(path)
    files = external_files(proto, path.parent)
    check_versions(proto, path)
    check_operators(proto, path)
    return proto, files


def file_digest(path: Path) -> str:
    """What `Model.sha256` says of a file as it is now.

    Raises:
        InputError: As `read`.
    """
    return _sha256([path, *read(path)[1]])


def as_graph(proto: onnx.ModelProto, path: Path, files: Sequence[Path]) -> tuple[ir.Model, dict[str, str]]:
    """A parsed model as a graph whose nodes have names, and which of them are new (see `Model.renamed`).

    Args:
        proto: As `read` gives it.
        path: Of the file.
        files: Its external files.

    Raises:
        InputError: Its parts do not fit together.
    """
    import onnx_ir as ir

    try:
        model = ir.from_proto(proto)
    except ir.serde.SerdeError as error:
        raise InputError(f"{path} cannot be read as a graph: {error.__cause__ or error}") from error
    if LONG_NAME in model.opset_imports:
        model.opset_imports[""] = model.opset_imports.pop(LONG_NAME)
    if files:
        ir.external_data.set_base_dir(model.graph, path.parent)
        _inline_attributes(model)
    return model, name_nodes(model.graph)


def _parse(path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load_model(path, format="protobuf", load_external_data=False)
    except DecodeError as error:
        raise InputError(
            f"{path} ({path.stat().st_size} bytes) is not an ONNX model, or it is truncated or damaged",
            hint="Compare its size with that of the original, and download or export it again.",
        ) from error
    if not proto.HasField("graph") or not proto.ir_version:
        raise InputError(
            f"{path} is not an ONNX model: it holds no graph",
            hint="It may be a TensorFlow file, or cut short. Give a model that was exported to ONNX.",
        )
    if any(getattr(body, "sparse_initializer", ()) for body in bodies(proto)):
        raise InputError(f"{path} has sparse initializers", hint="Export the model with dense weights.")
    return proto


def _inline_attributes(model: ir.Model) -> None:
    """Reads tensors that a node attribute keeps in an external file: only initializers may stay outside."""
    import onnx_ir as ir

    for node in model.graph.all_nodes():
        for attribute in list(node.attributes.values()):
            tensor = attribute.value
            if attribute.type == ir.AttributeType.TENSOR and isinstance(tensor, ir.ExternalTensor):
                inside = ir.Tensor(tensor.numpy().copy(), dtype=tensor.dtype, name=tensor.name)
                node.attributes[attribute.name] = ir.AttrTensor(attribute.name, inside)


def specs_of(values: Iterable[ir.Value], path: Path, role: str) -> tuple[TensorSpec, ...]:
    """What goes in or comes out.

    Raises:
        InputError: Something that is not a tensor.
    """
    import onnx_ir as ir

    specs = []
    for value in values:
        if not isinstance(value.type, ir.TensorType):
            raise InputError(
                f"{role} '{value.name}' of {path} is not a tensor: {value.type or 'it has no type'}",
                hint="RKNN-Toolkit2 takes and gives tensors only. Cut the model where there are tensors.",
                rule="RKM080",
            )
        specs.append(spec_of(value))
    return tuple(specs)


def _sha256(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
