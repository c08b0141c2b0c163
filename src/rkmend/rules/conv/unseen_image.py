"""RKM127: a Conv on an image of which it sees nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.image import ImageRule
from rkmend.targets import Target

if TYPE_CHECKING:
    from rkmend.tiling.conv import ConvGeometry

DYING = {"rk3588": "columns", "rk3562": "rows"}
"""Of which an image must not lie wholly beside all windows."""


class UnseenImage(ImageRule):
    """A Conv on an input of 1, 3 or 4 channels whose windows all lie in the padding beside it.

    ## What happens

    `build` dies with SIGFPE, without a message.

    ## Why

    A Conv that reads an input of the model with so few channels reads it pixel by pixel, as images come from a camera.
    Where all windows lie to the left or right of it (rk3588), or above or below it (rk3562), there are none to read.

    ## Example

    `Conv` 4x4 with strides of 2 and a padding of 4 on the left, on 1x3x52x1.

    ## What rkmend does

    * `copied-image`: reads a copy of the image, its maximum with itself, which is stored like any other feature map.

    ## Exactness and its limits

    `exact`. All outputs of such a layer are its bias; whoever has it may have mistaken its padding.

    ## Evidence

    Own trials with toolkit 2.3.2, fp16 and int8, 15 Convs on each target: of 1, 3 and 4 channels all 10 with unseen
    columns died on rk3588, all 2 with unseen rows on rk3562; 2, 5 and 8 channels, depth-wise ones, and any behind a
    Relu converted. On rk3566 and rk3576 none died.
    """

    code = "RKM127"
    name = "unseen-image"
    level = Level.ERROR
    affected = DYING

    def fails(self, geometry: ConvGeometry, target: Target) -> Mapping[str, Fact] | None:
        """An axis of which no window sees anything."""
        axis = geometry.cols if DYING[target.name] == "columns" else geometry.rows
        if axis.live:
            return None
        return {DYING[target.name]: axis.size, "padding": axis.pad_begin, "kernel": axis.extent}
