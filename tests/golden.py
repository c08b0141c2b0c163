"""Golden files: what a test saw when it was last looked at. `RKMEND_GOLDEN=write` writes those that differ anew."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import onnx_ir as ir

FIXTURES = Path(__file__).parent / "fixtures"
FEW = 8
"""Numbers of a constant that are shown; of larger ones the shape has to do."""


def check_golden(path: Path, text: str) -> None:
    """A text is what its golden file says."""
    if os.environ.get("RKMEND_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), (
        f"{path.name} is missing: run the test with RKMEND_GOLDEN=write, and read what it writes"
    )
    assert path.read_text() == text


def current_case() -> str:
    """The test that runs, as pytest names it within its file, fit for a file's name: `rewrite-sound`."""
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" (")[0]
    return re.sub(r"[^\w.]+", "-", test.removeprefix("test_")).strip("-")


def listing(model: ir.Model) -> str:
    """A model, one line a value or a node."""
    graph = model.graph
    versions = ", ".join(
        f"{domain or 'ai.onnx'} {version}" for domain, version in model.opset_imports.items()
    )
    lines = [f"opset {versions}", *_graph(graph, "")]
    return "\n".join(lines) + "\n"


def _graph(graph: ir.Graph, indent: str) -> Iterator[str]:
    yield from (f"{indent}input {_value(value)}" for value in graph.inputs)
    yield from (f"{indent}constant {_constant(value)}" for value in graph.initializers.values())
    for node in graph:
        yield from _node(node, indent)
    yield from (f"{indent}output {_value(value)}" for value in graph.outputs)


def _node(node: ir.Node, indent: str) -> Iterator[str]:
    read = ", ".join("" if value is None else str(value.name) for value in node.inputs)
    made = ", ".join(_value(value) for value in node.outputs)
    plain = [
        attribute for attribute in node.attributes.values() if attribute.type is not ir.AttributeType.GRAPH
    ]
    told = " ".join(f"{one.name}={_number(one.value)}" for one in sorted(plain, key=lambda one: one.name))
    operator = f"{node.domain}::{node.op_type}" if node.domain else node.op_type
    rule = node.metadata_props.get("rkmend.rule")
    yield (
        f"{indent}{made} = {operator}({read})"
        + (f" {told}" if told else "")
        + (f"  # {rule}" if rule else "")
    )
    for attribute in node.attributes.values():
        if attribute.type is ir.AttributeType.GRAPH:
            yield f"{indent}  {attribute.name}:"
            yield from _graph(attribute.as_graph(), indent + "    ")


def _value(value: ir.Value) -> str:
    if value.type is None or value.shape is None:
        return str(value.name)
    return f"{value.name} {_type(value.dtype, value.shape)}"


def _type(dtype: ir.DataType | None, shape: ir.Shape | ir.ShapeProtocol) -> str:
    return f"{dtype.name.lower() if dtype else '?'}[{', '.join(map(str, shape))}]"


def _constant(value: ir.Value) -> str:
    tensor = value.const_value
    assert tensor is not None
    text = f"{value.name} {_type(tensor.dtype, tensor.shape)}"
    if tensor.size > FEW or tensor.dtype is ir.DataType.STRING:
        return text
    return f"{text} = {_number(tensor.numpy().tolist())}"


def _number(value: object) -> str:
    """Floats to six digits: the last ones depend on how a library sums."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_number, value))}]"
    if isinstance(value, ir.TensorProtocol):
        return _type(value.dtype, value.shape) + (
            f" {_number(value.numpy().tolist())}" if value.size <= FEW else ""
        )
    return str(value)
