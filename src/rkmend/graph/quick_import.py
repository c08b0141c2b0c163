"""Importing onnx_ir without sympy, which takes longer than all the rest and only reckons with symbolic sizes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """Stands for sympy: while onnx_ir is imported it hands out functions, afterwards what sympy has."""

    importing = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever sympy has
        if name.startswith("__"):
            raise AttributeError(name)
        return _later(name) if self.importing else getattr(import_module("sympy"), name)


def _later(name: str) -> Callable[..., Any]:
    """A function of sympy that is looked up when it is called."""
    return lambda *args: getattr(import_module("sympy"), name)(*args)


def import_onnx_ir() -> None:
    """Imports onnx_ir; sympy follows when a size is computed from symbols, if ever.

    onnx_ir names a few functions of sympy while it is imported, and uses them for symbolic expressions. A version of it
    that needs more than their names is imported in the ordinary way.
    """
    if "onnx_ir" in sys.modules or "sympy" in sys.modules:
        return
    stand_in = _StandIn("sympy")
    sys.modules["sympy"] = stand_in
    try:
        import_module("onnx_ir")
    except Exception:  # whatever comes of a stand-in that does not do
        for name in [name for name in sys.modules if name.partition(".")[0] == "onnx_ir"]:
            del sys.modules[name]
    finally:
        stand_in.importing = False
        del sys.modules["sympy"]
