from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorded_logs import RECORDED, recorded
from rkmend.toolkit.log_clean import clean


@pytest.mark.parametrize(
    ("pasted", "lines"),
    [
        ("\x1b[1;31mE\x1b[0m \x1b[1;31mbuild: no\x1b[0m", ["E build: no"]),
        ("[1;31mE[0m [1;31mbuild: no[0m", ["E build: no"]),
        ("^[[31mE build: no^[[0m", ["E build: no"]),
        (
            "\rI Loading :   0%|    | 0/2\rI Loading : 100%|████| 2/2\nnext",
            ["I Loading : 100%|████| 2/2", "next"],
        ),
        ("\rI Loading : 50%\r   \nnext", ["I Loading : 50%", "next"]),
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("one\rtwo", ["one", "two"]),
        ("> E build: no\n> more", ["E build: no", "more"]),
        (">> E build: no", ["E build: no"]),
        (">>> rknn.build()", ["rknn.build()"]),
        ("web-1  | 2024-05-01T12:00:00.123Z E build: no", ["E build: no"]),
        ("[2024-05-01 12:00:00,123] E build: no", ["E build: no"]),
        ("May  1 12:00:00 host python[12]: E build: no", ["E build: no"]),
        ("E RKNN: [12:00:00.000] &gt;&gt; &#39;a&#39; &amp;lt;", ["E RKNN: [12:00:00.000] >> 'a' <"]),
        ("<pre><code>E build: no<br/>more</code></pre>", ["E build: no", "more"]),
        ("E build: ‘a’ “b” ＇c＇ 【", ["E build: 'a' \"b\" 'c' 【"]),
        ("E\u00a0build:\u3000no\u200b", ["E build: no"]),
        ("\ufeffE build: no", ["E build: no"]),
        (
            "I Loading : 100%|██| 2/2 [00:00<00:00, 92it/s]E load_onnx: no",
            ["I Loading : 100%|██| 2/2 [00:00<00:00, 92it/s]", "E load_onnx: no"],
        ),
        (
            "I SessionPreparing :   0%|  | 0/3 [00:00<?, ?it/s]scale_inf.shape error!",
            ["I SessionPreparing :   0%|  | 0/3 [00:00<?, ?it/s]", "scale_inf.shape error!"],
        ),
        (
            "E RKNN: [12:00:00.000] a E RKNN: [12:00:00.001] b",
            ["E RKNN: [12:00:00.000] a", "E RKNN: [12:00:00.001] b"],
        ),
    ],
)
def test_takes_away_what_a_paste_adds(pasted: str, lines: list[str]) -> None:
    assert clean(pasted) == lines


def test_leaves_the_arrows_of_the_compiler_alone() -> None:
    line = "D RKNN: [12:00:00.000] >>>>>> start: rknn::RKNNTilingPass"
    assert clean(line) == [line]
    assert clean(">>>>>> start: rknn::RKNNTilingPass") == [">>>>>> start: rknn::RKNNTilingPass"]


@pytest.mark.parametrize("name", RECORDED)
def test_is_idempotent_on_logs(name: str) -> None:
    once = clean(recorded(name), pasted=False)
    assert clean("\n".join(once), pasted=False) == once


@pytest.mark.parametrize("name", RECORDED)
def test_a_log_that_was_not_folded_keeps_its_lines(name: str) -> None:
    """Records are never joined, apart from a message whose own second line follows the widest line of the log."""
    straight = clean(recorded(name), pasted=False)
    joined = len(straight) - len(clean(recorded(name)))
    second_lines = sum(
        line.startswith("name: ") or "If you need more consistent" in line for line in straight
    )
    assert joined <= second_lines


@given(st.text())
@settings(deadline=None)  # the first call compiles the patterns
def test_any_text_is_cleaned(text: str) -> None:
    lines = clean(text)
    assert all("\n" not in line and line == line.rstrip() for line in lines)
