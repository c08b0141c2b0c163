"""The story of every kind of reduction."""

from __future__ import annotations

import click
import msgspec
import pytest
from reductions import certificate, converted, other, ran, reduction

from rkmend.diagnose.reduction.record import Proviso, Reduction
from rkmend.report.reduction_story import MOST_ELEMENTS, progress_line, story


def told(result: Reduction) -> str:
    text = click.unstyle(story(result))
    assert max(map(len, text.splitlines())) <= 110
    return text


def flat(result: Reduction) -> str:
    return " ".join(told(result).split())


def test_the_verdict_comes_first_and_the_files_last():
    text = told(reduction(files={"repro": "out/repro.onnx", "issue": "out/issue.md"}))
    head, *_, tail = text.split("\n\n")
    assert head.startswith(
        "reduced: net.onnx, 60 nodes -> 1, 8.6 MB -> 192 KB; RKNN-Toolkit2 2.3.2 for rk3588"
    )
    assert (
        "out/repro.onnx" in tail and "40 trials (3 more remembered, 7 candidates" in tail and "12.5 s" in tail
    )


def test_what_is_left_and_why():
    text = flat(reduction())
    assert "Conv conv, in the model as given /lila2/conv/Conv" in text
    assert "float32 [1, 384, 3, 1198], float32 [128, 384, 1, 1] -> float32 [1, 128, 4, 1198]" in text
    assert "kernel_shape=[1, 1], pads=[0, 0, 1, 0]" in text
    assert "pads[2] of 'conv': 1 -> 0 does not fail" in text
    assert "width of 'x': 1198 -> 1197 does not fail; 1198 -> 1 fails in another way" in text
    assert "1 element without a valid simpler form" in text
    assert "yes: none of 3 single changes keeps the failure; 1 more would give no valid model" in text
    assert (
        "the model as given: failed this way in 3 of 3 runs the reproducer: failed this way in 3 of 3" in text
    )


def test_a_reduction_that_was_ended_says_so():
    text = flat(
        reduction(minimal=False, unfinished="The budget of 40 trials is spent.", certificate=(), final=())
    )
    assert "Minimal: not shown: The budget of 40 trials is spent. It fails like" in text
    assert "was not run again" in text and "Why nothing can go" not in text


def test_a_long_certificate_is_cut_and_counted():
    many = tuple(
        Proviso(f"size {number} of 'x'", "2 -> 1", converted(), "") for number in range(MOST_ELEMENTS + 5)
    )
    assert "and 5 more elements, in reduction.json" in told(reduction(certificate=many))


def test_many_nodes_are_cut_and_counted():
    node = reduction().nodes[0]
    nodes = tuple(msgspec.structs.replace(node, name=f"conv{number}") for number in range(11))
    text = told(reduction(nodes=nodes, nodes_after=11))
    assert "conv7" in text and "conv8" not in text and "and 3 more" in text


def test_other_failures_and_flaky_ones():
    runs = (ran(), converted(), ran(), converted())
    result = reduction(
        baseline=runs, flaky=0.5, repetitions=5, other_failures=tuple(map(other, range(1, 7))), resumed=True
    )
    text = flat(result)
    assert "in 2 of 4 runs" in text and "in 50% of its runs" in text and "after 5 runs without it" in text
    assert "4 x build: ValueError: kind 4; first: without node 'relu', other-4.onnx" in text
    assert "kind 5" not in text and "and 2 more" in text and "resumed" in text


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("aborted", "the toolkit crashes: Failed to config layer"),
        ("exit 3", "the check fails (exit 3): Failed"),
    ],
)
def test_who_failed_and_how(outcome, said):
    assert said in flat(reduction(baseline=(ran(outcome=outcome),), final=()))


def test_a_failure_without_a_word_is_told_by_its_signature():
    assert "crashes: build: SIGABRT: Failed" in flat(reduction(baseline=(ran(message=""),), final=()))


def test_a_model_that_was_minimal_already():
    text = told(reduction(nodes_before=1, certificate=certificate()[1:]))
    assert text.startswith("reproducer: net.onnx, 1 node -> 1")


@pytest.mark.parametrize("doing", ["node 'relu' (Relu): removed", "x" * 300, "two\nlines"])
def test_progress_is_one_line(doing):
    line = progress_line(1, 340, 12, 754.2, doing)
    assert len(line) <= 100 and len(line.splitlines()) == 1
    assert line.split()[:8] == ["12:34", "1", "node", "left,", "340", "trials", "+", "12"]
