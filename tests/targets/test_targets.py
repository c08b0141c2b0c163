"""The facts about targets: each number says where it comes from, and they agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rkmend.errors import InputError
from rkmend.targets import Target, load_target, target_names

TARGETS = [load_target(name) for name in target_names()]


def numbers(table: dict[str, Any], above: str = "") -> Iterator[str]:
    """The paths of all that is a number, or a choice that was measured."""
    for key, value in table.items():
        path = f"{above}{key}"
        if isinstance(value, dict):
            yield from numbers(value, f"{path}.")
        elif value is not None and path not in ("name", "description"):
            yield path


def stated(target: Target) -> dict[str, Any]:
    table = msgspec.to_builtins(target)
    del table["sources"]
    return table


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_number_has_its_source_and_no_source_is_idle(target):
    paths = list(numbers(stated(target)))
    covered = {
        source: [path for path in paths if f"{path}.".startswith(f"{source}.")] for source in target.sources
    }
    assert [path for path in paths if not any(path in found for found in covered.values())] == []
    assert [source for source, found in covered.items() if not found] == []
    assert all(len(text) > 10 for text in target.sources.values())


def test_a_number_without_a_source_would_be_noticed():
    assert list(numbers({"name": "x", "cores": 3, "cbuf": {"banks": 8}})) == ["cores", "cbuf.banks"]


def test_the_buffer_of_rk3588_is_that_of_its_manual():
    cbuf = load_target("rk3588").cbuf
    assert cbuf
    assert (cbuf.banks, cbuf.entries_per_bank, cbuf.entry_bytes, cbuf.row_entries) == (12, 512, 64, 2048)
    assert cbuf.bank_bytes == 32 << 10  # 12 banks of 32 KiB


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_numbers_agree(target):
    assert set(target.mac) == set(target.dtypes)
    for mac in target.mac.values():
        assert mac.per_cycle <= mac.channels * mac.kernels
    if cbuf := target.cbuf:
        assert cbuf.entry_bytes % target.atom_bytes == 0
        assert (cbuf.division == "fixed") == (cbuf.feature_banks is not None)
        assert cbuf.row_entries is None or cbuf.row_entries <= cbuf.banks * cbuf.entries_per_bank
        assert cbuf.feature_banks is None or max(cbuf.feature_banks) < cbuf.banks


def test_an_unknown_target_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'rk3588'"):
        load_target("rk3558")
