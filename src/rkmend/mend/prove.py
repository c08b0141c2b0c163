"""Proving that a mended model computes what the original computes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rkmend.mend.apply import apply
from rkmend.mend.interface import demand_interface
from rkmend.mend.layout import only_moves
from rkmend.mend.polynomial import NotPolynomial, demand_exact, largest_integers, longest_sum
from rkmend.mend.proof import (
    NO_GRAPH_CHANGE,
    Claim,
    Proof,
    SameNumbers,
    SamePlaces,
    SamePolynomials,
    refuted,
)
from rkmend.mend.region import Unproved, constants, outline, regions
from rkmend.rules.base import CannotApply, Exactness, Finding, Mend

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]

RISK = 1e-6
"""Draws are added until a wrong rewrite survives them with no more than this probability."""
MEMORY_LIMIT = 2 << 30
"""Bytes that the tensors of both regions may take in float32. Larger ones are not proved: at a smaller shape
the claim would be another one."""
NUMERIC_TOLERANCE = 2.0**-13
"""Largest difference, relative to the largest value, that float32 rounding is taken to explain where a region is no
polynomial: a quarter of the unit roundoff of fp16, in which the NPU computes."""
TIME_LIMIT = 900
"""Seconds for all runs of one proof."""


def prove(before: ir.Model, after: ir.Model, finding: Finding, mend: Mend, scratch: Path) -> Proof:
    """Compares a mended model with the original.

    1. Outside the rewritten region the two graphs are the same, node by node and constant by constant.
    2. The region, before and after, consists of operators whose outputs are polynomials in its inputs and
       weights; its new constants are copies of old ones, or zero.
    3. The polynomials are equal. The mend is applied to the region with random whole numbers for weights,
       and both are run on random whole numbers, so small that every partial sum is exact in float32: all
       outputs must be equal. By the lemma of Schwartz and Zippel a wrong output of degree d survives a
       draw from s values with probability d / s at most.
    4. With the model's own weights, on normal inputs, the region differs by no more than rounding explains.

    Args:
        before: The original; static shapes.
        after: `apply(before, mend)`.
        finding: Whose nodes were replaced.
        mend: What was applied.
        scratch: An existing folder with room for a few times the weights of the model.

    Returns:
        The Proof; look at `holds`.
    """
    with Proving(before, after, finding, mend, scratch) as proving:
        return proving.result()


class Proving:
    """A proof under way: its runs go on in a child process while the caller does something else.

    Takes what `prove` takes. Leave it (`close`) in any case: that ends the child and removes its files.
    """

    def __init__(
        self, before: ir.Model, after: ir.Model, finding: Finding, mend: Mend, scratch: Path
    ) -> None:
        self._folder = TemporaryDirectory(dir=scratch)
        self._child: subprocess.Popen[str] | None = None
        self._proof: Proof | None = NO_GRAPH_CHANGE if mend.rewrite is None else None
        if self._proof is None:
            folder = Path(self._folder.name)
            try:
                self._claim, jobs = _claim(before, after, finding, mend, folder)
                self._child = _start(jobs, folder)
            except (Unproved, CannotApply) as error:
                self._proof = refuted(error)

    def __enter__(self) -> Proving:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def result(self) -> Proof:
        """Waits for the runs and says what they prove."""
        if self._proof is None:
            assert self._child is not None
            try:
                self._proof = self._claim.judged(_answers(self._child))
            except Unproved as error:
                self._proof = refuted(error)
        return self._proof

    def close(self) -> None:
        """Ends the child, finished or not."""
        if self._child is not None:
            with self._child:  # closes its pipes and reaps it
                self._child.kill()
            self._child = None
        self._folder.cleanup()


def _claim(
    before: ir.Model, after: ir.Model, finding: Finding, mend: Mend, folder: Path
) -> tuple[Claim, list[dict[str, object]]]:
    """What has to be run, and what it would show: the strongest kind of evidence that there is for the region."""
    if not finding.nodes:
        gone = demand_interface(before, after)
        return SameNumbers(_tolerance(mend), whole=True, noise=mend.noise), [
            {**_comparison(folder, before, after), "left_out": gone}
        ]
    old, new = regions(before, after, finding.nodes)
    _demand_memory(old, new)
    whole = []
    if len(before.graph) > len(finding.nodes):
        whole = [{"kind": "model", **_saved(folder, "model", before=before, after=after), "seed": 0}]
    if not old.graph.inputs:  # constants in, constants out: there is one set of numbers
        return SameNumbers(_tolerance(mend), whole=False, noise=mend.noise), [
            _comparison(folder, old, new),
            *whole,
        ]
    if only_moves(old) and only_moves(new):
        return SamePlaces(), [
            {"kind": "places", **_saved(folder, "region", before=_single(old), after=_single(new))},
            *whole,
        ]
    try:
        claim, jobs = _polynomial_claim(old, new, finding, mend, folder)
    except NotPolynomial:
        claim, jobs = (
            SameNumbers(_tolerance(mend), whole=False, noise=mend.noise),
            [_comparison(folder, old, new)],
        )
    return claim, [*jobs, *whole]


def _tolerance(mend: Mend) -> float:
    return {Exactness.EXACT: 0.0, Exactness.ROUNDING: NUMERIC_TOLERANCE}.get(mend.exactness, mend.bound)


def _comparison(folder: Path, before: ir.Model, after: ir.Model) -> dict[str, object]:
    return {"kind": "numeric", **_saved(folder, "compared", before=before, after=after), "seed": 0}


def _single(region: ir.Model) -> ir.Model:
    """A region in float32."""
    return _with_weights(region, lambda array: array)


def _polynomial_claim(
    old: ir.Model, new: ir.Model, finding: Finding, mend: Mend, folder: Path
) -> tuple[Claim, list[dict[str, object]]]:
    """The runs that show that two regions are the same polynomials.

    Raises:
        NotPolynomial: They are none, or the rewrite computed new constants.
    """
    import numpy as np

    _demand_copies(old, new)
    magnitude = largest_integers(longest_sum(old))
    values, survival, degree, draws = 2 * magnitude + 1, 1.0, 0, 0
    jobs: list[dict[str, object]] = []
    while survival > RISK:
        drawn = _drawn(old, magnitude, seed=draws)
        demand_exact(drawn, magnitude)  # first: the mend of what is no polynomial may not fit drawn weights
        drawn, mended = regions(drawn, apply(drawn, mend), finding.nodes)
        if outline(mended) != outline(new):
            raise Unproved("the mend rewrites the same region in another way when its weights are others")
        degree = max(demand_exact(drawn, magnitude), demand_exact(mended, magnitude))
        if degree >= values:
            raise Unproved(f"degree {degree} against {values} values proves nothing")
        pair = _saved(folder, f"draw{draws}", before=drawn, after=mended)
        jobs.append({"kind": "identity", **pair, "magnitude": magnitude, "seed": draws})
        survival *= degree / values
        draws += 1
    pair = _saved(folder, "region", before=old, after=new, absolute=_with_weights(old, np.abs))
    factor = _rounding_factor(old)
    jobs.append({"kind": "rounding", **pair, "factor": factor, "seed": 0})
    return SamePolynomials(magnitude, draws, degree, survival), jobs


def _drawn(region: ir.Model, magnitude: int, seed: int) -> ir.Model:
    """The region with random whole numbers for weights."""
    import numpy as np

    rng = np.random.default_rng((1, seed))

    def integers(array: Array) -> Array:
        return np.asarray(rng.integers(-magnitude, magnitude, array.shape, endpoint=True))

    return _with_weights(region, integers)


def _with_weights(region: ir.Model, change: Callable[[Array], Array]) -> ir.Model:
    """A copy of a region in float32, its floating-point constants changed."""
    import onnx_ir as ir

    copy = region.clone()
    for name, array in constants(region, floating=True).items():
        copy.graph.initializers[name].const_value = ir.tensor(change(array).astype("float32"), name=name)
    outputs = [value for node in copy.graph for value in node.outputs]
    for value in [*copy.graph.inputs, *copy.graph.initializers.values(), *outputs]:
        if value.dtype is not None and value.dtype.is_floating_point():
            value.type = ir.TensorType(ir.DataType.FLOAT)  # a new one: clones share theirs
    return copy


def _rounding_factor(region: ir.Model) -> float:
    """How far two ways to compute the region may part, relative to the sum of the absolute terms.

    A float32 sum of n products is off by at most gamma(n) = n u / (1 - n u) times the sum of their absolute
    values, in whatever order it is taken (Higham, Accuracy and Stability of Numerical Algorithms, 3.1 and
    4.2); storing it in the tensor's own dtype adds its unit roundoff, twice where a bias is added
    afterwards. Both sides may be off by that much.
    """
    dtype = region.graph.outputs[0].dtype
    assert dtype is not None
    single = 2.0**-24
    stored = {"FLOAT16": 2.0**-11, "BFLOAT16": 2.0**-8}.get(dtype.name, single)
    terms = longest_sum(region) + 4  # bias, and the rounding of the bound itself
    gamma = terms * single / (1 - terms * single)
    return 2 * (gamma + 2 * stored)


def _demand_memory(old: ir.Model, new: ir.Model) -> None:
    computed = [value for part in (old, new) for node in part.graph for value in node.outputs]
    values = [*old.graph.inputs, *computed]
    needed = sum(
        4 * math.prod(value.shape.numpy())
        for value in values
        if value.shape is not None and value.shape.is_static()
    )
    if needed > MEMORY_LIMIT:
        raise Unproved(
            f"the tensors of the region take {needed / 2**30:.1f} GiB, more than {MEMORY_LIMIT >> 30} GiB, "
            "and at a smaller shape the claim would be another one"
        )


def _demand_copies(old: ir.Model, new: ir.Model) -> None:
    """The floating-point constants of the new region are those of the old one, elsewhere, and zeros."""
    import numpy as np

    originals = constants(old, floating=True).values()
    known = np.concatenate([np.zeros(1), *(array.ravel() for array in originals)])
    for name, array in constants(new, floating=True).items():
        if not np.isin(array, known).all():
            raise NotPolynomial(f"constant '{name}' holds numbers that are not in the original")


def _saved(folder: Path, name: str, **models: ir.Model) -> dict[str, str]:
    """Writes models to files; keyword -> path."""
    import onnx_ir as ir

    paths = {}
    for role, model in models.items():
        path = folder / f"{name}-{role}.onnx"
        ir.save(model, path, external_data=f"{path.stem}.weights")
        paths[role] = str(path)
    return paths


def _start(jobs: list[dict[str, object]], folder: Path) -> subprocess.Popen[str]:
    """Starts `_prove_child` on the jobs."""
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    return subprocess.Popen(
        [sys.executable, "-m", "rkmend.mend._prove_child", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answers(child: subprocess.Popen[str]) -> list[Any]:
    """The answers of `_prove_child` to the jobs."""
    try:
        out, complaints = child.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise Unproved(f"its runs took more than {TIME_LIMIT} s") from error
    if child.returncode:
        last = (complaints.strip().splitlines() or ["no message"])[-1]
        raise Unproved(f"its runs ended with status {child.returncode}: {last}")
    answers: list[Any] = json.loads(out)
    return answers
