"""rkmend: takes an ONNX model that RKNN-Toolkit2 rejects and returns a verified .rknn that computes the same thing.

The public API; everything loads on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkmend._version import __version__

if TYPE_CHECKING:
    from rkmend.checking import Checked, check
    from rkmend.conversion import Converter, Wishes, convert
    from rkmend.diagnose.budget import Budget
    from rkmend.diagnose.reduction.record import Reduction
    from rkmend.errors import EnvironmentFailure, InputError, RkmendError
    from rkmend.explanation import Explanation, explain
    from rkmend.planning import Plan, plan
    from rkmend.records import Conversion, Status
    from rkmend.reduction import Check, reduce
    from rkmend.rules import Exactness
    from rkmend.toolkit.options import BuildOptions
    from rkmend.toolkit.trial import Limits
    from rkmend.verification import verify

__all__ = [
    "Budget",
    "BuildOptions",
    "Check",
    "Checked",
    "Conversion",
    "Converter",
    "EnvironmentFailure",
    "Exactness",
    "Explanation",
    "InputError",
    "Limits",
    "Plan",
    "Reduction",
    "RkmendError",
    "Status",
    "Wishes",
    "__version__",
    "check",
    "convert",
    "explain",
    "plan",
    "reduce",
    "verify",
]

_HOMES = {
    "Checked": "rkmend.checking",
    "check": "rkmend.checking",
    "Budget": "rkmend.diagnose.budget",
    "Check": "rkmend.reduction",
    "Converter": "rkmend.conversion",
    "Explanation": "rkmend.explanation",
    "Reduction": "rkmend.diagnose.reduction.record",
    "explain": "rkmend.explanation",
    "reduce": "rkmend.reduction",
    "BuildOptions": "rkmend.toolkit.options",
    "Conversion": "rkmend.records",
    "EnvironmentFailure": "rkmend.errors",
    "Exactness": "rkmend.rules",
    "InputError": "rkmend.errors",
    "Limits": "rkmend.toolkit.trial",
    "Plan": "rkmend.planning",
    "RkmendError": "rkmend.errors",
    "Status": "rkmend.records",
    "Wishes": "rkmend.conversion",
    "convert": "rkmend.conversion",
    "plan": "rkmend.planning",
    "verify": "rkmend.verification",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module 'rkmend' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
