"""A Hunt in this process: the failure is a property of the model, and the trials are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime

from rkmend.diagnose.reduction.change import CannotChange, Change
from rkmend.graph import CannotExtract, InvalidModel, digest_ir, validated

ONNX_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


class CountingHunt:
    """Adopts the first change after which `fails` holds; asks for each different model once.

    Args:
        proto: The failing model.
        fails: Of a candidate.
        runs: Runs each candidate in ONNX Runtime as well.
    """

    def __init__(
        self, proto: onnx.ModelProto, fails: Callable[[ir.Model], bool], *, runs: bool = False
    ) -> None:
        self.model = validated(ir.from_proto(proto))
        self.trials, self.adopted = 0, list[str]()
        self._fails, self._runs = fails, runs
        self._remembered = {digest_ir(self.model): True}
        assert fails(self.model)

    def first(self, changes: Iterable[Change]) -> Change | None:
        for change in changes:
            try:
                candidate = validated(change.apply(self.model))
            except (CannotChange, CannotExtract, InvalidModel):
                continue
            if self._failing(candidate):
                self.model = candidate
                self.adopted.append(f"{change.element}: {change.what}")
                return change
        return None

    def _failing(self, candidate: ir.Model) -> bool:
        digest = digest_ir(candidate)
        if digest not in self._remembered:
            self.trials += 1
            if self._runs:
                run_on_ones(ir.to_proto(candidate))
            self._remembered[digest] = self._fails(candidate)
        return self._remembered[digest]


def run_on_ones(proto: onnx.ModelProto) -> None:
    """Runs a model with ones for inputs, without fusing operators; raises what ONNX Runtime does."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    session.run(
        None, {item.name: np.ones(item.shape, ONNX_TYPES[item.type]) for item in session.get_inputs()}
    )


def operators(model: ir.Model) -> list[str]:
    """The operators of all levels, in graph order."""
    return [node.op_type for node in ir.traversal.RecursiveGraphIterator(model.graph)]
