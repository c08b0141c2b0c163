from __future__ import annotations

import platform

import pytest

from rkmend.repro import private


@pytest.fixture
def somebody(monkeypatch):
    """A user with a name and a home of their own, on a machine that is called something."""
    monkeypatch.setenv("LOGNAME", "mei.lin")
    monkeypatch.setenv("HOME", "/data/people/mei.lin")
    monkeypatch.setattr(platform, "node", lambda: "board-7")
    private._pattern.cache_clear()
    yield
    private._pattern.cache_clear()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("E load /data/people/mei.lin/net.onnx", "E load ~/net.onnx"),
        ("'/home/bob/net.onnx', '/Users/eve/x'", "'~/net.onnx', '~/x'"),
        ("/root/.cache/rkmend and /root", "~/.cache/rkmend and ~"),
        ("host board-7, user mei.lin.", "host ~, user ~."),
        ("/scratch/mei.lin/x", "/scratch/~/x"),
        (
            "root of the graph, /rooted/x, Conv:/home_1/conv",
            "root of the graph, /rooted/x, Conv:/home_1/conv",
        ),
        ("board-70 and mei.linda", "board-70 and mei.linda"),
    ],
)
def test_what_is_private_goes_and_the_rest_stays(somebody, text, left):
    assert private.redact(text) == left
    assert private.redact(left) == left
