"""The published schema is the one the records give."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from rkmend.report.schema import report_schema


def test_the_published_schema_is_current():
    published = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
    assert published == report_schema(), "run: python -m rkmend.report.schema > docs/report.schema.json"


def test_it_is_a_valid_schema_and_explains_every_field_of_the_report():
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "rkmend-report/1"
