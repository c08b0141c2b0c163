"""The family of any culprit: each simplification taken or not."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import chain, x_xt_in_a_chain

from rkmend.diagnose.cause.family import CannotBuild
from rkmend.diagnose.cause.general_family import GeneralFamily
from rkmend.graph import digest_ir, extract, validated


@pytest.fixture(scope="module")
def family() -> GeneralFamily:
    """Transpose and MatMul of a tensor with itself."""
    given = validated(ir.from_proto(x_xt_in_a_chain()))
    return GeneralFamily(validated(extract(given, ["transpose", "matmul"])))


def test_the_start_is_the_culprit(family):
    assert digest_ir(family.build(family.start)) == digest_ir(validated(family.culprit))
    assert all(feature.of(family.start) for feature in family.features)


def test_factors_say_what_is_varied(family):
    domain = {factor.name: str(factor) for factor in family.factors}
    assert domain["node 'matmul' (MatMul): removed"] == "no, yes"
    assert domain["axis 1 of 'c'"] == "1 to 64" and domain["axis 2 of 'c'"] == "1 to 32"
    assert not any(name.startswith(("names", "remarks")) for name in domain)


def test_each_factor_does_what_it_says(family):
    smaller = family.build({**family.start, "axis 2 of 'c'": 5})
    assert list(smaller.graph.inputs[0].shape) == [1, 64, 5]
    single = family.build({**family.start, "node 'matmul' (MatMul): removed": "yes"})
    assert [node.op_type for node in single.graph] == ["Transpose"]


def test_what_does_not_fit_together_cannot_be_built(family):
    with pytest.raises(CannotBuild, match="incompatible"):
        family.build({**family.start, "perm of 'transpose': left out": "yes"})
    removed = {name: "yes" for name in family.start if name.endswith(": removed")}
    with pytest.raises(CannotBuild):
        family.build({**family.start, **removed})


def test_statements_are_there_in_both_languages(family):
    statements = [feature for feature in family.features if feature.yes_no]
    assert {"node 'matmul' (MatMul) is there", "perm of 'transpose' as given (not left out)"} <= {
        feature.name for feature in statements
    }
    assert all(feature.name_zh for feature in statements)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_any_point_gives_a_valid_model_or_a_reason(family, seed, in_chain):
    toy = GeneralFamily(validated(ir.from_proto(chain(4)))) if in_chain else family
    random = np.random.default_rng(seed)
    point = {factor.name: factor.draw(random) for factor in toy.factors}
    try:
        model = toy.build(point)
    except CannotBuild as error:
        assert error.message
    else:
        onnx.checker.check_model(ir.to_proto(model), full_check=True)
    assert digest_ir(toy.build(toy.start)) == digest_ir(validated(toy.culprit))  # it is left as it was
