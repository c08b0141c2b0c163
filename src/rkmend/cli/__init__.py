"""The command line. `main` is the entry point; each command has a file of its own, read when it is used."""

from __future__ import annotations

from rkmend.cli.main import main

__all__ = ["main"]
