"""Whether a parsed model keeps to the rules of ONNX, and to the operators that other people know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph.protos import bodies

if TYPE_CHECKING:
    import onnx

LONG_NAME = "ai.onnx"
"""Of the default operator set, whose usual name is empty."""
KNOWN_DOMAINS = ("", LONG_NAME, "ai.onnx.ml", "com.microsoft")
"""Operator sets that a plain ONNX Runtime runs, so that there is something to hold a conversion against."""
EXPERIMENTAL = ("Affine", "Crop", "ImageScaler", "ParametricSoftplus", "ScaledTanh")
"""Operators that ONNX dropped in 1.5 and ONNX Runtime still has; early vision models use them."""


def opset_of(proto: onnx.ModelProto) -> int:
    """The version of the default operator set."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", LONG_NAME)]
    return max(versions, default=1)  # before IR version 3 there was but one


def check_versions(proto: onnx.ModelProto, path: Path) -> None:
    """Refuses what the installed onnx is too old for."""
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if opset_of(proto) > newest or proto.ir_version > onnx.IR_VERSION:
        raise InputError(
            f"{path} has opset {opset_of(proto)} and IR version {proto.ir_version}; the installed "
            f"onnx {onnx.__version__} knows opsets up to {newest} and IR versions up to {onnx.IR_VERSION}",
            hint="Export it with an older opset (RKNN-Toolkit2 2.3.2 takes 19 at most), or update onnx.",
        )


def check_operators(proto: onnx.ModelProto, path: Path) -> None:
    """Refuses operators that only their maker knows; functions that the model brings along are fine."""
    own = {(function.domain, function.name) for function in proto.functions}
    strange: dict[str, list[str]] = {}
    for body in bodies(proto):
        for node in body.node:
            if node.domain not in KNOWN_DOMAINS and (node.domain, node.op_type) not in own:
                strange.setdefault(f"{node.domain}::{node.op_type}", []).append(node.name or "unnamed")
    if strange:
        listing = "; ".join(f"{operator} ({_some(nodes)})" for operator, nodes in strange.items())
        raise InputError(
            f"{path} uses custom operators: {listing}",
            hint="RKNN-Toolkit2 and ONNX Runtime know only the standard ones. Export the model without them, "
            "or cut it before them and compute the rest outside.",
        )


def check_rules(proto: onnx.ModelProto, path: Path, *, light: bool = False) -> None:
    """Runs `onnx.checker` on the file: by its path, which works at any size and reads no external data.

    Args:
        proto: As parsed.
        path: Of the file.
        light: `proto` is a model without its weights; that is checked, and not the file.
    """
    import onnx

    try:
        onnx.checker.check_model(tolerated(proto) or (proto if light else str(path)))
    except onnx.checker.ValidationError as error:
        raise InputError(
            f"{path} breaks the rules of ONNX: {decisive(str(error))}",
            hint="The exporter made an invalid model; export it again with a newer one or another opset.",
        ) from error


def tolerated(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    """A copy for the checker, if the model has what the checker refuses although ONNX Runtime runs it.

    That is an input or output without a shape, the default operator set under its long name, and operators
    that ONNX has dropped (the experimental ones are announced on standard output besides). External tensors
    are empty in the copy: the checker would look for their files in the current folder.
    """
    import onnx

    values = [*proto.graph.input, *proto.graph.output]
    shapeless = any(not value.type.tensor_type.HasField("shape") for value in values)
    long_name = any(entry.domain == LONG_NAME for entry in proto.opset_import)
    dropped = _dropped(proto)
    if not (shapeless or long_name or dropped):
        return None
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for value in [*copy.graph.input, *copy.graph.output]:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.shape.SetInParent()
    for entry in copy.opset_import:
        entry.domain = "" if entry.domain == LONG_NAME else entry.domain
    copy.opset_import.add(domain="dropped", version=1)
    for body in bodies(copy):
        for node in body.node:
            node.domain = "" if node.domain == LONG_NAME else node.domain
            if not node.domain and node.op_type in dropped:
                node.domain = "dropped"
        for tensor in getattr(body, "initializer", ()):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                name, kind = tensor.name, tensor.data_type
                tensor.CopyFrom(onnx.TensorProto(name=name, data_type=kind, dims=[0], raw_data=b""))
    return copy


def _dropped(proto: onnx.ModelProto) -> set[str]:
    """The operators of a model that ONNX no longer has: not in this opset, or not at all."""
    from onnx import defs

    def gone(operator: str) -> bool:
        try:
            return bool(defs.get_schema(operator, opset_of(proto), "").deprecated)
        except defs.SchemaError:
            return operator in EXPERIMENTAL

    return set(
        filter(gone, {node.op_type for body in bodies(proto) for node in body.node if not node.domain})
    )


def decisive(message: str) -> str:
    """The part of a checker message that says what is wrong, with the node it is about in front."""
    what, _, context = message.partition("==> Context:")
    node = re.search(r"Name: (.*?) OpType: (\w+)", context)
    where = f"node '{node[1]}' ({node[2]}): " if node else ""
    return where + next((line.strip() for line in what.splitlines() if line.strip()), "no reason given")


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
