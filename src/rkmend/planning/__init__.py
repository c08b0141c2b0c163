"""Planning: how each layer of a model is cut for a Target and what it costs, before any toolkit runs."""

from __future__ import annotations

from rkmend.planning.planner import plan, plan_of
from rkmend.planning.record import SCHEMA, LayerPlan, Plan, Totals

__all__ = ["SCHEMA", "LayerPlan", "Plan", "Totals", "plan", "plan_of"]
