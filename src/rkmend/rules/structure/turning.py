"""Limits of the unit that turns maps, on RK3588: offsets of registers are those of the REGTASK messages."""

from __future__ import annotations

ATOM = 16
"""Bytes that are stored together."""
WIDTH = 1024
"""8192 / 8: columns that register 0x5014 holds, by the number of rows that are turned together."""
PLANE = 262144
"""8192 times 32: bytes of a plane from which register 0x5048 overflows, where there is a second plane."""
ODD_PLANE = 261632
"""The same where the height is odd: 511 steps of 512."""
_BYTES = 16384
"""Of a map, filled up to whole atoms, that is turned in one piece."""


def fits(height: int, width: int, element: int) -> bool:
    """Whether the NPU turns a map whose width changes places with the channels or the batch (0321, 1032).

    Args:
        height: Rows.
        width: Columns.
        element: Bytes.
    """
    atoms = -(-width * element // ATOM)
    return height * atoms * ATOM <= _BYTES


def is_odd_map_too_large(channels: int, height: int, width: int, element: int) -> bool:
    """Whether several maps of an odd height overflow where their columns become channels (0312).

    Columns that are no whole atoms, and channels by four, go another way.
    """
    this_way = channels > 1 and channels % 4 and height % 2 and width * element % ATOM == 0
    return bool(this_way) and height * width * element > ODD_PLANE
