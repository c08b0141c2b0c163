from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest
from conv_cases import NODE, SMALL, Case, cases
from hypothesis import HealthCheck, given, settings

import rkmend.mend.prove as proving
from rkmend.mend._prove_child import Session
from rkmend.mend.apply import apply
from rkmend.mend.proof import Proof
from rkmend.mend.prove import prove
from rkmend.rules import CannotApply, Exactness, Mend, get_rule
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.conv.conv_padding_mends import border_rows, kernel_embedding, output_padding
from rkmend.rules.replacement import Replacement
from rkmend.targets import load_target

RULE, RK3588 = get_rule("RKM101"), load_target("rk3588")


def proof_of(model: ir.Model, mend: Mend, scratch) -> Proof:
    (finding,) = RULE.find(model, RK3588)
    return prove(model, apply(model, mend), finding, mend, scratch)


def right(model: ir.Model, name: str) -> Mend:
    (finding,) = RULE.find(model, RK3588)
    return next(mend for mend in RULE.mends(model, RK3588, finding) if mend.name == name)


@pytest.mark.parametrize("name", ["output-padding", "border-rows", "kernel-embedding"])
@pytest.mark.parametrize(
    "case",
    [
        Case(integers=False),
        Case(integers=False, consumers=("Relu", "Sigmoid"), opset=7, weights="constant"),
        Case(integers=False, dtype=np.float16, bias=False),
        Case(integers=False, consumers=("Relu",), weights="input", opset=8),
        Case(replace(SMALL, stride_h=2, dilation_w=2, kernel_w=2, pad_right=6, channels=4, groups=2)),
    ],
    ids=["alone", "consumers", "float16", "old", "grouped"],
)
def test_right_mends_are_proved(case, name, tmp_path):
    model = case.model()
    proof = proof_of(model, right(model, name), tmp_path)
    assert proof.holds, proof.does_not_cover
    assert proof.kind == "polynomial-identity"
    # Sums of at most 4 products and a bias, stored with 11 or 24 bits: a few units in the last place.
    assert proof.max_rel <= 8 * np.finfo(case.dtype).eps
    assert "degree 2" in proof.covers
    assert not list(tmp_path.iterdir())


@given(case=cases(beyond=True))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_right_mends_of_any_conv_are_proved(case, tmp_path):
    model = replace(case, integers=False).model()
    for mend in RULE.mends(model, RK3588, *RULE.find(model, RK3588)):
        try:
            proof = proof_of(model, mend, tmp_path)
        except CannotApply:
            continue
        assert proof.holds, (mend.name, proof.does_not_cover)


def test_the_reported_difference_is_that_of_onnx_runtime(tmp_path):
    """ONNX Runtime sums a long kernel in blocks, so zeros between the weights move the roundings."""
    model = Case(replace(SMALL, channels=384), integers=False, consumers=("Relu",)).model()
    mend = right(model, "kernel-embedding")
    proof = proof_of(model, mend, tmp_path)
    assert proof.holds
    for name, one in (("before", model), ("after", apply(model, mend))):
        ir.save(one, tmp_path / f"{name}.onnx")
    # The same session settings: with other threads the sums are cut in other places.
    before, after = (Session(str(tmp_path / f"{name}.onnx")) for name in ("before", "after"))
    feed = before.normal(0)
    pairs = list(zip(before.run(feed).values(), after.run(feed).values(), strict=True))
    assert proof.max_abs == max(np.abs(a - b).max() for a, b in pairs) > 0
    # A quotient of float32 numbers, once taken in float32 and once in float64.
    assert proof.max_rel == pytest.approx(
        max(np.abs(a - b).max() / np.abs(a).max() for a, b in pairs), rel=1e-6
    )


def test_a_build_option_needs_no_proof_of_the_graph(tmp_path):
    model = Case().model()
    proof = proof_of(model, right(model, "single-core"), tmp_path)
    assert (proof.kind, proof.holds, proof.max_abs) == ("no-graph-change", True, 0.0)


# Wrong rewrites. Each makes a valid graph with outputs of the right shape unless it says otherwise.


def wrong(build) -> Mend:
    def rewrite(model: ir.Model) -> None:
        conv = ConvNode.named(model, NODE)
        new = Replacement(conv.node, code="RKM101", mend="wrong")
        new.finish(build(conv, new))

    return Mend("wrong", "", Exactness.EXACT, rewrite=rewrite)


def after(build, change) -> Mend:
    """A right rewrite, spoilt by `change`, which gets the mended model."""

    def rewrite(model: ir.Model) -> None:
        wrong(build).rewrite(model)
        change(model)

    return Mend("wrong", "", Exactness.EXACT, rewrite=rewrite)


def tensor(model: ir.Model, part: str) -> tuple[ir.Value, np.ndarray]:
    value = model.graph.initializers[f"{NODE}/rkmend/{part}"]
    return value, value.const_value.numpy()


def store(value: ir.Value, array: np.ndarray) -> None:
    value.const_value = ir.tensor(np.ascontiguousarray(array), name=value.name)


def off_by_one_row(model):
    value, pads = tensor(model, "pad_pads")
    store(value, np.add(pads, [0, 0, 1, 0, 0, 0, -1, 0]))


def too_many_rows(model):
    value, pads = tensor(model, "pad_pads")
    store(value, np.add(pads, [0, 0, 0, 0, 0, 0, 1, 0]))


def shifted_kernel(model):
    value, weight = tensor(model, "weight")
    store(value, np.roll(weight, 1, axis=2))


def mirrored_kernel(model):
    value, weight = tensor(model, "weight")
    store(value, weight[:, ::-1])


def negated_bias(model):
    value, bias = tensor(model, "bias")
    store(value, -bias)


def bias_of_other_channels(model):
    value, bias = tensor(model, "bias")
    store(value, bias[:, ::-1])


def zero_border(model):
    value, border = tensor(model, "bottom")
    store(value, np.zeros_like(border))


def wrong_pads(model):
    conv = next(node for node in model.graph if node.op_type == "Conv")
    conv.attributes["pads"] = ir.AttrInt64s("pads", [3, 2, 1, 2])


def no_bias_on_the_border(conv, new):
    """Conv with bias -> Pad: the border is zero where it should hold the bias."""
    padded = output_padding(replace(conv, node=conv.node), new)
    add = padded.producer()
    pad = add.inputs[0].producer()
    bias = new.constant("flat", conv.bias_array)
    inner = pad.inputs[0].producer()
    live = new.node("biased", "Conv", [inner.inputs[0], inner.inputs[1], bias], dict(inner.attributes))
    return new.node("padded", "Pad", [live, pad.inputs[1]], {})


@pytest.mark.parametrize(
    ("mend", "why"),
    [
        (after(output_padding, off_by_one_row), "outputs differ, first at"),
        (after(output_padding, too_many_rows), "the outputs of the graph are not the same"),
        (after(kernel_embedding, shifted_kernel), "outputs differ"),
        (after(kernel_embedding, mirrored_kernel), "outputs differ"),
        (after(kernel_embedding, wrong_pads), "outputs differ"),
        (after(output_padding, negated_bias), "the outputs differ by"),
        (after(output_padding, bias_of_other_channels), "outputs differ"),
        (after(border_rows, zero_border), "outputs differ"),
        (wrong(no_bias_on_the_border), "outputs differ"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_wrong_numbers_are_refused(mend, why, tmp_path):
    proof = proof_of(Case(integers=False).model(), mend, tmp_path)
    assert not proof.holds
    assert why in proof.does_not_cover
    assert not proof.covers


def test_a_bias_missing_from_the_whole_region_is_refused(tmp_path):
    def without_bias(conv, new):
        return kernel_embedding(replace(conv, node=ir.node("Conv", conv.node.inputs[:2])), new)

    proof = proof_of(Case(integers=False).model(), wrong(without_bias), tmp_path)
    assert not proof.holds
    assert "outputs differ" in proof.does_not_cover


def test_a_rewrite_that_depends_on_the_weights_is_refused(tmp_path):
    """Right for the whole numbers of the proof, another graph for the model's own weights."""

    def build(conv, new):
        whole = np.array_equal(conv.weight_array, np.round(conv.weight_array))
        return (border_rows if whole else kernel_embedding)(conv, new)

    proof = proof_of(Case(integers=False).model(), wrong(build), tmp_path)
    assert not proof.holds
    assert "in another way when its weights are others" in proof.does_not_cover


def test_weights_lost_on_the_way_are_refused(tmp_path):
    """Rounding leaves whole numbers as they are and turns these weights into zeros."""

    def round_weights(model):
        value, weight = tensor(model, "weight")
        store(value, np.round(weight))

    case = Case(integers=False)
    model = case.model()
    weight = model.graph.initializers["w"]
    store(weight, weight.const_value.numpy() * 0.01)
    proof = proof_of(model, after(kernel_embedding, round_weights), tmp_path)
    assert not proof.holds
    assert "times what rounding explains" in proof.does_not_cover


def test_an_operator_that_is_no_polynomial_is_compared_on_numbers(tmp_path):
    def with_relu(conv, new):
        return new.node("relu", "Relu", [kernel_embedding(conv, new)], {})

    proof = proof_of(Case().model(), wrong(with_relu), tmp_path)
    assert not proof.holds
    assert "the outputs differ by" in proof.does_not_cover

    def with_two_negations(conv, new):
        value = new.node("neg", "Neg", [kernel_embedding(conv, new)], {})
        return new.node("neg", "Neg", [value], {})

    proof = proof_of(Case().model(), wrong(with_two_negations), tmp_path)
    assert proof.holds and proof.kind == "numeric-comparison"
    assert "not a proof for all" in proof.does_not_cover


def rename_output(model):
    model.graph.outputs[0].name = "other"


def change_consumer(model):
    node = next(node for node in model.graph if node.name == "after0")
    node.attributes["alpha"] = ir.AttrFloat32("alpha", 0.5)


def change_constant(model):
    value = next(value for value in model.graph.initializers.values() if value.name == "w")
    store(value, value.const_value.numpy() * 2)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (rename_output, "the outputs of the graph are not the same"),
        (change_consumer, "node 'after0' outside the region is not the same"),
        (change_constant, "constant 'w' is not the same"),
    ],
)
def test_a_change_outside_the_region_is_refused(change, why, tmp_path):
    model = Case(consumers=("LeakyRelu",)).model()
    proof = proof_of(model, after(output_padding, change), tmp_path)
    assert not proof.holds
    assert why in proof.does_not_cover


def test_a_region_too_large_to_run_is_not_proved_at_a_smaller_shape(tmp_path, monkeypatch):
    monkeypatch.setattr(proving, "MEMORY_LIMIT", 1000)
    model = Case().model()
    proof = proof_of(model, right(model, "border-rows"), tmp_path)
    assert not proof.holds
    assert "at a smaller shape the claim would be another one" in proof.does_not_cover


def test_runs_that_take_too_long_are_no_proof(tmp_path, monkeypatch):
    monkeypatch.setattr(proving, "TIME_LIMIT", 0.01)
    model = Case().model()
    proof = proof_of(model, right(model, "border-rows"), tmp_path)
    assert not proof.holds
    assert "took more than" in proof.does_not_cover


def test_onnx_runtime_stays_out_of_the_front_process():
    code = "import sys, rkmend.mend.prove; print([m for m in sys.modules if m.startswith('onnx')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
