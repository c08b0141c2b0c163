"""`rkmend.plan`: from a file to the plan of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.errors import InputError
from rkmend.graph.glance import Glance, glance, no_collection
from rkmend.graph.model import graph_inputs
from rkmend.graph.values import static_shape
from rkmend.planning.fusion import Head, fuse, is_view
from rkmend.planning.memory import live_bytes, value_bytes
from rkmend.planning.record import LayerPlan, Plan, Totals
from rkmend.planning.work import Work, read_work
from rkmend.targets import Target, load_target
from rkmend.tiling.cost import Cost, conv_cost, dram_cycles
from rkmend.tiling.split import DoesNotFit, Split, split
from rkmend.tiling.storage import BYTES, feature_bytes

if TYPE_CHECKING:
    import onnx_ir as ir

NOT_CONV = "only a convolution is split in a way that is known"


def plan(
    model: str | Path,
    *,
    target: str,
    dtype: str | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
) -> Plan:
    """Plans a model for a target: how each layer is cut and what it costs. Runs nothing; needs no toolkit.

    Args:
        model: The .onnx file.
        target: `rk3588`, `rk3576`, ...
        dtype: What the NPU computes in, `fp16` or `int8`; None is fp16, or what the target has.
        inputs: Static shapes of dynamic inputs, by name.

    Raises:
        InputError: The file, the target, the dtype or the shapes cannot be used.
    """
    soc, chosen = _aim(target, dtype)
    with no_collection():
        return _planned(glance(Path(model), inputs or {}), str(model), soc, chosen)


def plan_of(seen: Glance, model: str, *, target: str, dtype: str | None = None) -> Plan:
    """The plan of a model that was read already.

    Args:
        seen: The model.
        model: What it is called.
        target: As for `plan`.
        dtype: As for `plan`.

    Raises:
        InputError: The target or the dtype cannot be used, or sizes of inputs are missing.
    """
    soc, chosen = _aim(target, dtype)
    with no_collection():
        return _planned(seen, model, soc, chosen)


def _aim(target: str, dtype: str | None) -> tuple[Target, str]:
    soc = load_target(target)
    chosen = dtype or soc.dtypes[0]
    if chosen not in soc.mac:
        raise InputError(
            f"{soc.name} does not compute in '{chosen}'", hint="It has: " + ", ".join(sorted(soc.mac)) + "."
        )
    return soc, chosen


def _planned(seen: Glance, model: str, target: Target, dtype: str) -> Plan:
    if seen.missing:
        raise seen.missing
    layers = _Planner(seen.ir, dtype, target).layers()
    return Plan(model, target.name, dtype, layers, _totals(layers))


class _Planner:
    """Goes through the main graph once."""

    def __init__(self, model: ir.Model, dtype: str, target: Target) -> None:
        self._graph = model.graph
        self._dtype, self._target = dtype, target
        self._constants: set[ir.Value] = set(model.graph.initializers.values())
        self._heads: dict[ir.Value, Head] = {}
        self._shown: dict[ir.Value, ir.Value] = {}
        """What a view or a fused operator gives -> the value that is in memory."""
        self._into: dict[ir.Node, Head] = {}
        self._splits: dict[object, tuple[Split | None, str]] = {}

    def layers(self) -> tuple[LayerPlan, ...]:
        nodes = [node for node in self._graph if not self._is_constant(node)]
        works = {node: self._sort(node, place) for place, node in enumerate(nodes)}
        planned = [self._plan(node, works[node]) for node in nodes]
        live = iter(self._live([node for node in nodes if self._is_step(node)]))
        return tuple(
            msgspec.structs.replace(layer, live_bytes=next(live)) if self._is_step(node) else layer
            for node, layer in zip(nodes, planned, strict=True)
        )

    def _is_constant(self, node: ir.Node) -> bool:
        """Whether it can be computed beforehand; then it is no layer."""
        known = all(value is None or value in self._constants for value in node.inputs)
        if (known and not node.op_type.startswith("Random")) or all(
            value.const_value is not None for value in node.outputs
        ):
            self._constants.update(node.outputs)
            return True
        return False

    def _sort(self, node: ir.Node, place: int) -> Work | None:
        """Says what the convolution unit does for a node; views and fused nodes are noted."""
        if is_view(node):
            source = node.inputs[0]
            assert source is not None
            self._shown[node.outputs[0]] = source
            return None
        if work := read_work(node, self._constants):
            self._heads[node.outputs[0]] = Head(node, place, node.outputs[0])
            return work
        if head := fuse(node, self._heads, self._constants):
            self._into[node] = head
            self._heads[node.outputs[0]] = head
        return None

    def _plan(self, node: ir.Node, work: Work | None) -> LayerPlan:
        layer = LayerPlan(
            name=str(node.name),
            operator=node.op_type,
            kind=work.kind
            if work
            else "view"
            if is_view(node)
            else "fused"
            if node in self._into
            else "other",
            input_shapes=tuple(
                static_shape(value)
                for value in node.inputs
                if value is not None and value not in self._constants
            ),
            output_shape=static_shape(node.outputs[0]),
            dtype=self._dtype,
            unsplit="" if work else NOT_CONV,
        )
        if node in self._into:
            return msgspec.structs.replace(layer, into=str(self._into[node].node.name))
        if layer.kind == "view":
            return layer
        if work is None:
            return self._other(node, layer)
        head = self._heads[node.outputs[0]]
        cost = self._cost(work, head)
        cut, reason = self._split(work)
        return msgspec.structs.replace(
            layer,
            fused=tuple(fused.op_type for fused in head.fused),
            geometry=work.geometry,
            split=cut,
            unsplit=reason,
            macs=cost.macs,
            macs_padded=cost.macs_padded,
            input_bytes=cost.input_bytes,
            weight_bytes=cost.weight_bytes,
            output_bytes=cost.output_bytes,
            cycles_npu=cost.cycles_npu,
            cycles_ddr=cost.cycles_ddr,
            cycles=cost.total,
            bound=cost.bound,
        )

    def _cost(self, work: Work, head: Head) -> Cost:
        """Of a convolution, with what is added to its output."""
        folded = [node.op_type for node in head.fused]
        bias = work.bias or "BatchNormalization" in folded or folded.count("Add") > len(head.added)
        once = conv_cost(work.geometry, self._dtype, self._target, bias=bias, source=work.source)
        read = once.input_bytes * work.times + sum(self._bytes(value) for value in head.added)
        weights, written = once.weight_bytes * work.times, once.output_bytes * work.times
        if not head.output.is_graph_output():  # only what leaves the model is written in whole kernel groups
            batch, channels, rows, columns = work.geometry.output_shape
            pixels = work.times * batch * rows * columns
            written = feature_bytes(channels, pixels, self._dtype, self._target)
        return Cost(
            macs=once.macs * work.times,
            macs_padded=once.macs_padded * work.times,
            input_bytes=read,
            weight_bytes=weights,
            output_bytes=written,
            cycles_npu=once.cycles_npu * work.times,
            cycles_ddr=dram_cycles(read + weights + written, self._target),
        )

    def _other(self, node: ir.Node, layer: LayerPlan) -> LayerPlan:
        """Of an operator outside of the convolution unit only the moving can be told."""
        inputs = [value for value in node.inputs if value is not None]
        if any(static_shape(value) is None for value in (*inputs, *node.outputs)):
            return msgspec.structs.replace(layer, unsplit="its shapes do not follow from the inputs")
        read = sum(self._bytes(value) for value in inputs if value not in self._constants)
        weights = sum(self._bytes(value) for value in inputs if value in self._constants)
        written = sum(self._bytes(value) for value in node.outputs)
        cycles = dram_cycles(read + weights + written, self._target)
        return msgspec.structs.replace(
            layer, input_bytes=read, weight_bytes=weights, output_bytes=written, cycles_ddr=cycles, cycles=cycles,
            bound="DRAM",
        )  # fmt: skip

    def _split(self, work: Work) -> tuple[Split | None, str]:
        if work.kind == "ConvTranspose":
            return None, "how a ConvTranspose is split is not known"
        key = replace(work.geometry, batch=1)
        if key not in self._splits:
            try:
                found = split(key, BYTES[self._dtype], self._target)
                reason = "" if found else f"how the buffer of {self._target.name} is divided is not known"
                self._splits[key] = found, reason
            except DoesNotFit as error:
                self._splits[key] = None, str(error)
        return self._splits[key]

    def _is_step(self, node: ir.Node) -> bool:
        return not is_view(node) and node not in self._into

    def _live(self, nodes: list[ir.Node]) -> list[int]:
        steps = [(set(self._reads(node)), set(self._writes(node))) for node in nodes]
        stay = [self._in_memory(value) for value in self._graph.outputs if value not in self._constants]
        feeds = [self._in_memory(value) for value in graph_inputs(self._graph)]
        if not steps:
            return []
        steps[0][0].update(feeds)  # they are there from the start, read or not
        sizes = {value: self._bytes(value) for reads, writes in steps for value in (*reads, *writes)}
        sizes.update((value, self._bytes(value)) for value in stay)
        return live_bytes(steps, stay, sizes)

    def _reads(self, node: ir.Node) -> Iterator[ir.Value]:
        added = self._heads[node.outputs[0]].added if node.outputs[0] in self._heads else ()
        for value in (*node.inputs, *added):
            if value is not None and value not in self._constants:
                yield self._in_memory(value)

    def _writes(self, node: ir.Node) -> Iterator[ir.Value]:
        head = self._heads.get(node.outputs[0])
        yield from (head.output,) if head else node.outputs

    def _in_memory(self, value: ir.Value) -> ir.Value:
        """What a value is kept as: behind views, and behind what is fused."""
        while value in self._shown:
            value = self._shown[value]
        return self._heads[value].output if value in self._heads else value

    def _bytes(self, value: ir.Value) -> int:
        return value_bytes(value, self._dtype, self._target)


def _totals(layers: tuple[LayerPlan, ...]) -> Totals:
    computed = [layer for layer in layers if layer.computed]
    peak = max(layers, key=lambda layer: layer.live_bytes, default=None)
    return Totals(
        macs=sum(layer.macs for layer in layers),
        macs_padded=sum(layer.macs_padded for layer in layers),
        cycles=sum(layer.cycles or 0 for layer in computed),
        cycles_compute_bound=sum(layer.cycles or 0 for layer in computed if layer.bound == "compute"),
        cycles_other=sum(layer.cycles or 0 for layer in layers if not layer.computed),
        moved_bytes=sum(layer.moved_bytes for layer in layers),
        weight_bytes=sum(layer.weight_bytes for layer in layers),
        peak_bytes=peak.live_bytes if peak else 0,
        peak_at=peak.name if peak else "",
    )
