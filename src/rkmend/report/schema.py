"""The JSON schema of report.json, generated from the records.

python -m rkmend.report.schema > docs/report.schema.json
"""

from __future__ import annotations

import inspect
import json
from enum import Enum
from typing import Any

import msgspec

from rkmend.records import SCHEMA, Conversion


def report_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of report.json; descriptions are the docstrings of the records."""
    (root,), components = msgspec.json.schema_components([Conversion], ref_template="#/$defs/{name}")
    for name, definition in components.items():
        # msgspec takes the docstring of an Enum's base class for the Enum's own
        definition.pop("title", None)
        if definition.get("description", "").startswith("Create a collection"):
            definition.pop("description")
        if inspect.isclass(kind := _ENUMS.get(name)):
            definition["description"] = inspect.getdoc(kind)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "report.json of rkmend",
        **root,
        "$defs": components,
    }
    plain: dict[str, Any] = json.loads(json.dumps(schema))  # tuples are lists there
    return plain


def _enums() -> dict[str, type[Enum]]:
    from rkmend.records import Status
    from rkmend.rules import Exactness
    from rkmend.toolkit.verdict import Outcome, Stage

    return {kind.__name__: kind for kind in (Status, Exactness, Outcome, Stage)}


_ENUMS = _enums()

if __name__ == "__main__":
    print(json.dumps(report_schema(), indent=1))  # noqa: T201
