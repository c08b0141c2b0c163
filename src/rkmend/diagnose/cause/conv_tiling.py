"""Features of a Conv that follow from how the compiler cuts it into pieces."""

from __future__ import annotations

from rkmend.diagnose.cause.conv_point import geometry, whole
from rkmend.diagnose.cause.family import Both, Feature, Point
from rkmend.targets import Target
from rkmend.tiling import bands
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.sharing import leading_dead, row_sharings

FP16_BYTES = 2
"""Of a number: int8 builds are not explained."""
PIECES = (
    "live_rows_in_emptiest_piece: the compiler shares the output rows out among the cores, in pieces of as many rows "
    "as the on-chip buffer (CBUF) takes. Padding beyond the kernel (pad_bottom > dilated_kernel_h - 1, or the same at "
    "the top) makes rows that see no input. This is how many rows of a piece see any, for the piece with the fewest; "
    "at 0 or less a piece is nothing but padding."
)
PIECES_ZH = (
    "live_rows_in_emptiest_piece: 编译器按片上缓存 (CBUF) 能容纳的行数把输出行切块, 分给各个核。超出卷积核的填充 "
    "(pad_bottom > dilated_kernel_h - 1, 顶部同理) 会产生看不到任何输入的输出行。该值是各块中能看到输入的行数的最小值; "
    "小于等于 0 表示有一块全是填充。"
)


def tiled_features(original: Point, target: Target) -> list[Feature]:
    """What follows from how the compiler cuts a Conv for a target; none where that is not known.

    Args:
        original: The Conv that a meaning is illustrated with.
        target: Converted for it.
    """
    if target.cbuf is None or target.cbuf.row_entries is None:  # the cuts of such a target were not measured
        return []

    def live(point: Point) -> float:
        shape = geometry(point)
        cuts = row_sharings(shape, FP16_BYTES, target)
        return min((cut.live_rows(shape.rows) for cut in cuts), default=max(1, shape.rows.outputs))

    here, here_zh = _emptiest_piece(geometry(original), target)
    return [
        Feature(
            "row_entries",
            lambda point: bands.row_entries(
                whole(point, "width"), geometry(point).channels, FP16_BYTES, target
            ),
            cost=1.5,
            meaning="row_entries: entries of the on-chip buffer (CBUF) that one row of the input takes.",
            meaning_zh="row_entries: 输入特征图的一行在片上缓存 (CBUF) 中占用的条目数。",
        ),
        Feature(
            "weight_banks",
            lambda point: bands.weight_banks(geometry(point), FP16_BYTES, target),
            cost=1.5,
            meaning="weight_banks: banks of the on-chip buffer (CBUF) that the weights take.",
            meaning_zh="weight_banks: 权重在片上缓存 (CBUF) 中占用的 bank 数。",
        ),
        Feature(
            "live_rows_in_emptiest_piece",
            live,
            cost=1.5,
            meaning=f"{PIECES} {here}".rstrip(),
            meaning_zh=PIECES_ZH + here_zh,
        ),
    ]


def _emptiest_piece(shape: ConvGeometry, target: Target) -> Both:
    """The cut that leaves a piece with nothing but padding; empty when there is none."""
    rows = shape.rows
    cuts = row_sharings(shape, FP16_BYTES, target)
    cut = min(cuts, key=lambda cut: cut.live_rows(rows), default=None)
    if cut is None or cut.live_rows(rows) > 0:
        return "", ""
    last = cut.smallest <= rows.dead_end
    size, dead = (cut.smallest, rows.dead_end) if last else (cut.largest, leading_dead(rows))
    (which, end), (which_zh, end_zh) = (
        (("last", "bottom"), ("最后", "底部")) if last else (("first", "top"), ("第一", "顶部"))
    )
    return (
        f"Here: {rows.outputs} output rows, for {cut.cores} cores in {cut.pieces} pieces of {cut.smallest} to "
        f"{cut.largest} rows; {dead} at the {end} see padding only, and the {which} piece has no more than {size}.",
        f"本例: {rows.outputs} 行输出, 按 {cut.cores} 个核切成 {cut.pieces} 块, 每块 {cut.smallest} 至 {cut.largest} 行"
        f"; {end_zh}有 {dead} 行只能看到填充, 而{which_zh}一块只有 {size} 行。",
    )
