"""RKM402: outputs that fp16 cannot hold are named, and nothing else is."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.rules import get_rule
from rule_bench import RK3588, loaded

RULE = get_rule("RKM402")


def product(factor: float) -> onnx.ModelProto:
    weights = {"s": np.array(factor, np.float32)}
    return model([node("Mul", "x s", "y", "scale")], [value("x", [1, 64])], [value("y", [1, 64])], weights)


@pytest.mark.toolkit
def test_an_output_beyond_fp16_is_named(bench, tmp_path):
    proto = product(60000.0)
    failed = bench.verdict(loaded(proto, tmp_path), proto)
    assert RULE.recognises(failed)
    (finding,) = RULE.react(failed, (), RK3588)
    assert finding.facts["output"] == "y" and finding.facts["largest"] > 65504 and "65504" in finding.message
    assert not RULE.mends(loaded(proto, tmp_path), None, finding)


@pytest.mark.toolkit
def test_one_that_fits_is_not(bench, tmp_path):
    proto = product(1000.0)
    converted = bench.verdict(loaded(proto, tmp_path), proto)
    assert converted.converted and not RULE.recognises(converted)
