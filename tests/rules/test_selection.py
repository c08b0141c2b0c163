"""Which rules take part."""

from __future__ import annotations

import pytest

from rkmend.errors import InputError
from rkmend.rules.registry import all_rules
from rkmend.rules.selection import Selection


def codes(**selectors) -> set[str]:
    return {rule.code for rule in Selection(**selectors).rules()}


ALL = {rule.code for rule in all_rules()}


def test_all_by_default():
    assert codes() == ALL


def test_code_prefix_and_name():
    assert codes(select=("RKM101",)) == codes(select=("padding-beyond-kernel",)) == {"RKM101"}
    assert codes(select=("rkm2",)) == {code for code in ALL if code.startswith("RKM2")}


def test_the_longer_selector_decides():
    assert codes(ignore=("RKM101",)) == ALL - {"RKM101"}
    assert "RKM101" in codes(select=("ALL", "RKM101"), ignore=("RKM1",))
    assert "RKM101" not in codes(select=("RKM101",), ignore=("RKM101",))


@pytest.mark.parametrize("selector", ["RKM777", "padding-beyond", ""])
def test_a_selector_that_fits_nothing_is_refused(selector):
    with pytest.raises(InputError, match="no rule fits"):
        codes(ignore=(selector,))
