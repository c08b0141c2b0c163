"""The JSON schemas of report.json, `rkmend check --format json`, the page's data and events, from their records.

python -m rkmend.report.schema report > docs/report.schema.json
python -m rkmend.report.schema check > docs/check.schema.json
python -m rkmend.report.schema page > docs/page.schema.json
python -m rkmend.report.schema events > docs/events.schema.json
"""

from __future__ import annotations

import inspect
import json
import sys
from enum import Enum
from typing import Any

import msgspec


def report_schema() -> dict[str, Any]:
    """JSON schema of report.json."""
    from rkmend.records import SCHEMA, Conversion

    return _schema(Conversion, SCHEMA, "report.json of rkmend")


def check_schema() -> dict[str, Any]:
    """JSON schema of what `rkmend check --format json` prints."""
    from rkmend.checking import SCHEMA, Checked

    return _schema(Checked, SCHEMA, "rkmend check --format json")


def page_schema() -> dict[str, Any]:
    """JSON schema of the data within report.html."""
    from rkmend.report.page.record import SCHEMA, PageData

    return _schema(PageData, SCHEMA, "The data of rkmend's report.html")


def events_schema() -> dict[str, Any]:
    """JSON schema of a line that `--events` writes."""
    from rkmend.report.events import SCHEMA, AnyEvent

    return _schema(AnyEvent, SCHEMA, "An event of rkmend, one a line")


SCHEMAS = {"report": report_schema, "check": check_schema, "page": page_schema, "events": events_schema}


def _schema(record: object, identity: str, title: str) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a record or a union of some; descriptions are the docstrings of the records."""
    (root,), components = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    for name, definition in components.items():
        # msgspec takes the docstring of an Enum's base class for the Enum's own
        definition.pop("title", None)
        if definition.get("description", "").startswith("Create a collection"):
            definition.pop("description")
        if inspect.isclass(kind := _ENUMS.get(name)):
            definition["description"] = inspect.getdoc(kind)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identity,
        "title": title,
        **root,
        "$defs": components,
    }
    plain: dict[str, Any] = json.loads(json.dumps(schema))  # tuples are lists there
    return plain


def _enums() -> dict[str, type[Enum]]:
    from rkmend.records import Status
    from rkmend.rules.base import Exactness, Level
    from rkmend.toolkit.verdict import Outcome, Stage
    from rkmend.words import Language

    return {kind.__name__: kind for kind in (Status, Exactness, Level, Outcome, Stage, Language)}


_ENUMS = _enums()

if __name__ == "__main__":
    print(json.dumps(SCHEMAS[sys.argv[1]](), indent=1))  # noqa: T201
