"""The geometry of a Conv: which output rows and columns see the input, and which see nothing but padding.

Pure arithmetic on the definition of Conv in the ONNX operator specification; sizes are in elements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

KINDS = 4096
"""Layers that are kept, since networks repeat theirs: enough for any network."""


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a Conv.

    Output element `i` sees the `kernel` elements `i * stride - pad_begin + j * dilation` of the input; its
    window runs from the first of them to the last.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_begin: int = 0
    pad_end: int = 0

    @property
    def extent(self) -> int:
        """Length of the window: the dilated kernel."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        """Number of output elements."""
        return (self.pad_begin + self.size + self.pad_end - self.extent) // self.stride + 1

    @property
    def dead_begin(self) -> int:
        """Leading outputs whose whole window lies before the input."""
        return min(self.outputs, max(0, -(-(self.pad_begin - self.extent + 1) // self.stride)))

    @property
    def dead_end(self) -> int:
        """Trailing outputs whose whole window lies behind the input."""
        return max(0, self.outputs - ((self.size - 1 + self.pad_begin) // self.stride + 1))

    @property
    def live(self) -> int:
        """Outputs whose window touches the input."""
        return self.outputs - self.dead_begin - self.dead_end

    @property
    def beyond(self) -> bool:
        """Whether the padding on either side reaches beyond the dilated kernel."""
        return max(self.pad_begin, self.pad_end) > self.extent - 1

    @property
    def seen_at_once(self) -> bool:
        """Whether there is a single output and its window spans the whole axis."""
        return self.outputs == 1 and self.pad_begin + self.size <= self.extent

    def trimmed(self) -> Axis:
        """The same outputs without the padding at the end that no window reaches."""
        reached = (self.outputs - 1) * self.stride + self.extent - self.pad_begin - self.size
        return replace(self, pad_end=max(0, reached))

    def stripped(self) -> tuple[int, Axis]:
        """The axis that computes the live outputs only; its padding never reaches beyond the kernel.

        Returns:
            How many leading input elements to drop first (0 unless the stride is larger than the dilated
            kernel, so that the window may step over the first elements), and the axis over the rest.

        Raises:
            ValueError: No output is live.
        """
        if not self.live:
            raise ValueError("no output sees the input")
        first = self.dead_begin * self.stride - self.pad_begin  # where the first live window begins
        skip, begin = max(0, first), max(0, -first)
        end = (self.live - 1) * self.stride + self.extent - begin - (self.size - skip)
        return skip, replace(self, size=self.size - skip, pad_begin=begin, pad_end=max(0, end))

    def embedded(self) -> tuple[int, Axis]:
        """The same outputs from the smallest larger kernel that the padding does not reach beyond.

        Taps of weight zero are added on the dilated grid. Each leading tap moves the window back by
        `dilation` and asks for as much more padding at the begin; so leading taps cover the end and
        trailing taps the begin.

        Returns:
            The number of leading taps, and the axis with the larger kernel and padding.
        """
        needed = self.trimmed()
        dilation = self.dilation if self.kernel > 1 else 1  # a single tap has no dilation worth keeping
        leading = max(0, -(-needed.pad_end // dilation) - (self.kernel - 1))
        trailing = max(0, -(-needed.pad_begin // dilation) - (self.kernel - 1))
        return leading, Axis(
            size=self.size,
            kernel=leading + self.kernel + trailing,
            stride=self.stride,
            dilation=dilation,
            pad_begin=needed.pad_begin + leading * dilation,
            pad_end=needed.pad_end + trailing * dilation,
        )


@dataclass(frozen=True)
class ConvGeometry:
    """A 2-D Conv, NCHW, with its padding spelt out (`resolve_auto_pad`)."""

    batch: int
    channels: int
    height: int
    width: int
    out_channels: int
    kernel_h: int
    kernel_w: int
    stride_h: int = 1
    stride_w: int = 1
    pad_top: int = 0
    pad_left: int = 0
    pad_bottom: int = 0
    pad_right: int = 0
    dilation_h: int = 1
    dilation_w: int = 1
    groups: int = 1

    @staticmethod
    @lru_cache(KINDS)
    def along(
        rows: Axis, cols: Axis, channels: int, out_channels: int, groups: int = 1, batch: int = 1
    ) -> ConvGeometry:
        """The Conv along these axes."""
        return ConvGeometry(
            batch=batch,
            channels=channels,
            height=rows.size,
            width=cols.size,
            out_channels=out_channels,
            kernel_h=rows.kernel,
            kernel_w=cols.kernel,
            stride_h=rows.stride,
            stride_w=cols.stride,
            pad_top=rows.pad_begin,
            pad_left=cols.pad_begin,
            pad_bottom=rows.pad_end,
            pad_right=cols.pad_end,
            dilation_h=rows.dilation,
            dilation_w=cols.dilation,
            groups=groups,
        )

    @cached_property
    def rows(self) -> Axis:
        """The vertical axis."""
        return Axis(self.height, self.kernel_h, self.stride_h, self.dilation_h, self.pad_top, self.pad_bottom)

    @cached_property
    def cols(self) -> Axis:
        """The horizontal axis."""
        return Axis(self.width, self.kernel_w, self.stride_w, self.dilation_w, self.pad_left, self.pad_right)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """(batch, out_channels, rows, columns) of the output."""
        return self.batch, self.out_channels, self.rows.outputs, self.cols.outputs


@lru_cache(KINDS)
def window_axes(
    auto_pad: str,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    pads: tuple[int, ...],
) -> tuple[Axis, ...]:
    """The spatial axes of a sliding window, their padding spelt out.

    Args:
        auto_pad: As for `resolve_auto_pad`.
        sizes: Of the spatial axes.
        kernel: Taps along each.
        strides: Of each; there may be more, which do not count.
        dilations: Likewise.
        pads: At the begin of each axis, then at the end of each.

    Raises:
        ValueError: Unknown `auto_pad`.
    """
    axes = zip(sizes, kernel, strides, dilations, pads, pads[len(sizes) :], strict=False)
    return tuple(resolve_auto_pad(auto_pad, Axis(*axis)) for axis in axes)


def resolve_auto_pad(auto_pad: str, axis: Axis) -> Axis:
    """Spells out the padding of one axis.

    Args:
        auto_pad: `NOTSET` (keep the axis as it is), `VALID`, `SAME_UPPER` or `SAME_LOWER`.
        axis: Its padding is ignored unless `NOTSET`.

    Returns:
        The axis with its padding. `SAME_*` pads so that there are ceil(size / stride) outputs and puts the
        odd element at the end (`SAME_UPPER`) or at the begin (`SAME_LOWER`).

    Raises:
        ValueError: Unknown `auto_pad`.
    """
    if auto_pad == "NOTSET":
        return axis
    if auto_pad == "VALID":
        return replace(axis, pad_begin=0, pad_end=0)
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"unknown auto_pad '{auto_pad}'")
    outputs = -(-axis.size // axis.stride)
    total = max(0, (outputs - 1) * axis.stride + axis.extent - axis.size)
    smaller, larger = total // 2, total - total // 2
    begin, end = (smaller, larger) if auto_pad == "SAME_UPPER" else (larger, smaller)
    return replace(axis, pad_begin=begin, pad_end=end)
