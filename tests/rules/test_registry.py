"""The list of rules and their pages."""

from __future__ import annotations

import re

import pytest

from golden import FIXTURES
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


CHANGES_NO_GRAPH = {
    "RKM306": "builds without quantisation",
    "RKM307": "leaves operators out of the quantisation",
    "RKM312": "chooses ranges, and leaves tensors out of the quantisation",
    "RKM901": "leaves rules of the toolkit out",
}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rewrite_is_shown_before_and_after(rule):
    """A page lists the mends of its rule; what they make of a graph stands in golden files."""
    listed = re.search(r"^## What rkmend does\n(.+?)^## ", rule.page(), re.MULTILINE | re.DOTALL)
    assert listed
    if re.search(r"^\* `[\w-]+`:", listed[1], re.MULTILINE) and rule.code not in CHANGES_NO_GRAPH:
        assert list((FIXTURES / "mends" / rule.code).glob("*.txt"))
