"""The pages of the rules in docs/ are those of the code."""

from __future__ import annotations

from pathlib import Path

from rkmend.report.rule_pages import rule_pages

DOCS = Path(__file__).parents[2] / "docs" / "rules"


def test_the_pages_in_the_documentation_are_current():
    written = {path.name: path.read_text() for path in DOCS.glob("*.md")}
    assert written == rule_pages(), "run `python -m rkmend.report.rule_pages docs/rules`"
