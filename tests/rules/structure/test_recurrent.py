"""Recurrent operators: outputs that nobody reads, and forms without a kernel."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.mend.apply import apply
from rkmend.rules.base import CannotApply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

OUTPUTS, STEPS = "RKM251", "RKM252"
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
TIME, BATCH, SIZE, HIDDEN = 4, 2, 6, 8


def recurrent(
    kind: str,
    outputs: str,
    *,
    directions: int = 1,
    computed: bool = False,
    lengths: list[int] | None = None,
    start: bool = False,
    peepholes: bool = False,
    **attributes,
) -> onnx.ModelProto:
    """`outputs` are those that are read, with - for one that is left out; `computed` weights are inputs."""
    rng, gates = np.random.default_rng(0), GATES[kind]
    weights = {
        "w": rng.standard_normal((directions, gates * HIDDEN, SIZE), np.float32) / 4,
        "r": rng.standard_normal((directions, gates * HIDDEN, HIDDEN), np.float32) / 4,
        "b": rng.standard_normal((directions, 2 * gates * HIDDEN), np.float32) / 4,
    }
    inputs = ["x", "w", "r", "b", "", "", "", ""]
    given_in = [value("x", [TIME, BATCH, SIZE])]
    if computed:
        given_in.append(value("r", weights.pop("r").shape))
    if lengths:
        inputs[4], weights["l"] = "l", np.array(lengths, np.int32)
    if start:
        inputs[5] = "h"
        given_in.append(value("h", [directions, BATCH, HIDDEN]))
    if peepholes:
        inputs[7] = "p"
        weights["p"] = rng.standard_normal((directions, 3 * HIDDEN), np.float32) / 4
    while not inputs[-1]:
        inputs.pop()
    shapes = {
        "y": [TIME, directions, BATCH, HIDDEN],
        "h_last": [directions, BATCH, HIDDEN],
        "c_last": [directions, BATCH, HIDDEN],
    }
    names = ["" if name == "-" else name for name in outputs.split()]
    made = onnx.helper.make_node(kind, inputs, names, "rnn", hidden_size=HIDDEN, **attributes)
    return model([made], given_in, [value(name, shapes[name]) for name in names if name], weights, opset=14)


LAST_STATES = {
    "LSTM": recurrent("LSTM", "- h_last"),
    "LSTM, both states": recurrent("LSTM", "- h_last c_last"),
    "LSTM, cell": recurrent("LSTM", "- - c_last"),
    "GRU": recurrent("GRU", "- h_last"),
    "GRU, both directions": recurrent("GRU", "- h_last", directions=2, direction="bidirectional"),
    "RNN, reverse": recurrent("RNN", "- h_last", direction="reverse"),
}
FORMS = {
    "peepholes": recurrent("LSTM", "y h_last c_last", peepholes=True),
    "computed": recurrent("GRU", "y", computed=True),
    "lengths": recurrent("RNN", "y h_last", lengths=[2, 4]),
}


@pytest.mark.parametrize("name", FORMS)
def test_steps(name, tmp_path):
    check_rewrite(STEPS, FORMS[name], tmp_path)


@pytest.mark.parametrize("name", LAST_STATES)
def test_last_states(name, tmp_path):
    check_rewrite(OUTPUTS, LAST_STATES[name], tmp_path)


def test_last_states_of_sequences_that_differ_in_length_are_refused(tmp_path):
    before = loaded(recurrent("GRU", "- h_last", lengths=[2, 4]), tmp_path)
    with pytest.raises(CannotApply, match="differ in length"):
        apply(before, only_finding(OUTPUTS, before)[1])


@pytest.mark.parametrize("kind", GATES)
def test_not_found_where_the_toolkit_converts(kind, tmp_path):
    plain = recurrent(kind, "y h_last", start=True)
    assert findings(OUTPUTS, plain, tmp_path) == findings(STEPS, plain, tmp_path) == []


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(sorted(GATES)),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    lengths=st.lists(st.integers(1, TIME), min_size=BATCH, max_size=BATCH),
    start=st.booleans(),
    peepholes=st.booleans(),
    coupled=st.booleans(),
    late=st.booleans(),
    clip=st.sampled_from([None, 0.5]),
    relu=st.booleans(),
)
def test_any_form(tmp_path_factory, kind, direction, lengths, start, peepholes, coupled, late, clip, relu):
    """Against ONNX Runtime, which has its own Sigmoid and Tanh inside: equal to 1e-4, a tenth of fp16's step at 1."""
    directions = 2 if direction == "bidirectional" else 1
    count = {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
    attributes: dict = {"direction": direction}
    attributes |= {"clip": clip} if clip else {}
    attributes |= {"input_forget": 1} if coupled and kind == "LSTM" else {}
    attributes |= {"linear_before_reset": int(late)} if kind == "GRU" else {}
    attributes |= {"activations": ["HardSigmoid", "Relu", "Relu"][:count] * directions} if relu else {}
    proto = recurrent(
        kind,
        "y h_last c_last" if kind == "LSTM" else "y h_last",
        directions=directions,
        computed=True,
        lengths=lengths,
        start=start,
        peepholes=peepholes and kind == "LSTM",
        **attributes,
    )
    before = loaded(proto, tmp_path_factory.mktemp("rnn"))
    after = apply(before, only_finding(STEPS, before)[1])
    rng = np.random.default_rng(1)
    feeds = {
        one.name: rng.standard_normal([size.dim_value for size in one.type.tensor_type.shape.dim], np.float32)
        / 2
        for one in proto.graph.input
    }
    expected, found = run(proto, feeds), run(ir.to_proto(after), feeds)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-4)


@pytest.mark.toolkit
@pytest.mark.parametrize("name", ["LSTM, cell", "GRU, both directions"])
def test_trial_of_last_states(name, bench, tmp_path):
    check_trial(bench, OUTPUTS, LAST_STATES[name], tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("name", FORMS)
def test_trial_of_steps(name, bench, tmp_path):
    check_rewrite(STEPS, FORMS[name], tmp_path)
    check_trial(bench, STEPS, FORMS[name], tmp_path)
