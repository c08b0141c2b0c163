"""A Conv as a point: its factors by name, and back."""

from __future__ import annotations

from typing import cast

from rkmend.diagnose.cause.family import Point
from rkmend.tiling.conv import ConvGeometry

SIZES = ("batch", "in_channels", "height", "width", "out_channels")
"""Down to 1 and up to the original's; `in_channels` and `out_channels` are per group, times `groups`."""
SHAPE = (
    "kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w",
    "pad_top", "pad_left", "pad_bottom", "pad_right",
)  # fmt: skip


def geometry(point: Point) -> ConvGeometry:
    """The Conv at a point; its channels are multiples of the groups."""
    groups = whole(point, "groups")
    return ConvGeometry(
        batch=whole(point, "batch"), channels=whole(point, "in_channels") * groups, height=whole(point, "height"),
        width=whole(point, "width"), out_channels=whole(point, "out_channels") * groups, groups=groups,
        **{name: whole(point, name) for name in SHAPE},
    )  # fmt: skip


def point_of(shape: ConvGeometry, *, bias: bool) -> Point:
    """The point of a Conv, without neighbours."""
    sizes = {
        "batch": shape.batch, "in_channels": shape.channels // shape.groups, "height": shape.height,
        "width": shape.width, "out_channels": shape.out_channels // shape.groups, "groups": shape.groups,
    }  # fmt: skip
    return {
        **sizes,
        **{name: cast(int, getattr(shape, name)) for name in SHAPE},
        "bias": "yes" if bias else "no",
        "before": "none",
        "after": "none",
    }


def whole(point: Point, name: str) -> int:
    """A factor that is a number."""
    return cast(int, point[name])
