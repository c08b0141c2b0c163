"""`explain`: from a failing model to its cause, as a predicate that fresh experiments confirm."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.delivery import results_folder
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause import words
from rkmend.diagnose.cause.advice import advice, try_advice
from rkmend.diagnose.cause.explainer import Explainer
from rkmend.diagnose.cause.families import families
from rkmend.diagnose.cause.family import Both, Value
from rkmend.diagnose.cause.frontier import Frontier, frontier
from rkmend.diagnose.cause.record import Cause, Experiment
from rkmend.diagnose.cause.surroundings import surroundings, try_surroundings
from rkmend.diagnose.oracle import BudgetSpent
from rkmend.diagnose.reduction.checkpoint import Checkpoint, under_way
from rkmend.diagnose.reduction.record import Reduction
from rkmend.files import atomic_write
from rkmend.graph import Model, freeze, load
from rkmend.pictures.frontier import Point, write_frontier
from rkmend.reduction import Reducing, Watcher, folder_for, question
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.workers import Workers
from rkmend.workbench import Workbench, workbench

if TYPE_CHECKING:
    import onnx_ir as ir

SCHEMA = "rkmend-explanation/1"
SHARE = {"factors": 0.75, "advice": 0.9}
"""Of the seconds allowed: how much may be gone when the predicate, and when the common advice, is left as it is."""


class Explanation(msgspec.Struct, kw_only=True):
    """What came of an explanation: the reduction before it, and the cause."""

    schema: str = SCHEMA
    reduction: Reduction
    cause: Cause


def explain(
    model: str | Path,
    *,
    target: str,
    out: str | Path | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    options: BuildOptions | None = None,
    toolkit: str | None = None,
    limits: Limits | None = None,
    budget: Budget | None = None,
    jobs: int | None = None,
    seed: int = 0,
    cache: bool = True,
    force: bool = False,
    watcher: Watcher | None = None,
    workers: Workers | None = None,
) -> Explanation:
    """Reduces a failing model and establishes why it fails.

    Args:
        model: An ONNX file; external data beside it.
        target: `rk3588`, `rk3576`, ...
        out: Folder for the reproducer and the explanation; `<stem>.repro` beside the model by default.
        inputs: Static shapes for dynamic inputs, by name; `()` for a scalar.
        options: The toolkit's build options.
        toolkit: Version of RKNN-Toolkit2.
        limits: Per trial.
        budget: Trials or seconds; what was found by then is handed over.
        jobs: Trials at once; as many as there are processors by default.
        seed: Of the samples that are drawn.
        cache: Remember trials and use what is remembered.
        force: Replace results of an earlier run in `out`.
        watcher: Told what happens meanwhile.
        workers: Lent by the caller, and still there afterwards; its own by default.

    Returns:
        The same content as `explanation.json` in `out`.

    Raises:
        NoFailure: The model does not fail, or not when it is run again.
        InputError: The model or an argument cannot be used; nothing was written.
    """
    path, budget, watcher = Path(model), budget or Budget(), watcher or Watcher()
    folder = folder_for(path, out)
    with ExitStack() as stack:
        stack.enter_context(results_folder(folder, force=force or under_way(folder)))
        watcher.progress.step("reading the model")
        given = freeze(load(path), dict(inputs or {}))
        checkpoint = Checkpoint(folder, question(given, target, None, options, toolkit), force=force)
        stack.callback(checkpoint.leave)
        bench = stack.enter_context(
            workbench(
                target=target, options=options, toolkit=toolkit, limits=limits, budget=budget,
                cache=cache, progress=watcher.progress, jobs=jobs, workers=workers,
            )
        )  # fmt: skip
        return explain_on(bench, given, folder, checkpoint, budget, watcher, seed=seed)


def explain_on(
    bench: Workbench,
    given: Model,
    folder: Path,
    checkpoint: Checkpoint,
    budget: Budget,
    watcher: Watcher,
    *,
    seed: int = 0,
) -> Explanation:
    """The same on a toolkit that is set up already; `folder` exists. See `explain`."""
    reducing = Reducing(given, folder, checkpoint, bench.oracle, budget, watcher, bench, None)
    reduction = reducing.run()
    explaining = _Explaining(bench, reduction, reducing, budget, watcher, seed)
    cause = explaining.run()
    if cause.established:
        reducing.deliver(reduction, cause.text, cause.text_zh)
    else:
        reducing.deliver(reduction)
    cause.files |= _picture(folder, explaining.frontier, reduction)
    explanation = Explanation(reduction=reduction, cause=cause)
    record = folder / "explanation.json"
    cause.files["explanation"] = str(record)
    atomic_write(record, msgspec.json.format(msgspec.json.encode(explanation), indent=1))
    return explanation


@dataclass
class _Explaining:
    """What comes after the reduction."""

    bench: Workbench
    reduction: Reduction
    reducing: Reducing
    budget: Budget
    watcher: Watcher
    seed: int
    experiments: list[Experiment] = field(default_factory=list)
    frontier: Frontier | None = None
    clock: dict[str, float] = field(default_factory=dict)

    def run(self) -> Cause:
        """Predicate, picture, advice, surroundings: as much of it as the budget allows."""
        reducer, spent, started = self.reducing.reducer, self.budget.spent, time.monotonic()
        explainer, why = None, words.REDUCING
        if reducer.culprit is not None and not self.reduction.unfinished:
            with self._timed("predicate"):
                explainer, why = self._explained(reducer.culprit)
            self.experiments += explainer.experiments if explainer else ()
            with self._timed("advice"):
                self._advice(reducer.culprit)
            with self._timed("surroundings"), ExitStack() as stack:
                self._surroundings(reducer.model, stack)
        cause = self._cause(explainer, why)
        cause.trials = self.budget.spent - spent
        cause.seconds = round(time.monotonic() - started, 3)
        cause.clock = self.clock
        return cause

    def _explained(self, culprit: ir.Model) -> tuple[Explainer | None, Both]:
        """The explainer of the first family that starts with the failure, and why it established nothing."""
        origins = self.reducing.checkpoint.state.origins
        for family in families(culprit, self.reducing.reducer.model, origins, self.bench.target):
            explainer = Explainer(family, self.bench.oracle, self.reduction.failure, self.seed, self._doing)
            try:
                with self.budget.share(SHARE["factors"]):
                    if not explainer.starts():
                        continue
                    explainer.run()
                    if explainer.established:
                        self._doing("frontier")
                        self.frontier = frontier(explainer)
            except BudgetSpent:
                return explainer, words.LEARNING
            return explainer, explainer.why_not
        return None, words.NO_START

    def _advice(self, culprit: ir.Model) -> None:
        self._doing("common advice")
        with self.budget.share(SHARE["advice"]):
            self.experiments += try_advice(advice(culprit), self.bench.oracle, self.reduction.failure)

    def _surroundings(self, reproducer: ir.Model, stack: ExitStack) -> None:
        self._doing("other targets, toolkits and options")
        bench = self.bench
        self.experiments += try_surroundings(
            surroundings(bench.target, bench.toolkit, bench.options),
            reproducer,
            lambda other: bench.oracle_in(other, stack),
            self.reduction.failure,
        )

    def _cause(self, explainer: Explainer | None, why: Both) -> Cause:
        if explainer is None:
            text, chinese = words.not_established(why, ())
            return Cause(established=False, text=text, text_zh=chinese, experiments=tuple(self.experiments))
        predicate, confirmed = explainer.predicate, explainer.confirmation
        if explainer.established and predicate and confirmed:
            text, chinese = words.in_words(predicate, explainer.family.features, confirmed)
        else:
            text, chinese = words.not_established(why, explainer.without_influence)
        return Cause(
            established=explainer.established,
            text=text,
            text_zh=chinese,
            predicate=predicate.atoms if predicate else (),
            domain={factor.name: str(factor) for factor in explainer.family.factors},
            confirmed_on=confirmed,
            counterexamples=explainer.counterexamples,
            without_influence=explainer.without_influence,
            experiments=tuple(self.experiments),
            samples=explainer.samples,
            deciding=(self.frontier.x, self.frontier.y) if self.frontier else (),
        )

    def _doing(self, text: str) -> None:
        self.watcher.state(self.reduction.nodes_after, self.budget.spent, self.budget.remembered, text)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.clock[part] = round(time.monotonic() - started, 3)


def _picture(folder: Path, frontier: Frontier | None, reduction: Reduction) -> dict[str, str]:
    if frontier is None or not frontier.points:
        return {}
    # Values that are not evenly spaced are shown as categories: a boundary is not to be lost in a corner.
    shown = {axis: _shown({point[axis] for point in frontier.points}) for axis in (0, 1)}
    points = [
        Point(shown[0][x], shown[1][y], failed, frontier.predict(x, y)) for x, y, failed in frontier.points
    ]
    back: list[dict[float | str, Value]] = [
        {text: value for value, text in shown[axis].items()} for axis in (0, 1)
    ]
    title = f"{reduction.oracle}: {reduction.failure}"
    svg, png = write_frontier(
        points, x=frontier.x, y=frontier.y, title=title, folder=folder,
        predict=lambda x, y: frontier.predict(back[0][x], back[1][y]),
    )  # fmt: skip
    return {"frontier_svg": str(svg), "frontier_png": str(png)}


def _shown(values: set[Value]) -> dict[Value, float | str]:
    """How the values of an axis are shown: numbers without gaps as numbers, others as words."""
    numbers = sorted(value for value in values if isinstance(value, int))
    if len(numbers) == len(values) and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return {value: value for value in numbers}
    ordered: list[Value] = [*numbers, *sorted(str(value) for value in values if not isinstance(value, int))]
    return {value: str(value) for value in ordered}
