"""How a layer is cut for a Target: pure functions on plain dataclasses."""
