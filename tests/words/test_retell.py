"""The sentences of records in Chinese: the table is that of the code, and what the code puts together is known."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rkmend
from rkmend.graph import TensorSpec
from rkmend.mend.interface import changes
from rkmend.summary import UNLOCATED
from rkmend.toolkit.verdict import Outcome
from rkmend.words import Language, translator
from rkmend.words.retell import retell, table

SOURCES = Path(rkmend.__file__).parent
EXAMPLES = {"": "/a/b", "number": "12", "code": "RKM101", "name": "a-rule"}
FIELD = re.compile(r"\{[^{}]*\}")
SAY = translator(Language.ZH)


def strings_of(tree: ast.AST):
    """Every string of a module, with `{}` for what an f-string puts in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield "".join(map(str, parts))


@pytest.fixture(scope="module")
def strings() -> set[str]:
    files = [file for file in SOURCES.rglob("*.py") if "words" not in file.parts]
    return {text for file in files for text in strings_of(ast.parse(file.read_text()))}


def test_the_sentences_stand_in_the_code(strings):
    ends = {text.strip(" .") for text in strings}
    gone = [row["en"] for row in table()["sentence"] if FIELD.sub("{}", row["en"]).strip(" .") not in ends]
    assert not gone


@pytest.mark.parametrize("row", [row for rows in table().values() for row in rows], ids=lambda row: row["en"])
def test_both_have_the_same_fields_and_no_english_is_left(row):
    assert sorted(re.findall(r"\{(\w+)", row["en"])) == sorted(re.findall(r"\{(\w+)", row["zh"]))
    example = FIELD.sub(lambda found: EXAMPLES[found[0].strip("{}").partition(":")[2]], row["en"])
    expected = re.sub(r"\{\w+\}", "\0", row["zh"])
    pattern = ".+".join(re.escape(part) for part in expected.split("\0"))
    assert re.fullmatch(pattern, retell(example)), retell(example)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.CONVERTED])
def test_how_a_trial_ended(outcome):
    sentence = f"{outcome.sentence[0].upper()}{outcome.sentence[1:]} (E RKNN: (a) it failed)."
    told = retell(f"{sentence} To blame: no single operator. No rule has a mend for it.")
    assert "E RKNN: (a) it failed" in told and not re.search(r"toolkit|blame|operator|rule", told)
    if outcome in UNLOCATED:
        assert told.split("。")[0] in retell(f"{sentence} {UNLOCATED[outcome]}")
        assert "operator" not in retell(UNLOCATED[outcome])


def test_how_an_interface_changed():
    given_, now = TensorSpec("x", "uint8", (2, 3)), TensorSpec("x", "float32", (6,))
    for kind in ((given_,), ()), ((), (given_,)):
        told = [retell(change.how) for change in changes(*kind, _model_of(now))]
        assert told and not any(re.search(r"instead|same|Feed|comes", text) for text in told), told


def _model_of(spec):
    import onnx_ir as ir

    value = ir.Value(name=spec.name, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(spec.shape))
    graph = ir.Graph([value], [value], nodes=[], opset_imports={"": 19})
    return ir.Model(graph, ir_version=9)


def test_sentences_within_sentences():
    told = retell(
        "makes the whole model disagree: RKM101 output-padding at /a/b, mend 2 of 3: "
        "the simulator is wrong on /c and 3 more alone, and was not before it"
    )
    assert told == (
        "使整个模型的结果不一致: RKM101 output-padding, 位于 /a/b (3 个修补中的第 2 个): "
        "仅在 /c 等, 另有 3 个 上仿真器就已出错, 而在它之前并未出错"
    )


def test_what_is_not_known_is_kept():
    text = "Something else happened. It was on a Tuesday."
    assert retell(text) == text
    assert retell(f"No rule has a mend for it. {text}") == f"没有规则对此有修补办法。{text}"


@given(st.text(max_size=300))
def test_any_text_can_be_told(text):
    assert retell(text) is not None


def test_a_long_text_does_not_take_long():
    hostile = "not proved: It does not hold: " * 200
    started = time.process_time()
    assert retell(hostile) == hostile
    assert time.process_time() - started < 5  # 0.2 s here; without a bound it would be hours
