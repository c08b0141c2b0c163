"""The folder with a reproducer: everything a vendor needs to see a failure, and nothing of the user's."""

from __future__ import annotations

from rkmend.repro.environment import environment_of
from rkmend.repro.folder import write_repro

__all__ = ["environment_of", "write_repro"]
