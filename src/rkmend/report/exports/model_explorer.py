"""Files for Google's Model Explorer: a collection with both graphs, and node data that colour them.

The formats are those of ai-edge-model-explorer 0.1.34 (its `graph_builder.py`, `node_data_builder.py`, and what its
page accepts as a .json file).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rkmend.files import atomic_write
from rkmend.report.exports.facts import cycles_of, facts_of, graphs_of
from rkmend.report.page.record import PageData
from rkmend.report.page.rows import Graph, Node

COLOURS = {
    "culprit": "#ffd8d3",
    "replaced": "#ffe2c4",
    "new": "#cdeed3",
    "changed": "#dbe9ff",
    "tail": "#e5e0f5",
    "finding": "#fff3c4",
}
"""Of nodes by their role; dark text is read on all of them."""
INPUTS, OUTPUTS = "inputs", "outputs"
"""Ids of the nodes that stand for the interface; those of operators are numbers."""
HOT = [
    {"stop": 0, "bgColor": "#fff7ec"},
    {"stop": 0.5, "bgColor": "#fdbb84"},
    {"stop": 1, "bgColor": "#d7301f"},
]
FAR = [
    {"stop": 0, "bgColor": "#d7301f"},
    {"stop": 0.5, "bgColor": "#fdbb84"},
    {"stop": 1, "bgColor": "#f7fcf5"},
]

Measure = Callable[[Node, PageData], float | None]


def collection(data: PageData) -> dict[str, Any]:
    """Both models as a graph collection."""
    return {
        "label": data.headline.text.en,
        "graphs": [_graph(name, graph, data) for name, graph in graphs_of(data).items()],
        "graphSorting": "name_desc",
    }


def _graph(name: str, graph: Graph, data: PageData) -> dict[str, Any]:
    makers = {
        value: (str(node.id), str(place))
        for node in graph.nodes
        for place, value in enumerate(node.outputs)
        if value is not None
    }
    makers.update((value, (INPUTS, str(place))) for place, value in enumerate(graph.inputs))

    def edges(values: tuple[int | None, ...]) -> list[dict[str, str]]:
        return [
            {
                "sourceNodeId": makers[value][0],
                "sourceNodeOutputId": makers[value][1],
                "targetNodeInputId": str(place),
            }
            for place, value in enumerate(values)
            if value in makers
        ]

    def tensors(values: tuple[int | None, ...]) -> list[dict[str, Any]]:
        return [
            {"id": str(place), "attrs": _pairs(_tensor(graph, value))}
            for place, value in enumerate(values)
            if value is not None
        ]

    nodes: list[dict[str, Any]] = [
        {
            "id": str(node.id),
            "label": f"{node.domain}::{node.op}" if node.domain else node.op,
            "namespace": node.module.replace(".", "/"),
            "attrs": _pairs([("name", node.name), *facts_of(node, data), *node.attributes]),
            "incomingEdges": edges(node.inputs),
            "outputsMetadata": tensors(node.outputs),
            **({"style": {"backgroundColor": COLOURS[node.role]}} if node.role in COLOURS else {}),
        }
        for node in graph.nodes
    ]
    ends = [
        {"id": INPUTS, "label": "Inputs", "outputsMetadata": tensors(graph.inputs)},
        {"id": OUTPUTS, "label": "Outputs", "incomingEdges": edges(graph.outputs)},
    ]
    return {"id": name, "nodes": [*nodes, *ends]}


def _tensor(graph: Graph, place: int) -> Iterator[tuple[str, str]]:
    value = graph.values[place]
    yield "tensor_name", value.name
    yield "tensor_shape", f"{value.dtype} {value.shape}".strip()


def _pairs(facts: Any) -> list[dict[str, str]]:  # noqa: ANN401 - any sequence of pairs
    return [{"key": key, "value": value} for key, value in facts]


def node_data(data: PageData, name: str, measure: Measure, gradient: list[dict[str, Any]]) -> dict[str, Any]:
    """Node data: a number for each node that has one, and the colours between the least and the most.

    Args:
        data: The page's.
        name: What is measured.
        measure: None for a node that has no such number.
        gradient: From the least to the most.
    """
    return {
        which: {"name": name, "results": results, "gradient": gradient}
        for which, graph in graphs_of(data).items()
        if (
            results := {
                str(node.id): {"value": found}
                for node in graph.nodes
                if (found := measure(node, data)) is not None
            }
        )
    }


MEASURES: dict[str, tuple[str, Measure, list[dict[str, Any]]]] = {
    "cycles": ("cycles", cycles_of, HOT),
    "cosine": (
        "cosine against ONNX Runtime",
        lambda node, data: data.errors[node.error].cosine if node.error is not None else None,
        FAR,
    ),
}
"""Part of the file's name -> what is measured."""


def write_files(data: PageData, folder: Path) -> list[Path]:
    """Writes the collection and the node data that there are.

    Args:
        data: The page's.
        folder: Exists.

    Raises:
        InputError: They cannot be written.
    """
    stem = Path(data.report.model.path).stem
    contents = {f"{stem}.model-explorer.json": collection(data)}
    for part, (name, measure, gradient) in MEASURES.items():
        if measured := node_data(data, name, measure, gradient):
            contents[f"{stem}.{part}.node-data.json"] = measured
    for file, content in contents.items():
        atomic_write(folder / file, json.dumps(content, ensure_ascii=False).encode())
    return [folder / file for file in contents]
