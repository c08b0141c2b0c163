"""What several rules ask of a model, computed once while the model does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    import onnx_ir as ir

P = ParamSpec("P")
T = TypeVar("T")

_memory: ContextVar[tuple[ir.Model, dict[Any, Any]] | None] = ContextVar("_memory", default=None)


@contextmanager
def unchanging(model: ir.Model) -> Iterator[None]:
    """As long as the block lasts, nobody changes the model, and answers about it are kept."""
    token = _memory.set((model, {}))
    try:
        yield
    finally:
        _memory.reset(token)


def remembered(function: Callable[Concatenate[ir.Model, P], T]) -> Callable[Concatenate[ir.Model, P], T]:
    """Makes a function of a model keep its answers while the model is `unchanging`; callers leave them as they are.

    Further arguments count by identity.
    """

    @wraps(function)
    def ask(model: ir.Model, /, *args: P.args, **kwargs: P.kwargs) -> T:
        memory = _memory.get()
        if memory is None or memory[0] is not model:
            return function(model, *args, **kwargs)
        answers = memory[1]
        key = (function, *map(id, args), *map(id, kwargs.values()))
        if key not in answers:
            answers[key] = function(model, *args, **kwargs)
        answer: T = answers[key]
        return answer

    return ask


def remembered_of_node(function: Callable[[ir.Node], T]) -> Callable[[ir.Node], T]:
    """The same for a function of one node of the main graph: what several rules read of it."""

    @wraps(function)
    def ask(node: ir.Node, /) -> T:
        memory = _memory.get()
        if memory is None or memory[0].graph is not node.graph:
            return function(node)
        answers, key = memory[1], (function, node)
        if key not in answers:
            answers[key] = function(node)
        answer: T = answers[key]
        return answer

    return ask
