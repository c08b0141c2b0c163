"""Sizes: channels, groups, batch, spatial sizes and kernels, each down to 1 with all that has to shrink with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import CannotChange, Scale
from rkmend.diagnose.reduction.places import Place, with_sizes, words
from rkmend.diagnose.reduction.web import Web
from rkmend.diagnose.reduction.windows import WEIGHTS, windows

if TYPE_CHECKING:
    import onnx_ir as ir


def sizes(model: ir.Model) -> Iterator[Scale]:
    """Every size of an input or of an initializer that is above 1, the largest first.

    A size moves with those that the operators tie to it (see `ties`); then with every size that is the same
    number, wherever it stands, for operators of which the ties are not known. Kernels also shrink together with
    their padding, so that the output keeps its size.

    Args:
        model: With inferred shapes.
    """
    seen: set[frozenset[Place]] = set()
    web = Web(model)
    yield from _tied(web, "", seen)
    yield from _padded_kernels(model, web)
    if any(node.attributes.get_int("group", 1) > 1 for node in model.graph.all_nodes()):
        yield from _tied(Web(model, by_groups=True), " by groups", seen)
    yield from _equal_numbers(web, seen)


def _tied(web: Web, how: str, seen: set[frozenset[Place]]) -> Iterator[Scale]:
    for seed in web.seeds():
        unit = web.unit(seed)
        if web.sizes[seed] > unit and _is_new(web, seed, unit, seen):
            yield Scale(
                words(seed) + how, web.sizes[seed] // unit, 1, _applied(partial(_spread, web, seed, unit))
            )


def _padded_kernels(model: ir.Model, web: Web) -> Iterator[Scale]:
    for node in model.graph.all_nodes():
        pads = node.attributes.get_ints("pads", ()) or ()
        for axis, window in enumerate(windows(node)):
            if window.same or not pads or not any(pads[axis :: len(pads) // 2]):
                continue
            if node.op_type in WEIGHTS:
                weight = node.inputs[WEIGHTS[node.op_type]]
                kernel = Place("axis", str(weight and weight.name), axis + 2)
            else:
                kernel = Place("attribute", str(node.name), axis, "kernel_shape")
            size = web.sizes.get(kernel, 1)
            if size > 1:
                step = (window.extent - 1) // (size - 1)
                ends = {
                    Place("attribute", str(node.name), at, "pads"): pads[at]
                    for at in (axis, axis + len(pads) // 2)
                }
                name = f"kernel and padding of '{node.name}' on axis {axis + 2}"
                yield Scale(name, size, 1, _applied(partial(_narrow, web, kernel, step, ends)))


def _equal_numbers(web: Web, seen: set[frozenset[Place]]) -> Iterator[Scale]:
    places = [place for place in web.sizes if web.writable(place)]
    for number in dict.fromkeys(web.sizes[place] for place in web.seeds()):
        equal = [place for place in places if web.sizes[place] == number]
        if frozenset(equal) not in seen:
            name = f"every size equal to {words(equal[0])}"
            yield Scale(name, number, 1, _applied(partial(_all, equal)))


def _is_new(web: Web, seed: Place, size: int, seen: set[frozenset[Place]]) -> bool:
    """Whether no seed before changes the same places; those that cannot be told are new."""
    try:
        places = frozenset(filter(web.writable, web.spread(seed, size)))
    except CannotChange:
        return True
    if places in seen:
        return False
    seen.add(places)
    return True


def _applied(sizes_for: Callable[[int], Mapping[Place, int]]) -> Callable[[ir.Model, int], ir.Model]:
    return lambda model, value: with_sizes(model, sizes_for(value))


def _all(places: Sequence[Place], size: int) -> Mapping[Place, int]:
    return dict.fromkeys(places, size)


def _spread(web: Web, seed: Place, unit: int, value: int) -> Mapping[Place, int]:
    return web.spread(seed, value * unit)


def _narrow(web: Web, kernel: Place, step: int, ends: Mapping[Place, int], size: int) -> Mapping[Place, int]:
    """A smaller kernel and as much less padding, half of it at each end as far as there is any."""
    (first, begin), (last, end) = ends.items()
    cut = (web.sizes[kernel] - size) * step
    less = min(begin, cut // 2)
    return web.spread(kernel, size) | {first: begin - less, last: max(0, end - (cut - less))}
