"""Parameters: every single simplification of a model that is already small in nodes, the most worthwhile first.

Each makes a measure smaller, compared entry by entry from the left, so that every sequence of them ends:

1. nodes;
2. inputs and outputs, of the model and of its operators;
3. elements of the model's inputs and initializers;
4. entries of small integer initializers (target shapes), added up;
5. attributes that hold text;
6. attributes, and how far their numbers are from what they are at their simplest (`attributes.USUAL`, else 0);
7. inputs, initializers and casts of a dtype that has a plainer one, and values between them;
8. distance of the operator set and of the IR version from the usual ones;
9. content of the weights (`weights.Content`);
10. unused operator sets, remarks, names that are not plain.

Only one earlier entry may grow with a later one: cut weights are no longer the seeded numbers, so they are
seeded anew at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.attributes import attributes
from rkmend.diagnose.reduction.change import Change, Scale
from rkmend.diagnose.reduction.constants import constants
from rkmend.diagnose.reduction.declarations import dtypes, remarks, versions
from rkmend.diagnose.reduction.groups import dense
from rkmend.diagnose.reduction.operands import operands
from rkmend.diagnose.reduction.plain_names import plain_names
from rkmend.diagnose.reduction.sizes import sizes
from rkmend.diagnose.reduction.weights import constant_weights, is_seeded, random_weights, seeded

if TYPE_CHECKING:
    import onnx_ir as ir

_PASSES: tuple[Callable[[ir.Model], Iterator[Change | Scale]], ...] = (
    constants,
    random_weights,
    operands,
    sizes,
    dense,
    attributes,
    dtypes,
    versions,
    constant_weights,
    remarks,
    plain_names,
)


def parameters(model: ir.Model) -> Iterator[Change | Scale]:
    """Every single simplification of a model but the removal of nodes; none that changes nothing.

    Changes are made for this model. What they give may be no valid model: check it (`graph.validated`).

    Args:
        model: With inferred shapes and node names (`graph.validated`); left as it is.
    """
    keep = is_seeded(model)
    for simplify in _PASSES:
        for step in simplify(model):
            yield _reseeded(step) if keep else step


def _reseeded(step: Change | Scale) -> Change | Scale:
    """The same step for a model whose weights do not matter: they are seeded anew for the shapes they have then."""
    if isinstance(step, Scale):
        scale = step.apply
        return replace(step, apply=lambda model, value: seeded(scale(model, value)))
    change = step.apply
    return replace(step, apply=lambda model: seeded(change(model)))
