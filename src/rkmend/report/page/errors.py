"""What was measured of the tensors within the network, and the nodes that make them."""

from __future__ import annotations

from collections.abc import Mapping

from rkmend.records import Conversion
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


def errors_at(result: Conversion, which: Which, delivered: Which, ids: Mapping[str, int]) -> dict[int, int]:
    """Id of a node -> the row about what it makes. A node of the original that no mend touched makes the same.

    Args:
        result: The conversion.
        which: The model whose nodes are asked for.
        delivered: The model that was converted.
        ids: Name of a node -> its id, in the model asked for.
    """
    return {
        ids[check.node]: place
        for place, check in enumerate(result.layerwise.checks if result.layerwise else ())
        if check.node in ids and (which == delivered or check.reference == "original")
    }
