"""Inspection: what an uploaded model is, and what the rules say of it, before any toolkit runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.web.records import Problem, Sizes, told
from rkmend.web.relink import relink
from rkmend.words import Text, both

if TYPE_CHECKING:
    from rkmend.checking import Found
    from rkmend.graph import TensorSpec

SHOWN = 500
"""Findings that are told; `Facts.counts` counts all."""


class Inspect(msgspec.Struct, frozen=True, tag="inspect"):
    """Look at a model, as far as no toolkit is needed."""

    given: str
    """The uploaded file."""
    model: str
    """Where it is put, with the names of its external data replaced."""
    data: dict[str, str]
    """Uploaded external data: the user's name -> the file, in the folder of `model`."""
    sizes: Sizes
    name: str
    """As its user knows the model."""


class InputFacts(msgspec.Struct, frozen=True):
    """An input or output of a model."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    dynamic: bool = False
    proposal: tuple[int, ...] = ()
    """A guess for a dynamic one."""
    constant: bool = False
    """Whether operators need it to be a constant of the model."""


class FindingFacts(msgspec.Struct, frozen=True):
    """A finding, to be shown."""

    code: str
    name: str
    level: str
    message: Text
    mend: Text | None
    nodes: tuple[str, ...]
    operators: tuple[str, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an uploaded model is."""

    missing_data: tuple[str, ...] = ()
    """Weight files that it wants; nothing else is known before they are there."""
    opset: int = 0
    ir_version: int = 0
    producer: str = ""
    nodes: int = 0
    operators: tuple[tuple[str, int], ...] = ()
    """Kinds of operators, the most frequent first."""
    inputs: tuple[InputFacts, ...] = ()
    outputs: tuple[InputFacts, ...] = ()
    unchecked: tuple[Problem, ...] = ()
    """Why findings that need shapes are left out."""
    findings: tuple[FindingFacts, ...] = ()
    counts: dict[str, int] = {}
    """Findings by level; `findings` holds the first of them."""


def inspect(asked: Inspect) -> Facts:
    """Reads a model and says what the rules say of it.

    Raises:
        InputError: It is none, or a wish does not fit it.
    """
    from rkmend.checking import check
    from rkmend.graph import load, parse_constant_options, specialise
    from rkmend.graph.glance import glance
    from rkmend.graph.model import graph_inputs, spec_of
    from rkmend.graph.shapes import propose
    from rkmend.graph.walk import every_node
    from rkmend.rules.model.constant_inputs import constant_inputs

    path, sizes = Path(asked.model), asked.sizes
    stored = {name: Path(file) for name, file in asked.data.items()}
    if missing := relink(Path(asked.given), path, stored):
        return Facts(missing_data=tuple(missing))
    plain = glance(path, {})
    model = plain.ir
    specs = [spec_of(value) for value in graph_inputs(model.graph)]
    proposals, constants = propose(specs), set(constant_inputs(model))
    special = path
    if sizes.constants:
        values = parse_constant_options(f"{name}={value}" for name, value in sizes.constants.items())
        special = path.with_name("specialised.onnx")
        specialise(load(path), values, special)
    shapes = {name: tuple(shape) for name, shape in sizes.inputs.items() if name not in sizes.constants}
    checked = check(special, sizes.target, inputs=shapes, dtype=sizes.dtype)
    kinds = Counter(node.op_type for node in every_node(model.graph))
    return Facts(
        opset=model.opset_imports.get("", 0),
        ir_version=model.ir_version or 0,
        producer=" ".join(filter(None, (model.producer_name, model.producer_version))),
        nodes=kinds.total(),
        operators=tuple(kinds.most_common()),
        inputs=tuple(_input(spec, proposals.get(spec.name), spec.name in constants) for spec in specs),
        outputs=tuple(_input(spec_of(value), None, False) for value in model.graph.outputs),
        unchecked=tuple(Problem(told(one.message), told(one.hint)) for one in checked.unchecked),
        findings=tuple(_finding(found) for found in checked.findings[:SHOWN]),
        counts=dict(Counter(found.level.value for found in checked.findings)),
    )


def _input(spec: TensorSpec, proposal: tuple[int, ...] | None, constant: bool) -> InputFacts:
    return InputFacts(spec.name, spec.dtype, spec.shape, not spec.static, proposal or (), constant)


def _finding(found: Found) -> FindingFacts:
    from rkmend.report import sentences
    from rkmend.rules.base import Finding

    told_of = Finding(found.code, found.name, found.nodes, found.facts, found.message)
    mend = found.mend
    return FindingFacts(
        code=found.code,
        name=found.name,
        level=found.level.value,
        message=both(lambda say: sentences.believed(told_of, say)),
        mend=both(lambda say: sentences.mend_summary(found.code, mend.summary, say)) if mend else None,
        nodes=found.nodes,
        operators=tuple(operator.operator for operator in found.operators),
    )
