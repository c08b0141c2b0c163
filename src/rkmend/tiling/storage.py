"""How many bytes the tensors of a Conv take in memory, as the compiler counts them.

Source: own trials with toolkit 2.3.2: 240 Convs (1 to 256 channels, 1 to 170 outputs, kernels 1 to 7, grouped and
depth-wise) for rk3588 and rk3562, 120 for rk3566 and rk3576, fp16 and int8 each; the sizes of constants and the cycles
that the compiler prints for them. What it counts for weights is sometimes less than what they take.
"""

from __future__ import annotations

from dataclasses import replace

from rkmend.targets import Target
from rkmend.tiling.conv import ConvGeometry

BYTES = {"fp16": 2, "int8": 1}
IMAGE_CHANNELS = (1, 3, 4)
"""Feature maps of so many channels are read pixel by pixel, without padding."""
BIAS_BYTES = {"fp16": 4, "int8": 8}
"""Of an output channel; int8 has its scale beside it."""
ENTRY_ATOMS = 4
"""Atoms that make up an entry of the on-chip buffer."""


def rounded(number: int, unit: int) -> int:
    """The next multiple."""
    return -(-number // unit) * unit


def widest_element(target: Target) -> int:
    """Bytes of an element of the widest dtype that a model may run in."""
    return max(BYTES[dtype] for dtype in target.dtypes)


def is_depthwise(geometry: ConvGeometry) -> bool:
    """Whether every channel has one kernel of its own."""
    return geometry.groups == geometry.channels == geometry.out_channels and geometry.groups > 1


def as_computed(geometry: ConvGeometry, element_bytes: int, target: Target) -> ConvGeometry:
    """The Conv that a grouped one is computed as: each group on its own, or all as one whose other weights are zero.

    Groups stand alone where their channels are whole atoms (toolkit 2.3.2, rk3588, by its layer table: 26 Convs of 2 to
    128 groups in fp16, 14 in int8, all as said here). A depth-wise one stays as it is.
    """
    if is_depthwise(geometry):
        return geometry
    channels = geometry.channels // geometry.groups
    if channels * element_bytes % target.atom_bytes:
        return replace(geometry, groups=1)
    return replace(
        geometry, channels=channels, out_channels=geometry.out_channels // geometry.groups, groups=1
    )


def feature_bytes(channels: int, pixels: int, dtype: str, target: Target) -> int:
    """Bytes of a feature map in DRAM: its channels are stored in whole atoms."""
    return pixels * rounded(channels * BYTES[dtype], target.atom_bytes)


def input_bytes(geometry: ConvGeometry, pixels: int, dtype: str, target: Target) -> int:
    """Bytes of the features that a Conv reads."""
    if geometry.channels in IMAGE_CHANNELS and not is_depthwise(geometry):
        return pixels * geometry.channels * BYTES[dtype]
    return feature_bytes(geometry.channels, pixels, dtype, target)


def output_channels(geometry: ConvGeometry, dtype: str, target: Target) -> int:
    """Output channels that a Conv writes: a depth-wise one in groups of twice the size."""
    return rounded(geometry.out_channels, target.mac[dtype].kernels * (2 if is_depthwise(geometry) else 1))


def weight_bytes(geometry: ConvGeometry, dtype: str, target: Target) -> int:
    """Bytes that the compiler counts for the weights of a Conv. A grouped one is stored as one of a single group."""
    taps = geometry.kernel_h * geometry.kernel_w
    if is_depthwise(geometry):
        return taps * _packed(geometry.channels * BYTES[dtype], target)
    kernels = geometry.out_channels if dtype == "fp16" else rounded(geometry.out_channels, 2)
    return kernels * taps * _channels(geometry, dtype, target) * BYTES[dtype]


def bias_bytes(geometry: ConvGeometry, dtype: str, target: Target) -> int:
    """Bytes of the bias of a Conv that has one."""
    return output_channels(geometry, dtype, target) * BIAS_BYTES[dtype]


def _channels(geometry: ConvGeometry, dtype: str, target: Target) -> int:
    """Channels of a kernel that the compiler counts: as they are stored if that is even, else as they are."""
    channels, element = geometry.channels, BYTES[dtype]
    if channels in IMAGE_CHANNELS and target.image_weight_channels:
        stored = rounded(channels, target.image_weight_channels)
    elif dtype == "int8" and target.atom_bytes == 16:
        stored = rounded(channels * element, target.atom_bytes) // element
    else:
        stored = _packed(channels * element, target) // element
    group, entry = target.mac[dtype].kernels, ENTRY_ATOMS * target.atom_bytes // element
    whole_groups = geometry.out_channels % group == 0 or geometry.out_channels < group
    whole_entries = stored % entry == 0 or entry % stored == 0
    return stored if whole_groups and whole_entries else channels


def _packed(pixel: int, target: Target) -> int:
    """Bytes of a pixel in whole atoms; three quarters of an entry are stored as a whole one."""
    entry = ENTRY_ATOMS * target.atom_bytes
    size = rounded(pixel, target.atom_bytes)
    return rounded(size, entry) if size % entry == 3 * target.atom_bytes else size
