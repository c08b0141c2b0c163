"""Interface: what goes into and comes out of a mended model, held against the original.

A mend about the whole model may change the interface in few ways: a tensor gets another shape with the same elements
in the same order, or another dtype, or an output that is one of the inputs is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from rkmend.graph import TensorSpec
from rkmend.graph.model import graph_inputs, shape_text, spec_of
from rkmend.graph.surgery import is_read
from rkmend.mend.region import Unproved
from rkmend.rules.interface.left_out import left_out

if TYPE_CHECKING:
    import onnx_ir as ir


class InterfaceChange(msgspec.Struct, frozen=True):
    """An input or output that is not what it was in the model as given."""

    kind: str
    """`input` or `output`."""
    given: TensorSpec
    """In the model as it was given."""
    now: TensorSpec | None
    """In the .rknn; None where it is not there."""
    how: str
    """What to feed, or what one gets, in one sentence."""


def inputs_of(model: ir.Model) -> tuple[TensorSpec, ...]:
    """What has to be fed."""
    return tuple(spec_of(value) for value in graph_inputs(model.graph))


def read_inputs_of(model: ir.Model) -> tuple[TensorSpec, ...]:
    """What has to be fed to the .rknn: the toolkit leaves out inputs that nothing reads."""
    return tuple(spec_of(value) for value in graph_inputs(model.graph) if is_read(value))


def outputs_of(model: ir.Model) -> tuple[TensorSpec, ...]:
    """What comes out."""
    return tuple(spec_of(value) for value in model.graph.outputs)


def changes(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], model: ir.Model
) -> tuple[InterfaceChange, ...]:
    """How the interface of a model differs from the one that was given; what a tail gives is not looked at."""
    return (
        *_pairwise("input", inputs, inputs_of(model), {}),
        *_pairwise("output", outputs, outputs_of(model), left_out(model)),
    )


def unread(inputs: Sequence[TensorSpec], read: Sequence[str]) -> Iterator[InterfaceChange]:
    """The inputs that the toolkit left out because no output depends on them.

    Args:
        inputs: Of the model as given.
        read: Names of those in the .rknn.
    """
    for spec in inputs:
        if spec.name not in read:
            how = f"Feed nothing: no output depends on '{spec.name}', and the .rknn does not have it."
            yield InterfaceChange("input", spec, None, how)


def demand_interface(before: ir.Model, after: ir.Model) -> dict[str, str]:
    """Makes sure that a mend changed the interface in no other way than it may.

    Returns:
        Outputs that are left out -> the input whose value they are, to be proved.

    Raises:
        Unproved: It changed something else.
    """
    for kind, ours, theirs in (
        ("input", inputs_of(before), inputs_of(after)),
        ("output", outputs_of(before), outputs_of(after)),
    ):
        gone = set(left_out(after)) if kind == "output" else set()
        now = {spec.name: spec for spec in theirs}
        if [spec.name for spec in ours if spec.name in now or spec.name not in gone] != [*map(_name, theirs)]:
            raise Unproved(f"the {kind}s of the graph are not the same")
        for spec in ours:
            if spec.name in now and not _same_count(spec, now[spec.name]):
                raise Unproved(f"{kind} {spec} became {now[spec.name]}, which holds other elements")
    names = {spec.name for spec in outputs_of(after)}
    return {spec.name: left_out(after)[spec.name] for spec in outputs_of(before) if spec.name not in names}


def _name(spec: TensorSpec) -> str:
    return spec.name


def _same_count(spec: TensorSpec, other: TensorSpec) -> bool:
    return not spec.static or not other.static or math.prod(spec.sizes) == math.prod(other.sizes)


def _pairwise(
    kind: str, given: Sequence[TensorSpec], found: Sequence[TensorSpec], gone: Mapping[str, str]
) -> Iterator[InterfaceChange]:
    now = {spec.name: spec for spec in found}
    for spec in given:
        other = now.get(spec.name)
        if other is not None and other != spec and (other.static or other.dtype != spec.dtype):
            yield InterfaceChange(kind, spec, other, _sentence(kind, spec, other))
        elif other is None and spec.name in gone:
            how = f"The .rknn does not give it: it is the input '{gone[spec.name]}' itself."
            yield InterfaceChange(kind, spec, None, how)


def _sentence(kind: str, given: TensorSpec, now: TensorSpec) -> str:
    parts = [f"as {now.dtype} instead of {given.dtype}"] if now.dtype != given.dtype else []
    if now.shape != given.shape:
        parts.append(f"in the shape {shape_text(now.shape)} instead of {shape_text(given.shape)}")
    verb = "Feed it" if kind == "input" else "It comes out"
    same = "the same values" if now.dtype != given.dtype else "the same elements in the same order"
    return f"{verb} {' and '.join(parts)}: {same}."
