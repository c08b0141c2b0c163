"""Weights that need not be handed over, because a few lines of the script make the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.diagnose.reduction.weights import SCALE, SEED, Content, content_of_weights
from rkmend.files import atomic_write
from rkmend.graph.save import SMALL
from rkmend.graph.tensors import replaced_tensors
from rkmend.npz import NATIVE

if TYPE_CHECKING:
    import onnx_ir as ir

WEIGHTS_FILE = "repro.weights"


@dataclass(frozen=True)
class Made:
    """A tensor that the script makes.

    Attributes:
        tensor: Of the model.
        number: What stands everywhere in it; None when it holds seeded random numbers.
    """

    tensor: ir.TensorProtocol
    number: bool | int | float | None

    @property
    def source(self) -> str:
        """Its line in the script: shape, dtype, number."""
        shape = tuple(map(int, self.tensor.shape.numpy()))
        return f'({shape}, "{self.tensor.dtype.numpy().name}", {self.number})'


def made_by_script(model: ir.Model) -> list[Made]:
    """The weights that can be left to the script, in the order in which it makes them.

    These are the seeded ones (see `rkmend.diagnose.reduction.weights`) and the large ones that hold one number
    everywhere, each checked byte for byte.
    """
    contents = content_of_weights(model)
    random = np.random.default_rng(SEED)
    found = []
    for value in _initializers(model):
        assert value.const_value is not None
        array = value.const_value.numpy()
        if array.dtype.kind not in NATIVE:
            continue
        number: Any = None
        if contents.get(str(value.name)) is Content.SEEDED:
            scale = SCALE if array.ndim > 1 else 1.0
            made = np.asarray(random.standard_normal(array.shape) * scale).astype(array.dtype)
        elif array.nbytes > SMALL and np.isfinite(array.flat[0]):
            number = array.flat[0].item()
            made = np.full(array.shape, number, array.dtype)
        else:
            continue
        if made.tobytes() == array.tobytes():
            found.append(Made(value.const_value, number))
    return found


def export_without(model: ir.Model, made: Sequence[Made], path: Path) -> None:
    """Writes a model that refers to `WEIGHTS_FILE` beside it, one tensor after the other, for some weights.

    Args:
        model: Left as it is; its other weights are in the .onnx file.
        made: Weights of the model in the order in which they will be in the file.
        path: Of the .onnx file. The file of weights is not written.

    Raises:
        InputError: It cannot be written.
    """
    import onnx_ir as ir

    offset = 0
    places: dict[int, ir.ExternalTensor] = {}
    for tensor in (one.tensor for one in made):
        shape = ir.Shape(tensor.shape.numpy())
        places[id(tensor)] = ir.ExternalTensor(
            WEIGHTS_FILE, offset, tensor.nbytes, tensor.dtype, shape=shape, name=tensor.name or ""
        )
        offset += tensor.nbytes

    def where(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        if id(tensor) in places:
            return places[id(tensor)]
        if isinstance(tensor, ir.ExternalTensor):
            return ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)
        return tensor

    with replaced_tensors(model, where):
        proto = ir.to_proto(model)
    proto.ir_version = max(proto.ir_version, 4)  # before 4 every initializer had to be an input as well
    atomic_write(path, proto.SerializeToString())


def _initializers(model: ir.Model) -> Iterator[ir.Value]:
    for graph in model.graphs():
        yield from (value for value in graph.initializers.values() if value.const_value is not None)
