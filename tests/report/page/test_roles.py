"""What part nodes play, and what is drawn round them."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value
from models import chain
from page_results import conversion

from rkmend.checking import Found
from rkmend.mend.proof import Proof
from rkmend.records import AppliedMend, Culprit, Status, Tail
from rkmend.report.page.opened import Opened
from rkmend.report.page.roles import MEND_MOST, MOST, focus_of, roles_of_mended, roles_of_original, subgraphs
from rkmend.rules import Exactness, Finding
from rkmend.rules.base import Level

PROOF = Proof("element-places", True, "inputs", 0.0, 0.0, "covers", "does not cover")


def mend(code: str, *nodes: str) -> AppliedMend:
    return AppliedMend(
        code, "some-mend", nodes, "Does it.", Exactness.EXACT, PROOF, None, 1, 1, None, 0, 3, 3
    )


def found(code: str, *nodes: str) -> Found:
    return Found("m.onnx", code, "rule", Level.WARNING, "rk3588", nodes, {}, "message", None, ())


def put_in(kind: str, reads: str, makes: str, name: str, of: str, code: str = "RKM101") -> onnx.NodeProto:
    made = node(kind, reads, makes, name)
    for key, told in (("rule", code), ("mend", "some-mend"), ("from", of)):
        made.metadata_props.add(key=f"rkmend.{key}", value=told)
    return made


@pytest.fixture
def pair(tmp_path):
    """relu0 to relu4; in the mended model relu2 is two nodes, and relu3 has become something else."""
    onnx.save(chain(5), tmp_path / "m.onnx")
    nodes = [
        node("Relu", "x", "v0", "relu0"),
        node("Relu", "v0", "v1", "relu1"),
        put_in("Neg", "v1", "n", "relu2/rkmend/neg", "relu2"),
        put_in("Abs", "n", "v2", "relu2/rkmend/abs", "relu2/rkmend/earlier"),
        node("Exp", "v2", "v3", "relu3"),
        node("Relu", "v3", "y", "relu4"),
    ]
    onnx.save(model(nodes, [value("x", [1, 4])], [value("y", [1, 4])]), tmp_path / "mended.onnx")
    result = conversion(tmp_path / "m.onnx", Status.MENDED, mends=(mend("RKM101", "relu2"),))
    return (
        result,
        Opened.read("original", tmp_path / "m.onnx", {}),
        Opened.read("mended", tmp_path / "mended.onnx", {}),
    )


def test_what_a_mend_took_out_and_put_in(pair):
    result, original, mended = pair
    assert roles_of_original(result, original, mended, []) == {"relu2": ("replaced", "RKM101")}
    assert roles_of_mended(original, mended) == {
        "relu2/rkmend/neg": ("new", "RKM101"),
        "relu2/rkmend/abs": ("new", "RKM101"),
        "relu3": ("changed", ""),
    }


def test_a_culprit_is_one_whatever_became_of_it(pair):
    result, original, mended = pair
    result.culprits = (Culprit(("relu2", "not in it"), ("Relu", "Relu"), "by the log", {}),)
    result.findings = (Finding("RKM203", "crop", ("relu2",), {}, "message"),)
    roles = roles_of_original(result, original, mended, [found("RKM101", "relu2"), found("RKM601", "relu0")])
    assert roles == {"relu2": ("culprit", "RKM203"), "relu0": ("finding", "RKM601")}


def test_of_several_findings_the_first_is_shown(pair):
    result, original, _ = pair
    roles = roles_of_original(result, original, None, [found("RKM101", "relu0"), found("RKM601", "relu0")])
    assert roles == {"relu0": ("finding", "RKM101")}


def test_a_tail_is_no_mend(pair):
    result, original, mended = pair
    result.mends, result.tail = (), Tail(("relu2", "relu4"), (), (), "why")
    roles = roles_of_original(result, original, mended, [])
    assert (roles["relu2"], roles["relu4"]) == (("tail", ""), ("tail", ""))


def test_without_the_original_only_the_marks_of_mends_are_known(pair):
    _, _, mended = pair
    assert set(roles_of_mended(None, mended)) == {"relu2/rkmend/neg", "relu2/rkmend/abs"}


def test_a_node_is_changed_when_an_attribute_is(tmp_path):
    def leaky(alpha: float, path: str) -> Opened:
        made = node("LeakyRelu", "x", "y", "l", alpha=alpha)
        onnx.save(model([made], [value("x", [4])], [value("y", [4])]), tmp_path / path)
        return Opened.read("original", tmp_path / path, {})

    one, other = leaky(0.1, "one.onnx"), leaky(0.2, "other.onnx")
    assert roles_of_mended(one, other) == {"l": ("changed", "")}
    assert roles_of_mended(one, leaky(0.1, "same.onnx")) == {}


def test_the_subgraph_of_a_mend_has_the_neighbours(pair):
    result, original, mended = pair
    ((before, after),) = subgraphs(result, original, mended).values()
    assert before == (1, 2, 3)
    assert after == (1, 2, 3, 4)


def test_of_a_mend_of_what_a_mend_put_in_the_original_node_is_drawn(pair):
    result, original, mended = pair
    result.mends = (mend("RKM101", "relu2/rkmend/earlier"),)
    ((before, after),) = subgraphs(result, original, mended).values()
    assert (before, after) == ((1, 2, 3), (1, 2, 3, 4))


def test_a_mend_of_the_whole_model_draws_what_it_put_in_and_no_more(pair):
    result, original, mended = pair
    result.mends = (mend("RKM009"), mend("RKM101"))
    assert subgraphs(result, original, mended) == {0: ((), ()), 1: ((), (1, 2, 3, 4))}
    assert subgraphs(result, None, None) == {0: ((), ()), 1: ((), ())}


def test_what_is_shown_first(pair):
    _, original, _ = pair
    assert focus_of({}, original) == ()
    assert focus_of({"relu0": ("finding", "RKM101")}, original) == ()
    assert focus_of({"relu0": ("culprit", "")}, original) == (0, 1, 2, 3)


def test_drawings_stay_small(tmp_path):
    onnx.save(chain(500), tmp_path / "m.onnx")
    opened = Opened.read("original", tmp_path / "m.onnx", {})
    everywhere = tuple(opened.ids)
    assert len(focus_of(dict.fromkeys(everywhere, ("culprit", "")), opened)) == MOST
    result = conversion(tmp_path / "m.onnx", Status.MENDED, mends=(mend("RKM101", *everywhere),))
    assert len(subgraphs(result, opened, None)[0][0]) == MEND_MOST
