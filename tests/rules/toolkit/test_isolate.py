"""RKM950: what is left to try where no rule knows the failure."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.mend.apply import apply
from rkmend.mend.prove import prove
from rkmend.records import Status
from rkmend.rules import CannotApply, get_rule
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict
from rule_bench import RK3588, Bench, check_before_and_after, loaded

RULE = get_rule("RKM950")
MENDS = ["barriers", "optimization-level-2", "optimization-level-1", "optimization-level-0", "on-the-cpu"]
GRAM = ("turn", "product")


def gram() -> onnx.ModelProto:
    nodes = [node("Transpose", "x", "t", "turn", perm=[0, 2, 1]), node("MatMul", "x t", "y", "product")]
    return model(nodes, [value("x", [1, 16, 8])], [value("y", [1, 16, 16])])


def findings(bench: Bench, proto: onnx.ModelProto, tmp_path, culprits: tuple[str, ...]):
    verdict = bench.verdict(loaded(proto, tmp_path), proto)
    assert verdict.outcome is Outcome.ABORTED and RULE.recognises(verdict)
    return list(RULE.react(verdict, culprits, RK3588))


@pytest.mark.toolkit
def test_barriers_cure_a_crash_that_they_know_nothing_of(bench, tmp_path):
    (finding,) = findings(bench, gram(), tmp_path, GRAM)
    before = loaded(gram(), tmp_path)
    mends = {mend.name: mend for mend in RULE.mends(before, RK3588, finding)}
    assert list(mends) == MENDS and all(mend.last_resort for mend in mends.values())
    after = apply(before, mends["barriers"])
    check_before_and_after("RKM950", mends["barriers"], before, after)
    assert prove(before, after, finding, mends["barriers"], tmp_path).holds
    assert bench.verdict(after, gram()).converted
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 16, 8)).astype(np.float32)}
    assert np.array_equal(run(ir.to_proto(after), feeds)["y"], run(gram(), feeds)["y"])


@pytest.mark.toolkit
def test_without_culprits_there_is_nothing_to_isolate(bench, tmp_path):
    assert findings(bench, gram(), tmp_path, ()) == []


@pytest.mark.toolkit
def test_options_name_the_outputs_of_the_operators(bench, tmp_path):
    (finding,) = findings(bench, gram(), tmp_path, GRAM)
    *_, level, cpu = RULE.mends(loaded(gram(), tmp_path), RK3588, finding)
    assert level.options is not None and level.options(BuildOptions()).optimization_level == 0
    assert cpu.options is not None and cpu.options(BuildOptions()).op_target == {"t": "cpu", "y": "cpu"}


@pytest.mark.toolkit
def test_whole_numbers_are_not_clipped(bench, tmp_path):
    proto = model(
        [node("Add", "x x", "y", "sum")],
        [value("x", [4], onnx.TensorProto.INT64)],
        [value("y", [4], onnx.TensorProto.INT64)],
    )
    (finding,) = findings(bench, gram(), tmp_path, ("sum",))
    with pytest.raises(CannotApply, match="floating point"):
        apply(loaded(proto, tmp_path), RULE.mends(loaded(proto, tmp_path), RK3588, finding)[0])


@pytest.mark.toolkit
def test_a_conversion_isolates_what_computes_something_else(convert, tmp_path):
    """Channels that are put into another order behind a GlobalAveragePool keep their order."""
    nodes = [
        node("GlobalAveragePool", "x", "a", "mean"),
        node("Split", "a", "b c", "halves", axis=1),
        node("Concat", "c b", "y", "swapped", axis=1),
    ]
    onnx.save(model(nodes, [value("x", [1, 8, 12, 12])], [value("y", [1, 8, 1, 1])]), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.first_verdict.outcome is Outcome.WRONG
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM950", "barriers")]


@pytest.mark.parametrize(("restricted", "names"), [("fp16", MENDS), ("int8", ["barriers"])])
def test_what_is_tried_for_wrong_numbers(restricted, names, tmp_path):
    verdict = Verdict(
        Outcome.WRONG, Stage.SIMULATE, Signature(Stage.SIMULATE, "wrong", ""), "", (), {}, (), (), 0.0, {}
    )
    assert RULE.recognises(verdict)
    target = RK3588.computing_in(restricted)
    (finding,) = RULE.react(verdict, GRAM, target)
    assert [mend.name for mend in RULE.mends(loaded(gram(), tmp_path), target, finding)] == names
