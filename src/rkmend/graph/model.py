"""Model: an ONNX model that was read and checked, and what is known of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import onnx_ir as ir

UNKNOWN_RANK = "..."
"""The only entry of a shape of which not even the rank is known."""


class TensorSpec(msgspec.Struct, frozen=True):
    """What goes into or comes out of a model under a name."""

    name: str
    dtype: str
    """As numpy spells it: `float32`, `int64`, `bool`; `bfloat16` and its like as ml_dtypes does."""
    shape: tuple[int | str | None, ...]
    """A size, the name of a symbolic size, or None for each axis; `("...",)` when the rank is unknown."""

    @property
    def static(self) -> bool:
        """Whether every size is known."""
        return all(isinstance(size, int) for size in self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of a static spec.

        Raises:
            ValueError: It is not static.
        """
        sizes = tuple(size for size in self.shape if isinstance(size, int))
        if len(sizes) != len(self.shape):
            raise ValueError(f"{self} is not static")
        return sizes

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype} {shape_text(self.shape)}"


def shape_text(shape: tuple[int | str | None, ...]) -> str:
    """A shape as people write it: `[1, 3, height, ?]`."""
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


@dataclass(frozen=True)
class Model:
    """An ONNX model that was read and checked.

    Attributes:
        path: The .onnx file as it was given.
        ir: The graph; tensors in external files are mapped, not read.
        sha256: Hex digest over the bytes of the .onnx file and of its external files, in order of first use.
        inputs: Without the initializers that old models list among their inputs.
        outputs: In graph order.
        opset: Version of the default operator set.
        renamed: New node name -> the name in the file (empty if it had none), for nodes that had to be named.
    """

    path: Path
    ir: ir.Model
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    opset: int
    renamed: Mapping[str, str]


def graph_inputs(graph: ir.Graph) -> list[ir.Value]:
    """The inputs that must be fed: those that are not initializers as well."""
    return [value for value in graph.inputs if value.name not in graph.initializers]


def spec_of(value: ir.Value) -> TensorSpec:
    """The spec of a value whose dtype is known."""
    if value.dtype is None:
        raise ValueError(f"value {value.name} has no dtype")
    return TensorSpec(str(value.name), value.dtype.numpy().name, shape_of(value))


def shape_of(value: ir.Value) -> tuple[int | str | None, ...]:
    """The shape of a value; negative sizes, which some exporters write for unknown ones, are unknown."""
    if value.shape is None:
        return (UNKNOWN_RANK,)
    return tuple(_size(size) for size in value.shape)


def _size(size: int | ir.SymbolicDim) -> int | str | None:
    if isinstance(size, int):
        return size if size >= 0 else None
    return None if size.value in (None, "", "?") else str(size.value)  # "?" is no name: exporters repeat it
