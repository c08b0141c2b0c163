"""The page's own code mirrors the records: the interfaces of data.ts have their names, and no field of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from rkmend.report.page.rows import Role, Which
from rkmend.report.schema import page_schema
from rkmend.rules.base import Level

SOURCE = (Path(__file__).parents[3] / "web/frontend/src/report/data.ts").read_text()
INTERFACES = dict(re.findall(r"^export interface (\w+) \{\n(.*?)^\}", SOURCE, re.DOTALL | re.MULTILINE))
SCHEMA = page_schema()


def properties(name: str) -> dict[str, object]:
    """Of a record, or of one of the kinds that a field of it has."""
    return SCHEMA["$defs"][name]["properties"]


def union(name: str) -> set[str]:
    (told,) = re.findall(rf"^export type {name} = (.+);$", SOURCE, re.MULTILINE)
    return set(re.findall(r'"([^"]*)"', told))


def test_there_are_interfaces():
    assert "PageData" in INTERFACES and len(INTERFACES) > 20


@pytest.mark.parametrize("name", INTERFACES)
def test_an_interface_has_fields_of_its_record(name):
    fields = set(re.findall(r"^  readonly (\w+)\??:", INTERFACES[name], re.MULTILINE))
    assert fields
    assert fields <= set(properties(name)), f"{name} of data.ts is not the record of that name any more"


def test_everything_that_the_page_has_is_read():
    """A field of the page that its own code does not know is forgotten work."""
    fields = set(re.findall(r"^  readonly (\w+)\??:", INTERFACES["PageData"], re.MULTILINE))
    assert fields == set(properties("PageData"))


def test_the_words_for_roles_levels_and_models_are_the_same():
    assert union("Role") == set(get_args(Role))
    assert union("Which") == set(get_args(Which))
    assert union("Level") == {level.value for level in Level}
