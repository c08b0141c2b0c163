"""A family whose models are a single operator, and oracles that judge them by a rule that the test knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import onnx_ir as ir

from reduction_oracle import InProcess
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.family import CannotBuild, Factor, Feature, Point

SIZES = ("batch", "channels", "height", "width")
FAILURE = "build: it fails"


@dataclass(frozen=True)
class Toy:
    """`operator` on [batch, channels, height, width]; there is no model of more than 4000 elements a sample."""

    start: Point
    high: int = 64

    @property
    def factors(self) -> tuple[Factor, ...]:
        sizes = [Factor(name, 1, self.high) for name in SIZES]
        return (*sizes, Factor("operator", choices=("Relu", "Sigmoid")))

    @property
    def features(self) -> tuple[Feature, ...]:
        sizes = [Feature(name, lambda point, name=name: float(point[name])) for name in SIZES]
        relu = Feature(
            "it is a Relu", lambda p: float(p["operator"] == "Relu"), yes_no=True, name_zh="是 Relu"
        )
        row = Feature(
            "row",
            lambda p: p["width"] * p["channels"],
            cost=1.5,
            meaning="row: a row.",
            meaning_zh="row: 一行。",
        )
        return (*sizes, relu, row)

    def build(self, point: Point) -> ir.Model:
        if point["channels"] * point["height"] * point["width"] > 64_000:
            raise CannotBuild("too large")
        x = ir.Value(
            name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([point[n] for n in SIZES])
        )
        node = ir.node(point["operator"], [x], name="node")
        y = node.outputs[0]
        y.name, y.type, y.shape = "y", x.type, x.shape
        return ir.Model(ir.Graph([x], [y], nodes=[node], opset_imports={"": 12}, name="toy"), ir_version=8)


START = {"batch": 2, "channels": 24, "height": 40, "width": 30, "operator": "Relu"}


def point_of(model: ir.Model) -> Point:
    sizes = dict(zip(SIZES, model.graph.inputs[0].shape.numpy(), strict=True))
    return {**sizes, "operator": next(iter(model.graph)).op_type}


def judged_by(
    rule: Callable[[Point], bool | str], *, noise: float = 0.0, budget: Budget | None = None
) -> InProcess:
    """An oracle: a model fails where the rule says so (or as it says), and now and then does the opposite."""

    def failure_of(model: ir.Model, chance: Random) -> str | None:
        said = rule(point_of(model))
        if isinstance(said, str):
            return said
        return FAILURE if said != (chance.random() < noise) else None

    return InProcess(failure_of, budget=budget)
