"""`reduce`: from a failing model to the smallest one that still fails alike, and everything to show it to others."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend._version import __version__
from rkmend.delivery import results_folder
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.command_oracle import CommandOracle
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.diagnose.reduction.baseline import Baseline, NoFailure
from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.checkpoint import Checkpoint, under_way
from rkmend.diagnose.reduction.facts import node_facts, originals
from rkmend.diagnose.reduction.record import OtherFailure, Reduction
from rkmend.diagnose.reduction.reducer import Reducer
from rkmend.diagnose.reduction.weights import is_seeded
from rkmend.diagnose.remembering import RememberingOracle, least_model
from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.graph import InvalidModel, Model, export, freeze, load, node_names, validated
from rkmend.graph.tensors import weights
from rkmend.paths import scratch_dir
from rkmend.progress import Progress
from rkmend.repro import environment_of, write_repro
from rkmend.repro.certificate import shown
from rkmend.toolkit.lookahead import usable_cpus
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.workers import Workers
from rkmend.workbench import AS_GIVEN, Workbench, workbench

if TYPE_CHECKING:
    import onnx_ir as ir

CHECK_SECONDS = 600.0
"""Time limit of a check command, unless another is given."""


@dataclass(frozen=True)
class Check:
    """A command that says whether a model is good, in the place of the toolkit.

    Attributes:
        command: With `{}` for the path of the model; exit status 0 is good.
        fail_regex: The failure is output that matches one of these.
        fail_codes: The failure is one of these exit statuses.
    """

    command: str
    fail_regex: tuple[str, ...] = ()
    fail_codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Watcher:
    """What a long reduction tells while it runs; all silent by default.

    Attributes:
        progress: Stages, trials and the installation of a toolkit.
        state: Nodes of the smallest model so far, candidates run, candidates remembered, what is being done.
        adopted: A simplification that keeps the failure.
    """

    progress: Progress = field(default_factory=Progress)
    state: Callable[[int, int, int, str], None] = lambda *_: None
    adopted: Callable[[str], None] = lambda _text: None


def reduce(
    model: str | Path,
    *,
    target: str | None = None,
    check: Check | None = None,
    out: str | Path | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    options: BuildOptions | None = None,
    toolkit: str | None = None,
    limits: Limits | None = None,
    budget: Budget | None = None,
    jobs: int | None = None,
    cache: bool = True,
    force: bool = False,
    watcher: Watcher | None = None,
    workers: Workers | None = None,
) -> Reduction:
    """Reduces a failing model to the smallest one that still fails alike.

    Args:
        model: An ONNX file; external data beside it.
        target: The toolkit converts for it and judges; or
        check: a command judges. One of the two.
        out: Folder for the results; `<stem>.repro` beside the model by default. A reduction that was
            interrupted is taken up again when its folder is given.
        inputs: Static shapes for dynamic inputs, by name; `()` for a scalar.
        options: The toolkit's build options.
        toolkit: Version of RKNN-Toolkit2.
        limits: Per candidate.
        budget: Trials or seconds; the smallest model so far is handed over when it is spent.
        jobs: Candidates that are judged at once; as many as there are processors by default.
        cache: Remember trials and use what is remembered.
        force: Replace results of an earlier run in `out`.
        watcher: Told what happens meanwhile.
        workers: Lent by the caller, and still there afterwards; its own by default.

    Returns:
        The same content as `reduction.json` in `out`.

    Raises:
        NoFailure: The model does not fail, or not when it is run again.
        InputError: The model or an argument cannot be used; nothing was written.
    """
    if (target is None) == (check is None):
        raise InputError(
            "give either a target or a check command", hint="Pass --target SOC or --check COMMAND."
        )
    path, budget, watcher = Path(model), budget or Budget(), watcher or Watcher()
    folder = folder_for(path, out)
    with ExitStack() as stack:
        stack.enter_context(results_folder(folder, force=force or under_way(folder)))
        watcher.progress.step("reading the model")
        given = freeze(load(path), dict(inputs or {}))
        asked = question(given, target, check, options, toolkit)
        checkpoint = Checkpoint(folder, asked, force=force)
        stack.callback(checkpoint.leave)
        bench: Workbench | None = None
        logs: Path | None = None
        oracle: RememberingOracle
        if check is None:
            assert target
            bench = stack.enter_context(
                workbench(
                    target=target, options=options, toolkit=toolkit, limits=limits, budget=budget,
                    cache=cache, progress=watcher.progress, jobs=jobs, workers=workers,
                )
            )  # fmt: skip
            oracle = bench.oracle
        else:
            logs = stack.enter_context(scratch_dir()) / "checks"
            oracle = stack.enter_context(
                _command_oracle(check, given, checkpoint, logs, limits, budget, jobs)
            )
        reducing = Reducing(given, folder, checkpoint, oracle, budget, watcher, bench, check, logs)
        reduction = reducing.run()
        reducing.deliver(reduction)
        return reduction


def folder_for(model: Path, out: str | Path | None) -> Path:
    """Where the results go."""
    return Path(out) if out else model.with_name(f"{model.stem}.repro")


@dataclass
class Reducing:
    """One reduction from the baseline to the results folder.

    Attributes:
        logs: Of the check command; those of the toolkit are on the workbench.
        reducer: Holds the reproducer after `run`.
    """

    given: Model
    folder: Path
    checkpoint: Checkpoint
    oracle: RememberingOracle
    budget: Budget
    watcher: Watcher
    bench: Workbench | None
    check: Check | None
    logs: Path | None = None
    started: float = field(default_factory=time.monotonic)
    reducer: Reducer = field(init=False)
    _before: ir.Model = field(init=False)
    """The smallest model before the change that was adopted last."""

    def run(self) -> Reduction:
        """From the baseline to the record; nothing is written but the checkpoint."""
        self.watcher.progress.step("running the model as given")
        baseline = self._baseline()
        self.oracle.adapt(baseline.runs[0])
        earlier = self.checkpoint.resume()
        reducer = Reducer(_checked(self.given.ir), baseline, self.oracle, self._adopted, self._doing)
        if earlier is not None:
            self.watcher.progress.step("going on where the last run was interrupted")
            reducer.model, reducer.culprit = validated(earlier), self.checkpoint.culprit()
        self.reducer, self._before = reducer, reducer.model
        reducer.run(self._suspects(baseline))
        self.oracle.adapt(None)
        self._doing("running the reproducer again")
        try:
            final = baseline.again(self.oracle, Candidate(reducer.model, "the reproducer"))
        except NoFailure:
            self.checkpoint.finish()  # what led here is not to be gone on with
            raise
        return self._record(baseline, final, resumed=earlier is not None)

    def _baseline(self) -> Baseline:
        if self.bench:
            return self.bench.baseline(self.given.ir)
        assert isinstance(self.oracle, CommandOracle)
        candidate = Candidate(self.given.ir, AS_GIVEN)
        baseline = Baseline.measure(self.oracle, candidate, self.oracle.ask(candidate))
        if not self.oracle.is_wanted(baseline.failure):
            seen = next(run for run in baseline.runs if run.failure == baseline.failure)
            raise NoFailure(
                f"the command fails on the model, but not in the way that was asked for: {seen.outcome}"
                + (f"\n{seen.message}" if seen.message else ""),
                hint="Compare --fail-regex and --fail-code with what the command prints and returns.",
            )
        return baseline

    def _suspects(self, baseline: Baseline) -> tuple[str, ...]:
        return self.bench.suspects(self.given.ir, baseline.runs[0]) if self.bench else ()

    def _adopted(self, change: Change) -> None:
        state, model = self.checkpoint.state, self.reducer.model
        state.origins = originals(self._before, model, state.origins, change)
        self._before = model
        if self.reducer.culprit is not None:
            self.checkpoint.keep_culprit(self.reducer.culprit)
        step = f"{change.element}: {change.what}"
        self.checkpoint.save(model, step)
        self._drop_logs()
        self.watcher.adopted(step)
        self._doing(step)

    def _log_of(self, run: Observation) -> Path | None:
        if self.bench:
            return self.bench.log_of(run)
        return self.logs / run.record if self.logs else None

    def _drop_logs(self) -> None:
        """Hundreds of logs would fill the disk; that of the reproducer, which is looked at, is yet to come."""
        if self.bench:
            self.bench.drop_logs()
        for log in self.logs.glob("*.log") if self.logs else ():
            log.unlink(missing_ok=True)

    def _doubt(self, failure: str) -> str:
        """Whether the failure is of the model at all. That is asked only when nothing that was tried did not fail."""
        if self.reducer.refused or self.oracle.ask(least_model()).failure != failure:
            return ""
        return (
            f"every model that was tried fails in this way, one of a single Relu too: look at {self._who} first, "
            "it may not be about the model at all"
        )

    @property
    def _who(self) -> str:
        return self.bench.name if self.bench else "the check command"

    def _doing(self, text: str) -> None:
        nodes = len(node_names(self._before))
        self.watcher.state(nodes, self.budget.spent, self.budget.remembered, text)

    def _record(self, baseline: Baseline, final: tuple[Observation, ...], *, resumed: bool) -> Reduction:
        reducer, state = self.reducer, self.checkpoint.state
        model = reducer.model
        return Reduction(
            rkmend=__version__,
            model=str(self.given.path),
            sha256=self.given.sha256,
            oracle=self.bench.name if self.bench else (self.check.command if self.check else ""),
            failure=baseline.failure,
            baseline=baseline.runs,
            final=final,
            flaky=baseline.share if baseline.flaky else None,
            repetitions=baseline.repetitions,
            nodes_before=len(node_names(self.given.ir)),
            nodes_after=len(node_names(model)),
            bytes_before=_bytes(self.given.ir),
            bytes_after=_bytes(model),
            nodes=node_facts(model, state.origins),
            steps=tuple(state.steps),
            certificate=tuple(reducer.certificate) if not reducer.unfinished else (),
            minimal=not reducer.unfinished,
            unfinished=reducer.unfinished,
            weights_matter=not is_seeded(model),
            doubt=self._doubt(baseline.failure),
            other_failures=tuple(
                OtherFailure(
                    seen.failure, reducer.other_counts[seen.failure], seen.label, f"other-{number}.onnx"
                )
                for number, seen in enumerate(reducer.others.values(), 1)
            ),
            trials=self.budget.spent,
            remembered=self.budget.remembered,
            invalid=reducer.invalid,
            resumed=resumed,
            seconds=round(time.monotonic() - self.started, 3),
        )

    def deliver(self, reduction: Reduction, cause: str = "", cause_zh: str = "") -> None:
        """Writes the folder, reduction.json last.

        Args:
            reduction: Completed here with `files`.
            cause: For the text to the vendor, if it was established.
            cause_zh: The same in Chinese.
        """
        reducer = self.reducer
        for old in (*self.folder.glob("other-*.onnx"), self.folder / "reduction.json"):
            old.unlink(missing_ok=True)
        bench = self.bench
        files = write_repro(
            self.folder,
            reduction,
            reducer.model,
            target=bench.target.name if bench else None,
            toolkit_version=bench.toolkit.version if bench else None,
            options=bench.options if bench else None,
            log=self._log_of(shown(reduction)),
            environment=environment_of(bench.toolkit.python) if bench else {},
            cause=cause,
            cause_zh=cause_zh,
        )
        for other, seen in zip(reduction.other_failures, reducer.others.values(), strict=True):
            export(seen.model, self.folder / other.file)
        report = self.folder / "reduction.json"
        reduction.files = {kind: str(path) for kind, path in files.items()} | {"record": str(report)}
        atomic_write(report, msgspec.json.format(msgspec.json.encode(reduction), indent=1))
        self.checkpoint.finish()


def _command_oracle(
    check: Check,
    given: Model,
    checkpoint: Checkpoint,
    scratch: Path,
    limits: Limits | None,
    budget: Budget,
    jobs: int | None,
) -> CommandOracle:
    return CommandOracle(
        check.command,
        fail_regex=check.fail_regex,
        fail_codes=check.fail_codes,
        limits=limits or Limits(CHECK_SECONDS),
        scratch=scratch,
        budget=budget,
        memory=checkpoint.memory,
        parallel=jobs or usable_cpus(),
        name=given.path.name,
    )


def question(
    given: Model, target: str | None, check: Check | None, options: BuildOptions | None, toolkit: str | None
) -> str:
    """What a reduction asks: two runs with the same question are one reduction."""
    shapes: Sequence[object] = [(spec.name, spec.shape) for spec in given.inputs]
    return hashlib.sha256(repr((given.sha256, shapes, target, check, options, toolkit)).encode()).hexdigest()


def _checked(model: ir.Model) -> ir.Model:
    """The model as the reducer wants it; as it is where the strict rules for candidates do not hold of it."""
    try:
        return validated(model)
    except InvalidModel:
        return model


def _bytes(model: ir.Model) -> int:
    return sum(tensor.nbytes for tensor in weights(model))
