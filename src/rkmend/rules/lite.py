"""The targets that the compiler calls `lite`."""

from __future__ import annotations

LITE = frozenset({"rk3566", "rk3568"})
