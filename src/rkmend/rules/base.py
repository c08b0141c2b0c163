"""Rule, Finding and Mend: one kind of failure is one unit of code, docstring, predicate, signature and mends."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

import msgspec

from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class Exactness(str, Enum):
    """What a Mend does to the numbers, strictest first."""

    EXACT = "exact"
    """Bit for bit, in real arithmetic and in the order of the float operations (finite inputs)."""
    ROUNDING = "rounding"
    """Equal in real arithmetic; float operations are done in another order or rounded in another place."""
    BOUNDED = "bounded"
    """Differs by no more than a stated bound."""
    CHANGES_MODEL = "changes-model"
    """Another function. Only ever suggested, never applied."""


FAILED = (Outcome.REJECTED, Outcome.ABORTED, Outcome.UNSOUND, Outcome.WRONG)
"""Outcomes that an operator can be to blame for; which one it is, the culprits say."""
STUCK = (Outcome.HUNG, Outcome.EXHAUSTED)
"""Outcomes that come so late that no operator is looked for by trials: what a rule foresees has to do."""


class Level(str, Enum):
    """How bad it is where a Rule holds, worst first."""

    ERROR = "error"
    """The model will not convert, or will fail or compute something else on the board."""
    WARNING = "warning"
    """It may fail; or it converts and an operator falls to the CPU, or most of the NPU is idle."""
    ADVICE = "advice"
    """Another design would suit the hardware better."""


Fact = int | float | str | bool


class Finding(msgspec.Struct, frozen=True):
    """A Rule that holds at certain nodes of a certain model, with the facts that make it hold."""

    code: str
    name: str
    nodes: tuple[str, ...]
    """Of the main graph; none when it is the model as a whole."""
    facts: dict[str, Fact]
    message: str
    """One sentence with the facts in it."""

    def node_in(self, model: ir.Model, place: int = 0) -> ir.Node:
        """One of its nodes in a model."""
        return next(node for node in model.graph if node.name == self.nodes[place])


@dataclass(frozen=True)
class Mend:
    """One change that may cure a Finding: a graph rewrite or a change of build options, never both.

    Attributes:
        name: Kebab-case, unique within its rule, for example `output-padding`.
        summary: What it does, in one sentence for the report.
        exactness: What it does to the numbers.
        rewrite: Changes a model in place at the nodes of the Finding; the caller passes a copy.
            It keeps the names of all graph inputs and outputs and raises `CannotApply` when it does not fit.
        options: Returns changed build options.
        bound: Of a `bounded` mend: the largest difference, relative to the largest value of an output.
        noise: The same for one whose difference is like noise and bounded in the mean, not at every element: the
            largest root mean square of the difference, relative to that of an output. Then `bound` does not count.
        last_resort: Only tried where no other mend leads on.
        blind: Tried without knowing why the model fails.
    """

    name: str
    summary: str
    exactness: Exactness
    rewrite: Callable[[ir.Model], None] | None = None
    options: Callable[[BuildOptions], BuildOptions] | None = None
    bound: float = 0.0
    noise: float = 0.0
    last_resort: bool = False
    blind: bool = False

    def __post_init__(self) -> None:
        if (self.rewrite is None) == (self.options is None):
            raise ValueError(f"mend {self.name}: exactly one of rewrite and options")


class CannotApply(Exception):
    """A Mend does not fit this model; the message says why and ends up among the rejected mends."""


class Rule(ABC):
    """One kind of failure. The docstring of the subclass is the rule's page (`rkmend rule CODE`)."""

    code: ClassVar[str]
    name: ClassVar[str]
    level: ClassVar[Level] = Level.WARNING
    """What a finding amounts to before any Trial. An error only where no network on which the rule holds converts
    rightly, as far as is known: `find` may name a necessary condition of a failure."""
    operators: ClassVar[frozenset[str] | None] = None
    """Operator types without which the rule cannot hold, those outside of the default domain as
    `com.microsoft::Gelu`; None where it looks at others as well."""

    static_only: ClassVar[bool] = False
    """It looks for what does not follow from the sizes of the inputs, so it has no say while these are missing."""

    def level_of(self, finding: Finding, target: Target) -> Level:
        """The level of one finding, where the facts tell more than the rule does."""
        return self.level

    @abstractmethod
    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """The places where the static predicate holds. Needs inferred shapes; touches nothing, runs nothing."""

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """Findings that follow from what a failed Trial said, not from the graph; none for most rules.

        Args:
            verdict: Of the Trial; this rule recognises it.
            culprits: The nodes that the failure comes from; none where they were not found.
            target: The same that `find` is given.
        """
        return ()

    @abstractmethod
    def recognises(self, verdict: Verdict) -> bool:
        """Whether a failed Trial bears the log signature of this rule."""

    @abstractmethod
    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The competing mends for one Finding, the most promising first."""

    @property
    def summary_line(self) -> str:
        """The first line of the page."""
        return (inspect.getdoc(self) or "").partition("\n")[0]

    def page(self) -> str:
        """The rule's page: code, name, then the docstring."""
        return f"# {self.code} {self.name}\n\n{inspect.getdoc(self) or ''}\n"
