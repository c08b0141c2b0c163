"""What the tests of every rule ask: is the rewrite proved, does it end the finding, does the toolkit agree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import msgspec
import onnx
import onnx_ir as ir
import pytest

from golden import FIXTURES, check_golden, current_case, listing
from rkmend.graph import digest_ir, freeze, load, save
from rkmend.mend.apply import apply
from rkmend.mend.interface import inputs_of, outputs_of
from rkmend.mend.prove import prove
from rkmend.rules import Finding, Mend, get_rule
from rkmend.targets import Target, load_target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Trials
from rkmend.toolkit.verdict import Verdict
from rkmend.verification.fitting import fit_reference
from rkmend.verification.reference import Reference, candidate_calibration, make_reference

RK3588 = load_target("rk3588")


@dataclass
class Bench:
    """The real toolkit on warm workers; one for all tests of a session."""

    trials: Trials
    toolkit: Toolkit
    folder: Path

    def __post_init__(self) -> None:
        self._numbers = count()
        self._references: dict[tuple[bytes, bytes], Reference] = {}

    def build(self, model: ir.Model) -> Verdict:
        """One Trial of a model, its numbers looked at by nobody."""
        path = self._fresh_folder() / "model.onnx"
        save(model, path)
        return self.trials.run(Trial("test", path, digest_ir(model), RK3588, self.toolkit)).verdict

    def verdict(
        self,
        model: ir.Model,
        original: onnx.ModelProto,
        options: BuildOptions | None = None,
        target: Target = RK3588,
    ) -> Verdict:
        """One Trial of a model, its simulator held against ONNX Runtime on the original."""
        folder, options = self._fresh_folder(), options or BuildOptions()
        path = folder / "model.onnx"
        save(model, path)
        made = self._reference(original, options, folder)
        reference = fit_reference(made, inputs_of(model), outputs_of(model), folder / "fitted")
        calibration = candidate_calibration(model, path) if options.quantize else None
        trial = Trial("test", path, digest_ir(model), target, self.toolkit, options, calibration, reference)
        return self.trials.run(trial).verdict

    def _reference(self, original: onnx.ModelProto, options: BuildOptions, folder: Path) -> Reference:
        """What ONNX Runtime makes of a model; it is asked once, before the mend or after it."""
        key = original.SerializeToString(deterministic=True), msgspec.json.encode(options)
        if key not in self._references:
            onnx.save(original, folder / "original.onnx")
            given = freeze(load(folder / "original.onnx"), {})
            self._references[key] = make_reference(given, options, folder / "samples")
        return self._references[key]

    def _fresh_folder(self) -> Path:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        return folder


def loaded(proto: onnx.ModelProto, folder: Path) -> ir.Model:
    """A model as a rule gets it: read from a file, shapes inferred."""
    path = folder / "loaded.onnx"
    onnx.save(proto, path)
    return freeze(load(path), {}).ir


def findings(code: str, proto: onnx.ModelProto, folder: Path) -> list[Finding]:
    """What a rule finds in a model."""
    return list(get_rule(code).find(loaded(proto, folder), RK3588))


def only_finding(
    code: str, model: ir.Model, mend: str | None = None, target: Target = RK3588
) -> tuple[Finding, Mend]:
    """The one finding of a rule in a model, and a mend for it: the first, or the one of this name."""
    (finding,) = get_rule(code).find(model, target)
    mends = get_rule(code).mends(model, target, finding)
    return finding, next(one for one in mends if mend in (None, one.name))


def check_rewrite(
    code: str,
    proto: onnx.ModelProto,
    folder: Path,
    mend: str | None = None,
    target: Target = RK3588,
    *,
    drawn: bool = False,
) -> ir.Model:
    """A mend is proved where its rule holds, and the rule does not hold in what it made; gives that back.

    Both are held against the golden file of the case, unless it is drawn at random.
    """
    before = loaded(proto, folder)
    finding, chosen = only_finding(code, before, mend, target)
    after = apply(before, chosen)
    proof = prove(before, after, finding, chosen, folder)
    assert proof.holds, proof.does_not_cover
    assert not list(get_rule(code).find(after, target)), "the rule still holds in what its mend made"
    if not drawn:
        check_before_and_after(code, chosen, before, after)
    return after


def check_before_and_after(code: str, mend: Mend, before: ir.Model, after: ir.Model) -> None:
    """A mend makes of a model what the golden file of the running test says."""
    golden = FIXTURES / "mends" / code / f"{current_case()}.txt"
    check_golden(golden, f"# {mend.name}\n\n{listing(before)}\n{listing(after)}")


def check_trial(
    bench: Bench,
    code: str,
    proto: onnx.ModelProto,
    folder: Path,
    mend: str | None = None,
    target: Target = RK3588,
    *,
    hangs: bool = False,
) -> Verdict:
    """The toolkit fails on a model in a way that the rule recognises, and converts the mended one rightly.

    Where it `hangs` instead, that is not waited for.
    """
    before = loaded(proto, folder)
    _finding, chosen = only_finding(code, before, mend, target)
    plain = BuildOptions(quantize=target.only_int8)
    if not hangs:
        failed = bench.verdict(before, proto, plain, target)
        assert not failed.converted and get_rule(code).recognises(failed), failed.outcome
    options = chosen.options(plain) if chosen.options else plain
    verdict = bench.verdict(apply(before, chosen), proto, options, target)
    assert verdict.converted, f"{verdict.outcome.value}: {verdict.message}"
    return verdict


def rewrite_and_trial(
    cases: Mapping[str, tuple[str, onnx.ModelProto]],
    tried: Collection[str] | None = None,
    target: Target = RK3588,
    *,
    hangs: bool = False,
) -> tuple[Callable[..., None], Callable[..., None]]:
    """The tests `test_rewrite` and `test_trial` of a file.

    Args:
        cases: Name -> rule and model; each is rewritten.
        tried: Names of those that the toolkit is asked about as well; all of them unless given.
        target: That the rule is about.
        hangs: See `check_trial`.
    """

    @pytest.mark.parametrize("case", cases)
    def test_rewrite(case: str, tmp_path: Path) -> None:
        code, proto = cases[case]
        check_rewrite(code, proto, tmp_path, target=target)

    @pytest.mark.toolkit
    @pytest.mark.parametrize("case", cases if tried is None else tried)
    def test_trial(case: str, bench: Bench, tmp_path: Path) -> None:
        code, proto = cases[case]
        check_trial(bench, code, proto, tmp_path, target=target, hangs=hangs)

    return test_rewrite, test_trial
