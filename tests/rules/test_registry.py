"""The list of rules and their pages."""

from __future__ import annotations

import re

import pytest

from rkmend.rules.registry import all_rules


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_page_has_every_section(rule):
    sections = re.findall(r"^## (.+)$", rule.page(), re.MULTILINE)
    assert sections == [
        "What happens", "Why", "Example", "What rkmend does", "Exactness and its limits", "Evidence",
    ]  # fmt: skip


def test_codes_and_names_are_unique():
    rules = all_rules()
    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)
