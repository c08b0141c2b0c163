"""What the registers of the NPU hold (widths: RK3588, and REGTASK messages of the compiler), and how to stay below."""

from __future__ import annotations

from dataclasses import replace

from rkmend.tiling.conv import ConvGeometry

MAX_SIZE = 8192
"""Width, height or channels in the units for pooling, element-wise work and output: 13 bits, stored minus 1."""
MAX_STRIDE = 7
"""Stride of a Conv: 3 bits."""
MAX_KERNEL = 31
"""Kernel of a Conv: 5 bits."""
MAX_PAD = 15
"""Padding of a Conv at the top and the left: 4 bits."""

MAX_DILATION = 31
"""Dilation of a Conv: 5 bits."""
LONGEST_PART = 16
"""Kernel of a Conv that the toolkit does not cut: of 460 random Convs with kernels to 31 all others were."""


def is_stride_too_long(stride: int) -> bool:
    """Whether a Conv cannot have it, though the toolkit takes factors of 2 out of a stride over 7."""
    return halved(stride) > MAX_STRIDE


def halved(stride: int) -> int:
    """A stride over 7 without the factors of 2 that the toolkit takes out of it: it leaves them to another Conv."""
    while stride > MAX_STRIDE and stride % 2 == 0:
        stride //= 2
    return stride


def even_parts(size: int, most: int) -> list[int]:
    """As few nearly equal parts of at most `most` as add up to `size`."""
    count = -(-size // most)
    return [size // count + (number < size % count) for number in range(count)]


def two_factors(size: int, most: int) -> tuple[int, int] | None:
    """Height and width with this many elements, as square as possible; None unless both are at most `most`."""
    height = next(n for n in range(int(size**0.5), 0, -1) if size % n == 0)
    return (height, size // height) if size // height <= most else None


def with_short_strides(geometry: ConvGeometry) -> ConvGeometry:
    """What is left of a Conv once the toolkit has halved its strides."""
    return replace(geometry, stride_h=halved(geometry.stride_h), stride_w=halved(geometry.stride_w))
