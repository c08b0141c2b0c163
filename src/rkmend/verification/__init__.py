"""Numbers: what a model computes, and whether another one computes the same."""

from __future__ import annotations

from rkmend.verification.models import Comparison, verify
from rkmend.verification.runner import Engine

__all__ = ["Comparison", "Engine", "verify"]
