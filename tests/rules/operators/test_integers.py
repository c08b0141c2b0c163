"""Integers: narrow and unsigned ones, divisions by what the model computes, int32 where only int64 is right."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkmend.graph import digest_ir, save
from rkmend.mend.apply import apply
from rkmend.rules import get_rule
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Trial
from rule_bench import RK3588, check_rewrite, findings, loaded, only_finding, rewrite_and_trial

MAP = [1, 4, 5, 6]
UINT8, INT8, INT32, INT64 = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64


def between_casts(nodes, weights, to, opset=18) -> onnx.ModelProto:
    """Operators that turn the integer `i` into the integer `o`, `i` being the whole numbers of a float input."""
    ends = [node("Cast", "x", "i", "enter", to=to), node("Cast", "o", "y", "leave", to=TensorProto.FLOAT)]
    return model([ends[0], *nodes, ends[1]], [value("x", MAP)], [value("y", MAP)], weights, opset=opset)


def narrow(dtype: int = UINT8) -> onnx.ModelProto:
    three = np.array([3], helper.tensor_dtype_to_np_dtype(dtype))
    return between_casts([node("Add", "i three", "o", "add")], {"three": three}, dtype)


def division(dtype: int = INT32, operator: str = "Mod") -> onnx.ModelProto:
    inputs = [value(name, MAP, dtype) for name in "ab"]
    return model([node(operator, "a b", "y", "divide")], inputs, [value("y", MAP, dtype)])


def clip(dtype: int = INT32) -> onnx.ModelProto:
    low, high = (np.array(bound, helper.tensor_dtype_to_np_dtype(dtype)) for bound in (-1, 2))
    return between_casts([node("Clip", "i low high", "o", "clip")], {"low": low, "high": high}, dtype)


def where() -> onnx.ModelProto:
    nodes = [node("Greater", "x half", "g", "greater"), node("Where", "g i seven", "o", "where")]
    weights = {"half": np.array([0.5], np.float32), "seven": np.array([7], np.int32)}
    return between_casts(nodes, weights, INT32)


CASES = {
    ("RKM205", "uint8"): narrow,
    ("RKM205", "int8"): lambda: narrow(INT8),
    ("RKM207", "clip"): clip,
    ("RKM207", "where"): where,
}


test_rewrite, test_trial = rewrite_and_trial(
    {" ".join(case): (case[0], make()) for case, make in CASES.items()},
    tried=[" ".join(case) for case in CASES if case[1] != "int8"],
)


@pytest.mark.parametrize("operator", ["Div", "Mod"])
@pytest.mark.parametrize("dtype", [INT32, INT64])
def test_division_by_an_input(operator, dtype, tmp_path):
    check_rewrite("RKM206", division(dtype, operator), tmp_path)


@pytest.mark.toolkit
def test_division_while_compiling(bench, tmp_path):
    """Its numbers are not compared: the generated samples hold zeros, which ONNX Runtime refuses to divide by."""
    before = loaded(division(), tmp_path)
    models = [before, apply(before, only_finding("RKM206", before)[1])]
    verdicts = []
    for number, one in enumerate(models):
        path = tmp_path / f"{number}.onnx"
        save(one, path)
        trial = Trial("test", path, digest_ir(one), RK3588, bench.toolkit, BuildOptions(), None, None)
        verdicts.append(bench.trials.run(trial).verdict)
    assert get_rule("RKM206").recognises(verdicts[0])
    assert verdicts[1].converted


def test_unsigned_input_gets_a_wider_dtype(tmp_path):
    image = model(
        [node("Cast", "x", "y", "cast", to=TensorProto.FLOAT)], [value("x", MAP, UINT8)], [value("y", MAP)]
    )
    after = check_rewrite("RKM205", image, tmp_path)
    assert after.graph.inputs[0].dtype.name == "INT32"


@pytest.mark.parametrize(
    ("code", "proto"),
    [
        (
            "RKM205",
            between_casts([node("Add", "i one", "o", "add")], {"one": np.array([1], np.int32)}, INT32),
        ),
        ("RKM205", between_casts([node("Abs", "i", "o", "abs")], {}, INT8)),
        (
            "RKM206",
            between_casts([node("Div", "i two", "o", "div")], {"two": np.array([2], np.int32)}, INT32),
        ),
        ("RKM206", model([node("Div", "x x", "y", "div")], [value("x", MAP)], [value("y", MAP)])),
        ("RKM206", between_casts([node("Abs", "i", "a", "abs"), node("Mod", "i a", "o", "mod")], {}, INT32)),
        ("RKM207", clip(INT64)),
    ],
)
def test_no_finding(code, proto, tmp_path):
    assert not findings(code, proto, tmp_path)


def test_quantised_operators_keep_their_dtypes(tmp_path):
    """The uint8 between the two is what they are about."""
    nodes = [
        node("QuantizeLinear", "x scale zero", "q", "quantize"),
        node("DequantizeLinear", "q scale zero", "y", "dequantize"),
    ]
    weights = {"scale": np.array(0.1, np.float32), "zero": np.array(128, np.uint8)}
    proto = model(nodes, [value("x", MAP)], [value("y", MAP)], weights)
    assert not findings("RKM205", proto, tmp_path)


@settings(max_examples=40, deadline=None)
@given(
    operator=st.sampled_from(
        ["Add", "Sub", "Mul", "Div", "Neg", "Abs", "BitwiseNot", "BitwiseXor", "LEFT", "RIGHT"]
    ),
    dtype=st.sampled_from([UINT8, INT8, TensorProto.UINT32]),
    seed=st.integers(0, 99),
)
def test_wide_form_wraps_round(operator, dtype, seed, tmp_path_factory):
    """Over the whole range of the dtype, against numpy: ONNX Runtime lacks some of these kernels."""
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(dtype))
    shift, unary = operator in ("LEFT", "RIGHT"), operator in ("Neg", "Abs", "BitwiseNot")
    if (kind.kind == "u" and operator == "Neg") or (kind.kind == "i" and shift):
        return  # ONNX does not have these
    attributes = {"direction": operator} if shift else {}
    made = node("BitShift" if shift else operator, "a" if unary else "a b", "y", "op", **attributes)
    proto = model(
        [made, node("Max", "b b", "z", "narrow")],  # fails for every narrow dtype
        [value("a", MAP, dtype), value("b", MAP, dtype)],
        [value("y", MAP, dtype), value("z", MAP, dtype)],
        opset=18,
    )
    before = loaded(proto, tmp_path_factory.mktemp("wide"))
    after = apply(before, only_finding("RKM205", before)[1])
    random, limits = np.random.default_rng(seed), np.iinfo(kind)
    a = random.integers(limits.min, limits.max, MAP, kind, endpoint=True)
    b = (
        random.integers(0, 8 * kind.itemsize, MAP, kind)
        if shift
        else random.integers(1, limits.max, MAP, kind)
    )
    expected = {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "BitwiseXor": np.bitwise_xor, "LEFT": np.left_shift,
        "RIGHT": np.right_shift, "Div": lambda x, y: np.trunc(x / y.astype(np.float64)),
    }  # fmt: skip
    one = {"Neg": np.negative, "Abs": np.abs, "BitwiseNot": np.invert}
    wanted = (one[operator](a) if unary else expected[operator](a, b)).astype(kind)
    wide = np.int64 if kind.itemsize > 2 else np.int32
    results = run(ir.to_proto(after), {"a": a.astype(wide), "b": b.astype(wide)})
    assert np.array_equal(results["y"], wanted.astype(wide))
