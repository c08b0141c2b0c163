"""Attachments for Netron: facts that its side panel shows beside those of the model.

The format is that of Netron 9.3.3 (`metadata.Attachment` in its `view.js`). Netron takes an attachment while its model
is shown, when the .json file is opened or dropped there; entries are matched by the names of nodes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rkmend.files import atomic_write
from rkmend.report.exports.facts import facts_of, graphs_of
from rkmend.report.page.record import PageData

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


def write_attachments(data: PageData, folder: Path) -> dict[str, Path]:
    """Writes an attachment for each of the models.

    Args:
        data: With names that are not cut.
        folder: Exists.

    Returns:
        `original` or `mended` -> the file.

    Raises:
        InputError: They cannot be written.
    """
    stem = Path(data.report.model.path).stem
    files = {which: folder / f"{stem}.{which}.netron.json" for which in graphs_of(data)}
    for which, path in files.items():
        atomic_write(path, json.dumps(attachment(data, which), indent=1, ensure_ascii=False).encode())
    return files
