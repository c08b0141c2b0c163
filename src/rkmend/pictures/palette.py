"""Colours, on white paper and on dark."""

from __future__ import annotations

PAPER, FRAME, GRID, INK, FAINT = "#ffffff", "#d0d7de", "#eaeef2", "#1f2328", "#59636e"
BLUE, BLUE_PALE, BLUE_FAINT = "#0969da", "#b6dbff", "#ddf0ff"
ORANGE, ORANGE_PALE = "#bc4c00", "#ffd8b5"
GREEN, PURPLE = "#1a7f37", "#8250df"

DARK = {
    PAPER: "#0d1117",
    FRAME: "#3d444d",
    GRID: "#21262d",
    INK: "#e6edf3",
    FAINT: "#9198a1",
    BLUE: "#4493f8",
    BLUE_PALE: "#1b3f6b",
    BLUE_FAINT: "#132b4a",
    ORANGE: "#f0883e",
    ORANGE_PALE: "#5a3011",
    GREEN: "#3fb950",
    PURPLE: "#ab7df8",
}
"""What each colour becomes for a reader who prefers a dark page."""
