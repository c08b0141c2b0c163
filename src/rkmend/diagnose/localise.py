"""Which operators a failed Trial comes from: by the log where it names them, else by extraction of subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rkmend.graph import CannotExtract, extract
from rkmend.toolkit.log import LogReport
from rkmend.toolkit.verdict import Signature, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

Try = Callable[["ir.Model", str], Verdict]
"""Runs a Trial of a candidate model under a label."""


def named_by_log(model: ir.Model, report: LogReport) -> tuple[str, ...]:
    """The nodes of the model that the log blames.

    The toolkit renames what it rewrites by appending to the name (`/conv_pads_conv_group_0`,
    `Conv_0_stride_split`), so the longest node name that the blamed name starts with is meant.
    """
    names = [node.name for node in model.graph if node.name]
    blamed = [failure.node for failure in report.config_failures if failure.fatal]
    if not blamed and report.exception:
        blamed = list(report.exception.nodes)
    found = [max((name for name in names if blame.startswith(name)), key=len, default="") for blame in blamed]
    return tuple(dict.fromkeys(name for name in found if name))


def by_extraction(model: ir.Model, signature: Signature, attempt: Try) -> tuple[str, ...]:
    """The smallest window of the node list, cut out as a model of its own, that fails alike.

    Bisects the end of the window, then its start. A failure that does not grow monotonically with the
    window is still named rightly, if not tightly: only windows that did fail alike are returned.

    Args:
        model: With inferred static shapes.
        signature: Of the whole model's failure.
        attempt: Runs a Trial of a window.

    Returns:
        Node names in graph order; all of them when no part fails alike, none when every part does: then it is
        the model as a whole that fails (its opset, say).
    """
    kinds = {str(node.name): node.op_type for node in model.graph}
    names = list(kinds)

    def fails(window: Sequence[str]) -> bool:
        try:
            part = extract(model, window)
        except CannotExtract:
            return False
        return attempt(part, f"nodes {window[0]} to {window[-1]}").signature == signature

    end = _first(len(names), lambda size: fails(names[:size]))
    window = names[:end]
    keep = _first(len(window), lambda size: fails(window[-size:]))
    window = window[-keep:]
    others = [name for name in names if kinds[name] not in {kinds[culprit] for culprit in window}]
    return () if others and fails(others[-1:]) else tuple(window)


def _first(size: int, holds: Callable[[int], bool]) -> int:
    """The smallest n in 1..size that `holds`, by bisection; `size` is known to hold."""
    low, high = 1, size
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high
