"""The published schema is the one the records give."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from rkmend.report.schema import SCHEMAS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_current(name):
    published = json.loads((DOCS / f"{name}.schema.json").read_text())
    assert published == SCHEMAS[name](), (
        f"run: python -m rkmend.report.schema {name} > docs/{name}.schema.json"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_valid_schema_and_says_which(name):
    schema = SCHEMAS[name]()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"rkmend-{name}/1"
