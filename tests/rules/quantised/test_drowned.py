"""RKM312: int8 builds whose rounding drowns what the model computes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from drowning import SHAPE, drowning
from rkmend.graph import freeze, load
from rkmend.records import Status
from rkmend.rules.quantised.drowned import Drowned
from rkmend.targets import load_target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Noise, Outcome, OutputAgreement, Stage, Verdict

RULE, RK3588 = Drowned(), load_target("rk3588")

INT8 = RK3588.computing_in("int8")


def wrong(*, ratio: float, part: float = 1.0, outcome: Outcome = Outcome.WRONG) -> Verdict:
    """An output of which half is noise, so many times as far off as rounding takes it."""
    noise = Noise(share=0.5, ratio=ratio, peak=ratio, differ=1)
    found = OutputAgreement(
        output="y",
        sample="s",
        shape_ok=True,
        finite=True,
        cosine=0.8,
        worst_channel_cosine=0.8,
        worst_part_cosine=part,
        max_abs=1.0,
        max_rel=0.6,
        reference_max=2.0,
        noise=noise,
    )
    return Verdict(outcome, Stage.SIMULATE, None, "", (), {}, (found,), (), 1.0, {})


def test_numbers_that_are_off_as_rounding_takes_them():
    verdict = wrong(ratio=1.0)
    assert RULE.recognises(verdict)
    (finding,) = RULE.react(verdict, ("relu",), INT8)
    assert finding.nodes == ("relu",) and "50% of an output" in finding.message
    assert list(RULE.react(verdict, (), INT8)) == []
    assert list(RULE.react(verdict, ("relu",), RK3588.computing_in("fp16"))) == []


@pytest.mark.parametrize(
    "verdict",
    [wrong(ratio=9.0), wrong(ratio=1.0, part=0.0), wrong(ratio=1.0, outcome=Outcome.CONVERTED)],
    ids=["more than rounding", "lost in joining", "right"],
)
def test_what_rounding_does_not_explain_is_not_its_business(verdict):
    assert not RULE.recognises(verdict)


def test_the_layers_on_either_side_stay_in_float16_too(tmp_path):
    onnx.save(drowning(1000), tmp_path / "m.onnx")
    graph = freeze(load(tmp_path / "m.onnx"), {}).ir
    (finding,) = RULE.react(wrong(ratio=1.0), ("relu",), INT8)
    finer, mixed = RULE.mends(graph, INT8, finding)
    given = BuildOptions(quantize=True)
    assert finer.options(given) == BuildOptions(quantize=True, quantized_algorithm="mmse")
    assert mixed.options(given).float16_tensors == ("r", "y", "c")


@pytest.mark.toolkit
def test_one_tensor_in_float16_carries_it_through(convert, tmp_path):
    onnx.save(drowning(1000), tmp_path / "m.onnx")
    data = tmp_path / "data"
    data.mkdir()
    for number in range(2):
        array = np.random.default_rng(number).standard_normal(SHAPE).astype(np.float32)
        np.savez(data / f"{number}.npz", x=array)
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", quantize=data)
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM312", "float16-tensors")]
    assert "r" in result.options.float16_tensors and result.options.quantize
    (check,) = result.verification
    assert check.ok
