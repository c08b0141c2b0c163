"""What is told of a node in a viewer's side panel, in English."""

from __future__ import annotations

from collections.abc import Iterator

from rkmend.report.page.record import PageData
from rkmend.report.page.rows import Graph, Node

ROLES = {
    "culprit": "the failure comes from here",
    "replaced": "taken out by a mend",
    "new": "put in by a mend",
    "changed": "changed by a mend",
    "tail": "left for the CPU",
}


def facts_of(node: Node, data: PageData) -> Iterator[tuple[str, str]]:
    """Name and value of each fact, the most telling first."""
    if node.role in ROLES:
        yield "rkmend role", ROLES[node.role] + (f" ({node.rule})" if node.rule else "")
    if node.origin:
        yield "rkmend replaces", node.origin
    for place in node.findings:
        finding = data.findings[place]
        yield f"rkmend {finding.code} {finding.name}", f"{finding.level.value}: {finding.message}"
    if node.layer is not None:
        row = data.layers[node.layer]
        yield "compiler layer", f"{row.op} on {row.target}, {row.cycles:,} cycles, {row.rw_kb:,} KB"
    if node.plan is not None and data.plans[node.plan].cycles is not None:
        plan = data.plans[node.plan]
        share = (
            f", {plan.utilisation:.0%} of the multiplications used" if plan.utilisation is not None else ""
        )
        cut = f", {plan.bands} bands x {plan.tiles} tiles, banks {plan.banks}" if plan.banks else ""
        yield "rkmend plan", f"{plan.cycles:,} cycles, bound by {plan.bound}{share}{cut}"
    if node.error is not None:
        error = data.errors[node.error]
        yield "against ONNX Runtime", f"cosine {error.cosine:.6f}, largest difference {error.max_abs:.4g}"


def cycles_of(node: Node, data: PageData) -> int | None:
    """By the compiler's table where it has the node, else by the plan."""
    if node.layer is not None:
        return data.layers[node.layer].cycles
    return data.plans[node.plan].cycles if node.plan is not None else None


def graphs_of(data: PageData) -> dict[str, Graph]:
    """The models that there are, by name."""
    both = {"original": data.graphs.original, "mended": data.graphs.mended}
    return {name: graph for name, graph in both.items() if graph is not None}
