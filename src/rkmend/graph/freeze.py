"""Freezing: a model with dynamic inputs becomes one with static shapes; the toolkit takes no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.graph.infer import infer
from rkmend.graph.model import Model, TensorSpec, graph_inputs, spec_of
from rkmend.graph.shapes import bind

if TYPE_CHECKING:
    import onnx_ir as ir


def freeze(model: Model, shapes: Mapping[str, tuple[int, ...]]) -> Model:
    """Gives every input a static shape, and every value the shape that follows.

    Args:
        model: Left as it is.
        shapes: By input name, for the dynamic inputs at least; `()` is a scalar.

    Returns:
        A Model whose `ir` has static inputs. A shape that does not follow from the inputs alone (the output
        of NonZero) stays unknown, and that is no error.

    Raises:
        InputError: As `bind` does.
    """
    specs = bind(model.inputs, shapes)
    frozen = model.ir.clone()
    sizes = _bound_sizes(model.inputs, specs)
    declared = {value: _substitute(value.shape, sizes) for value in frozen.graph.outputs}
    if specs != model.inputs:
        _forget_shapes(frozen, sizes)
    _set_inputs(frozen, specs)
    infer(frozen)
    for value, shape in declared.items():
        if value.shape is None:
            value.shape = shape
    outputs = tuple(spec_of(value) for value in frozen.graph.outputs)
    return replace(model, ir=frozen, inputs=specs, outputs=outputs)


def _bound_sizes(before: tuple[TensorSpec, ...], after: tuple[TensorSpec, ...]) -> dict[str, int]:
    """The symbolic sizes that now have a value."""
    return {
        name: size
        for old, new in zip(before, after, strict=True)
        if len(old.shape) == len(new.shape)
        for name, size in zip(old.shape, new.sizes, strict=True)
        if isinstance(name, str)
    }


def _forget_shapes(model: ir.Model, sizes: Mapping[str, int]) -> None:
    """Drops the shapes between inputs and outputs.

    They belong to the dynamic model, and exporters that trace leave sizes of their example input in them.
    Only what comes out of operators outside of ONNX is kept, for nothing could replace it.
    """
    for node in model.graph.all_nodes():
        for value in node.outputs:
            value.shape = _substitute(value.shape, sizes) if node.domain else None


def _substitute(shape: ir.Shape | None, sizes: Mapping[str, int]) -> ir.Shape | None:
    import onnx_ir as ir

    if shape is None:
        return None
    return ir.Shape(size if isinstance(size, int) else sizes.get(size.value or "", size) for size in shape)


def _set_inputs(model: ir.Model, specs: tuple[TensorSpec, ...]) -> None:
    import onnx_ir as ir

    for value, spec in zip(graph_inputs(model.graph), specs, strict=True):
        value.shape = ir.Shape(spec.sizes)
