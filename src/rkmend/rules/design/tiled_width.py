"""RKM605: a feature map that is wider than the buffer takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.design.conv_design import ConvDesign
from rkmend.targets import Target
from rkmend.tiling.bands import row_entries, width_tiles
from rkmend.tiling.cost import Cost
from rkmend.tiling.storage import BYTES, is_depthwise

if TYPE_CHECKING:
    import onnx_ir as ir


class TiledWidth(ConvDesign):
    """A Conv over rows that are wider than the buffer allows for one row.

    ## What happens

    The model converts and is right. The layer is cut along the width as well as along the height, and the columns that
    two pieces share are read twice.

    ## Why

    The buffer of a core holds whole rows, and no row of more than so many entries (RK3588: 2048 of 64 bytes). The
    compiler says `DatainEntries overflow, need to tiling more`; when even that fails, `Input W too large`.

    ## Example

    3x3 over 384 channels, 1198 columns, in fp16: a row takes 14,376 entries and is cut into 8 tiles.

    ## What rkmend does

    It names the entries and the tiles. Nothing is changed. Exchange height and width where the map is wide and low, or
    let an earlier layer have the stride.

    ## Exactness and its limits

    Only kernels that are wider than one column (others share no columns), layers with a twentieth of the cycles of all
    Convs or more, and targets whose limit is known. `rkmend plan` shows the tiles.

    ## Evidence

    Entries and tiles by `rkmend.tiling.bands`: 50 Convs on rk3588, 2.3.2, told from the heights at which they abort.
    The limit is the compiler's own message. It prints no tiles: of 10 Convs with rows of 2040 to 2200 entries all
    convert without a word, so that the tiles and what they load twice rest on the tiling model alone.
    """

    code = "RKM605"
    name = "tiled-width"

    def idle(self, conv: ConvNode, cost: Cost, target: Target) -> Mapping[str, Fact] | None:
        """The entries of a row."""
        shape, cbuf = conv.geometry, target.cbuf
        if cbuf is None or cbuf.row_entries is None or shape.cols.extent == 1 or is_depthwise(shape):
            return None
        element = BYTES[target.dtypes[0]]
        entries = row_entries(shape.width, shape.channels, element, target)
        if entries <= cbuf.row_entries:
            return None
        return {
            "width": shape.width,
            "channels": shape.channels,
            "row_entries": entries,
            "limit": cbuf.row_entries,
            "tiles": width_tiles(shape.width, shape.channels, element, target),
        }

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Entries and tiles."""
        return (
            f"Conv '{node.name}' reads rows of {facts['width']} columns and {facts['channels']} channels, "
            f"{facts['row_entries']} buffer entries where {facts['limit']} are the limit: it is cut into "
            f"{facts['tiles']} tiles along the width."
        )
