"""The on-chip buffer of the targets of which it is known."""

from __future__ import annotations

from rkmend.targets import Cbuf, load_target, target_names


def test_the_buffer_of_rk3588_is_that_of_its_manual():
    buffer = load_target("rk3588").cbuf
    assert buffer == Cbuf(banks=12, entries_per_bank=512, entry_bytes=64, row_entries=2048)
    assert buffer.bank_bytes == 32 << 10  # 12 banks of 32 KiB


def test_a_row_fits_into_the_buffer_and_whoever_knows_it_says_from_where():
    for target in map(load_target, target_names()):
        if target.cbuf:
            assert target.cbuf.row_entries <= target.cbuf.banks * target.cbuf.entries_per_bank
            assert any("buffer" in source for source in target.sources)
