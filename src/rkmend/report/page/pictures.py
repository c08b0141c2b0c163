"""The drawings of the page: where it fails, how the layers of the story are cut, and what bounds the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rkmend.errors import InputError
from rkmend.planning import LayerPlan, Plan
from rkmend.report.page.graphs import cut
from rkmend.report.page.record import Picture
from rkmend.report.page.results import Results
from rkmend.report.page.rows import Which
from rkmend.report.plan_pictures import network_picture, tiling_picture
from rkmend.words import Text, both

MOST_TILINGS = 3
"""Of each model."""
LONGEST_SVG = 256 << 10
"""Bytes of a drawing that was read from the results."""


def frontier(results: Results) -> Iterator[Picture]:
    """The picture that the explanation drew, if there is one."""
    cause = results.conversion.cause
    named = cause.files.get("frontier_svg") if cause else None
    repro = results.file("repro")
    path = repro / Path(named).name if named and repro else None
    if path and path.is_file() and path.stat().st_size <= LONGEST_SVG:
        title = both(lambda say: say("Where it fails: trials, and what the cause predicts"))
        svg = path.read_text(encoding="utf-8", errors="replace")
        yield Picture("frontier", "frontier", "original", title, svg)


def tilings(which: Which, plan: Plan, names: list[str]) -> Iterator[tuple[str, Picture]]:
    """Name of a layer and its tiling.

    Args:
        which: Of the two models.
        plan: Of it.
        names: The layers that the story is about; what is computed along with another stands for that one. Where none
            of them is split, the costliest layer is drawn.
    """
    known = {layer.name: layer for layer in plan.layers}
    heads = [known[known[name].into or name] for name in names if name in known]
    split = [layer for layer in dict.fromkeys(layer.name for layer in heads) if known[layer].split]
    if not split:
        split = [layer.name for layer in sorted(plan.layers, key=_cost, reverse=True)[:1] if layer.split]
    for number, name in enumerate(split[:MOST_TILINGS]):
        try:
            svg = tiling_picture(known[name], plan).decode()
        except InputError:  # its buffer is not known
            continue
        yield name, Picture(f"tiling-{which}-{number}", "tiling", which, _tiling_title(cut(name, 80)), svg)


def _tiling_title(layer: str) -> Text:
    return both(lambda say: say("How {layer} is cut for the NPU", layer=layer))


def _cost(layer: LayerPlan) -> int:
    return layer.cycles or 0 if layer.computed else 0


def roofline(which: Which, plan: Plan) -> Iterator[Picture]:
    """What bounds the layers of a network; none where the convolution unit computes nothing."""
    try:
        svg = network_picture(plan).decode()
    except InputError:
        return
    title = both(lambda say: say("Roofline: what bounds each layer"))
    yield Picture(f"roofline-{which}", "roofline", which, title, svg)
