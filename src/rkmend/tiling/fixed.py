"""Bands of a Conv on RK3576, which divides its buffer in one of two fixed ways, that hold nothing but padding.

Source: own trials with toolkit 2.3.2, rk3576, fp16 and int8: of 610 Convs that are padded beyond their kernel and held
in several bands (64 to 2048 channels, kernels 1 to 20, strides 1 to 7, groups, depth-wise) 143 overflowed a register;
132 of them are foreseen here, with one false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkmend.targets import Target
from rkmend.tiling.bands import PART, buffer_of, kernel_bytes, kernel_group
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.split import DoesNotFit, split
from rkmend.tiling.storage import is_depthwise, rounded


def starves_between(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether one of the bands sees nothing but padding.

    Args:
        geometry: Ungrouped or depth-wise; its strides fit into their register.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer has a fixed division.
    """
    rows = geometry.rows
    for part in channel_shares(geometry, element_bytes, target):
        try:
            found = split(part, element_bytes, target)
        except DoesNotFit:
            continue
        assert found is not None
        for band in found.bands:
            before = band.output + band.outputs <= rows.dead_begin
            if before or band.output >= rows.outputs - rows.dead_end:
                return True
    return False


def channel_shares(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[ConvGeometry]:
    """The Convs that are added up where the weights of a kernel group take more banks than are left for weights.

    Each has about as many channels, of which the weights fit beside the larger number of feature banks.
    """
    cbuf = buffer_of(target)
    assert cbuf.feature_banks is not None
    usual, more = cbuf.feature_banks
    size = kernel_group(element_bytes, target) * kernel_bytes(geometry, element_bytes, target)
    if is_depthwise(geometry) or size <= (cbuf.banks - usual) * cbuf.bank_bytes:
        yield geometry
        return
    most = max(PART, (cbuf.banks - more) * cbuf.bank_bytes * geometry.channels // size // PART * PART)
    share = rounded(-(-geometry.channels // -(-geometry.channels // most)), PART)
    for first in range(0, geometry.channels, share):
        yield replace(geometry, channels=min(share, geometry.channels - first))
