"""What Netron shows of a node beside what the model says: as an attachment, or within a copy of the model.

The format of attachments is that of Netron 9.3.3 (`metadata.Attachment` in its `view.js`). Netron (netron.app, or the
desktop program) takes one while its model is shown, when the .json file is opened or dropped there; entries are matched
by the names of nodes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rkmend.files import atomic_write
from rkmend.report.exports.facts import facts_of, graphs_of
from rkmend.report.page.record import PageData
from rkmend.report.page.rows import Graph

SIGNATURE = "netron:attachment"


def attachment(data: PageData, which: str) -> dict[str, Any]:
    """The attachment for one of the two models.

    Args:
        data: With names that are not cut.
        which: `original` or `mended`.
    """
    graph = graphs_of(data)[which]
    metadata = [
        {"kind": "model", "target": "", "name": "rkmend", "value": data.headline.text.en, "type": "string"},
        *(
            {"kind": "node", "target": node.name, "name": name, "value": value, "type": "string"}
            for node in graph.nodes
            for name, value in facts_of(node, data)
        ),
    ]
    return {"signature": SIGNATURE, "metadata": metadata, "metrics": []}


def annotated(path: Path, graph: Graph, data: PageData) -> bytes:
    """A model whose nodes carry the facts as their metadata; what has no name gets the one that the facts are told by.

    Args:
        path: The .onnx file; weights in other files stay out.
        graph: Of it, with names that are not cut.
        data: What the graph refers to.
    """
    import onnx

    model = onnx.load_model(path, load_external_data=False)
    onnx.helper.set_model_props(model, {"rkmend": data.headline.text.en})
    for proto, node in zip(model.graph.node, graph.nodes, strict=True):
        proto.name = node.name
        for name, value in facts_of(node, data):
            proto.metadata_props.add(key=name, value=value)
    return bytes(model.SerializeToString())


def write_attachments(data: PageData, folder: Path) -> list[Path]:
    """Writes an attachment for each of the models.

    Args:
        data: With names that are not cut.
        folder: Exists.

    Raises:
        InputError: They cannot be written.
    """
    stem = Path(data.report.model.path).stem
    files = {which: folder / f"{stem}.{which}.netron.json" for which in graphs_of(data)}
    for which, path in files.items():
        atomic_write(path, json.dumps(attachment(data, which), indent=1, ensure_ascii=False).encode())
    return list(files.values())
