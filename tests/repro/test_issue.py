"""The issue: complete, the same in both languages, and nothing of the user's in it."""

from __future__ import annotations

import dataclasses
import re

import msgspec
import pytest
from reductions import certificate, ran, reduction

from rkmend.diagnose.reduction.record import Proviso
from rkmend.repro.issue import INLINE_BYTES, Issue, issue_text
from rkmend.repro.words import CHINESE, ENGLISH


def issue(**changes) -> Issue:
    facts = {
        "target": "rk3588",
        "version": "2.3.2",
        "script": "repro.py",
        "code": "print('the code')\n",
        "run": "python repro.py",
        "made": True,
        "environment": {"Python": "3.11.7", "OS": "Debian", "numpy": "1.26.4"},
    }
    return Issue(**{**facts, **changes})


def halves(text: str) -> tuple[str, str]:
    english, chinese = text.split("\n---\n")
    return english, chinese


def test_both_languages_have_the_same_sections_and_facts():
    for half in halves(issue_text(reduction(), issue())):
        assert len(re.findall("^## ", half, re.MULTILINE)) == 5
        assert "| conv | Conv | float32 [1, 384, 3, 1198]; float32 [128, 384, 1, 1] |" in half
        assert "kernel_shape=[1, 1], pads=[0, 0, 1, 0]" in half
        assert (
            "build: SIGABRT: Failed to config layer" in half and "Failed to config layer: 'Conv:conv'" in half
        )
        assert "`1 -> 0`" in half and "`1198 -> 1197`" in half and "2.3.2" in half and "rkmend 0.1.0" in half


def test_the_languages_say_it_in_their_own_words():
    english, chinese = halves(issue_text(reduction(), issue()))
    assert "crashes" in english and "`pads[2] of 'conv'`: `1 -> 0`" in english
    assert "进程崩溃" in chinese and "`conv` 的 `pads[2]`：`1 -> 0`" in chinese
    prose = re.sub(r"`[^`]*`|```.*?```|^\|.*$", "", chinese, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"[\u4e00-\u9fff][,:;()!?]|[,:;()!?][\u4e00-\u9fff]", prose), (
        "half-width punctuation"
    )


def test_every_sentence_has_the_same_blanks_in_both_languages():
    for field in dataclasses.fields(ENGLISH):
        english, chinese = getattr(ENGLISH, field.name), getattr(CHINESE, field.name)
        if isinstance(english, str):
            blanks = [sorted(set(re.findall(r"{(\w+)", text))) for text in (english, chinese)]
            assert blanks[0] == blanks[1], field.name


@pytest.mark.parametrize(
    ("phrase", "chinese"),
    [
        ("node 'conv' (Conv)", "节点 `conv`（Conv）"),
        ("axis 2 of 'x'", "`x` 第 2 维的大小"),
        ("axis 1 of 'x' by groups", "`x` 第 1 维的大小"),
        ("bypassed by its input 'x'", "旁路，直接使用输入 `x`"),
        ("all 0", "全部置 0"),
        ("3 -> 1", "`3 -> 1`"),
        ("removed nodes of a kind not met yet", "`removed nodes of a kind not met yet`"),
    ],
)
def test_phrases_of_the_certificate_in_chinese(phrase, chinese):
    assert CHINESE.phrase(phrase) == chinese and ENGLISH.phrase(phrase) == f"`{phrase}`"


def test_the_title_is_one_short_line():
    head = next(line for line in issue_text(reduction(), issue()).splitlines() if line.startswith("# "))
    assert (
        head
        == "# RKNN-Toolkit2 2.3.2 for rk3588 crashes on Conv: Failed to config layer: 'Conv:conv', Fatal Error"
    )
    seen = ran(message="E " + "long " * 100)
    text = issue_text(reduction(baseline=(seen,), final=()), issue())
    assert len(next(line for line in text.splitlines() if line.startswith("# "))) <= 122


def test_a_short_script_is_inside_and_a_long_one_is_attached_only():
    assert "print('the code')" in issue_text(reduction(), issue())
    assert "xxxx" not in issue_text(reduction(), issue(code="x" * INLINE_BYTES))


def test_at_most_twelve_attempts_are_named_and_the_rest_is_counted():
    many = tuple(Proviso(f"size {i} of 'x'", "2 -> 1", certificate()[1].observation, "") for i in range(20))
    for half in halves(issue_text(reduction(certificate=many), issue())):
        assert len(re.findall(r"^\* ", half, re.MULTILINE)) == 12 and re.search(r"\b8 (more|项)", half)


def test_what_is_not_known_is_not_said():
    told = reduction(certificate=(), minimal=False, flaky=0.5)
    english, chinese = halves(issue_text(told, issue(made=False, environment={})))
    assert ENGLISH.tried not in english and CHINESE.tried not in chinese
    assert ENGLISH.cause not in english and ENGLISH.weights not in english
    assert ENGLISH.not_minimal in english and ENGLISH.minimal not in english and "50%" in english


def test_the_cause_stands_in_both_languages():
    english, chinese = halves(issue_text(reduction(), issue(cause="pad > kernel", cause_zh="填充大于卷积核")))
    assert "pad > kernel" in english and "填充大于卷积核" in chinese and "pad > kernel" not in chinese


@pytest.mark.parametrize("name", ["a|b", "`a`", "```", "a\nb"])
def test_odd_names_do_not_break_the_page(name):
    node = msgspec.structs.replace(reduction().nodes[0], name=name)
    seen = ran(message=f"E {name}")
    text = issue_text(reduction(nodes=(node,), baseline=(seen,), final=()), issue())
    rows = [line for line in text.splitlines() if line.startswith("| ") and "Conv" in line]
    assert len(rows) == 2 and all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    fence = next(line for line in text.splitlines() if line.endswith("```text"))
    assert fence.removesuffix("text") not in f"E {name}"


def test_paths_of_the_user_are_not_in_it():
    seen = ran(message="E load_onnx: /home/alice/secret/net.onnx and /root/x.onnx")
    text = issue_text(reduction(baseline=(seen,), final=()), issue())
    assert "alice" not in text and "/root" not in text and "~/secret/net.onnx and ~/x.onnx" in text
