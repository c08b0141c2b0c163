from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.toolkit.log_normal import normalise

MESSAGES = {
    "E RKNN: [12:58:01.676] Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error":
        "Failed to config layer: '…', Fatal Error",
    "The input 1 of TopK('/model.1/TopK') need to be constant! It will cause the graph to be a dynamic graph!":
        "The input # of TopK('…') need to be constant! It will cause the graph to be a dynamic graph!",
    "KeyError: '/model.1/Transpose_output_0'": "KeyError: '…'",
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid rank for input: b Got: 1 Expected: 2 Please fix either the "
    "inputs/outputs or the model.":
        "[ONNXRuntimeError] : # : INVALID_ARGUMENT : Invalid rank for input: … Got: # Expected: # Please fix either "
        "the inputs/outputs or the model.",
    "The input shape ['B', 'T', 80] of 'images' is not support!": "The input shape […] of '…' is not support!",
    "cannot reshape array of size 3 into shape (1,256,128,3)": "cannot reshape array of size # into shape (…)",
    "operands could not be broadcast together with shapes (57,512) (57,)":
        "operands could not be broadcast together with shapes (…) (…)",
    "vector::_M_range_check: __n (which is 2) >= this->size() (which is 3)":
        "vector::_M_range_check: __n (which is #) >= this->size() (which is #)",
    "Not support input data type 'float16'!": "Not support input data type 'float16'!",
    "'NoneType' object has no attribute 'shape'": "'NoneType' object has no attribute 'shape'",
    "module 'onnx' has no attribute 'mapping'": "module 'onnx' has no attribute 'mapping'",
    "'>' not supported between instances of 'numpy.ndarray' and 'str'":
        "'>' not supported between instances of 'numpy.ndarray' and 'str'",
    "Node (/model.1/Conv) Op (Conv) [ShapeInferenceError] Attribute dilations has incorrect size":
        "Node (…) Op (Conv) [ShapeInferenceError] Attribute dilations has incorrect size",
    "failed to submit!, op id: 12, op name: Conv:/model.0/Conv, flags: 0x5, task start: 0":
        "failed to submit!, op id: #, op name: Conv:…, flags: #, task start: #",
    "No lowering found for: Atan_129, node type = Atan, use CustomOperatorLower instead.":
        "No lowering found for: …, node type = Atan, use CustomOperatorLower instead.",
    "reduced: set shape = [1] fail, ori_shape = [1, 3, 2]": "…: set shape = […] fail, ori_shape = […]",
    "Export RKNN model to /var/tmp/x1/check.rknn": "Export RKNN model to …",
}  # fmt: skip


@pytest.mark.parametrize(("message", "normal"), MESSAGES.items())
def test_keeps_the_phrase_and_nothing_of_the_run(message: str, normal: str) -> None:
    assert normalise(message) == normal


PIECES = st.sampled_from([
    *("'a'", "'", '"', "node: ", "name:", "/a/b", "Conv:/x", "[", "]", "(", ")", "1", "2.5", "-3", "1e9", "0x1f"),
    *(",", "#", "…", " ", "E RKNN: ", "[12:00:00.123]", "tname:[x]", "conv1", "float16", ":", "/", "=", "a", "_"),
    *("\n", "²", "٣", ": set shape = ", "Node (", "attribute ", "module "),
])  # fmt: skip


@given(st.text() | st.lists(PIECES, max_size=14).map("".join))
@settings(deadline=None)
def test_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


NAME = st.from_regex(r"(?:/[a-z][a-z0-9_.]{0,8}){1,4}", fullmatch=True)
NUMBER = st.integers(0, 10**6)
TEMPLATES = st.sampled_from([
    "E RKNN: [{t}] Failed to config layer: 'Conv:{a}', Fatal Error",
    "E RKNN: [{t}] REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x{m:x}, shift = {n}",
    "The input {m} of TopK('{a}') need to be constant! It will cause the graph to be a dynamic graph!",
    "KeyError: '{a}'",
    "All outputs ['{a}', '{b}'] of model are constants, The model is invalid!",
    "Non-zero status code returned while running Split node. Name:'{a}' Status Message: Cannot split. Axis={m}",
    "Nodes in a graph must be topologically sorted, however input '{a}' of node: \nname: {b} OpType: Concat",
    "The input shape ['{b}', {m}, {n}] of '{a}' is not support!",
    "cannot reshape array of size {m} into shape ({m},{n},3)",
    "unsupport cpu Transpose op, op name: Transpose:{a} in current, please try updating",
    "Segmentation fault at address 0x{m:x}",
])  # fmt: skip
FIELDS = st.fixed_dictionaries({
    "t": st.times().map(lambda time: time.strftime("%H:%M:%S.") + f"{time.microsecond // 1000:03}"),
    "a": NAME, "b": NAME, "m": NUMBER, "n": NUMBER,
})  # fmt: skip


@given(TEMPLATES, FIELDS, FIELDS)
@settings(deadline=None)
def test_times_names_and_numbers_make_no_difference(template: str, one: dict, other: dict) -> None:
    assert normalise(template.format(**one)) == normalise(template.format(**other))


@given(FIELDS)
@settings(deadline=None)
def test_the_phrase_makes_the_difference(fields: dict) -> None:
    dynamic = "The input {m} of {op}('{a}') need to be constant!"
    assert normalise(dynamic.format(op="TopK", **fields)) != normalise(dynamic.format(op="Slice", **fields))
    assert normalise(f"KeyError: '{fields['a']}'") != normalise(f"IndexError: '{fields['a']}'")
