"""Targets: one TOML file per SoC with its hardware facts and their source, and the typed record read from it."""

from __future__ import annotations

from rkmend.targets.target import Cbuf, Limits, Mac, Target, load_target, target_names

__all__ = ["Cbuf", "Limits", "Mac", "Target", "load_target", "target_names"]
