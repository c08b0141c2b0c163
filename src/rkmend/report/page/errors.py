"""What was measured of the tensors within the network, and the nodes that make them."""

from __future__ import annotations

from collections.abc import Mapping

from rkmend.records import Conversion
from rkmend.report.page.opened import Opened
from rkmend.report.page.rows import ErrorRow, Which


def error_rows(result: Conversion, which: Which, ids: Mapping[str, int]) -> tuple[ErrorRow, ...]:
    """A row for each check, in order.

    Args:
        result: The conversion.
        which: The model that was converted.
        ids: Name of a node -> its id, in that model; none where it is gone.
    """
    return tuple(
        ErrorRow(
            which=which,
            node=ids.get(check.node),
            tensor=check.tensor,
            operator=check.operator,
            reference=check.reference,
            cosine=check.cosine,
            max_abs=check.max_abs,
            max_rel=check.max_rel,
            finite=check.finite,
            single_cosine=check.single_cosine,
            ok=check.ok,
            source=check.source,
        )
        for check in (result.layerwise.checks if result.layerwise else ())
    )


def errors_at(result: Conversion, opened: Opened, delivered: Which) -> dict[int, int]:
    """Id of a node -> the row about what it makes.

    Args:
        result: The conversion.
        opened: The model whose nodes are asked for. Of the one that was converted they are named in the rows; of the
            other they are those that make the same tensors.
        delivered: The model that was converted.
    """
    checks = result.layerwise.checks if result.layerwise else ()
    if opened.which == delivered:
        return {
            opened.ids[check.node]: place for place, check in enumerate(checks) if check.node in opened.ids
        }
    return {
        opened.makers[check.tensor]: place
        for place, check in enumerate(checks)
        if check.reference == "original" and check.tensor in opened.makers
    }
