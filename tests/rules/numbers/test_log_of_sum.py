"""RKM404: the logarithm of what is not negative and a number that fp16 does not have."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM404"
SHAPE = [1, 8, 16]


def spectrogram(smallest: float = 1e-8, *, squares: bool = True) -> onnx.ModelProto:
    """As networks for music begin; behind the logarithm something that shows an infinity."""
    nodes = [
        node("Mul", "x x" if squares else "x half", "power", "power"),
        node("MatMul", "power filters", "bands", "bands"),
        node("Add", "bands smallest", "kept", "keep"),
        node("Log", "kept", "log", "log"),
        node("Mul", "log half", "y", "scale"),
    ]
    filters = np.abs(np.random.default_rng(0).standard_normal((16, 12))).astype(np.float32)
    weights = {"filters": filters, "smallest": np.array(smallest, np.float32)}
    weights["half"] = np.array(0.5, np.float32)
    return model(nodes, [value("x", SHAPE)], [value("y", [1, 8, 12])], weights)


def test_rewrite(tmp_path):
    check_rewrite(CODE, spectrogram(), tmp_path)


def test_zero_gives_the_logarithm_of_the_number(tmp_path):
    import onnx_ir as ir

    proto, x = spectrogram(), np.zeros(SHAPE, np.float32)
    after = ir.to_proto(check_rewrite(CODE, proto, tmp_path))
    # two roundings of float32 at -9.2
    np.testing.assert_allclose(run(after, {"x": x})["y"], run(proto, {"x": x})["y"], rtol=1e-6)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, spectrogram(), tmp_path)


@pytest.mark.parametrize("proto", [spectrogram(1e-6), spectrogram(squares=False)], ids=["known", "negative"])
def test_a_number_that_fp16_has_and_what_may_be_negative(proto, tmp_path):
    assert not findings(CODE, proto, tmp_path)
