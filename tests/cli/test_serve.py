"""`rkmend serve` where it cannot begin."""

from __future__ import annotations

import socket
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from rkmend.cli import serve
from rkmend.errors import InputError


def invoke(*arguments: str):
    return CliRunner().invoke(serve.command, ["--no-open", *arguments], standalone_mode=False)


def test_missing_packages_are_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr(serve, "NEEDED", ("starlette", "no_such_package"))
    error = invoke().exception
    assert isinstance(error, InputError)
    assert "no_such_package" in error.message and "pip install 'rkmend[web]'" in error.hint


def test_nothing_of_the_server_is_imported_before_it_is_needed():
    code = "import sys, rkmend.cli.serve; print([m for m in ('starlette', 'uvicorn') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_port_in_use_is_said_to_be(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        error = invoke("--port", port, "--data", str(tmp_path / "data")).exception
    assert isinstance(error, InputError) and port in error.message and "--port" in error.hint


def test_an_address_that_is_none():
    error = invoke("--host", "evil.example").exception
    assert isinstance(error, InputError) and "127.0.0.1" in error.hint


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none(port):
    assert isinstance(invoke("--port", port).exception, click.UsageError)


def test_another_address_is_warned_of(tmp_path):
    """TEST-NET-1 is nobody's, so that nothing is served there."""
    result = invoke("--host", "192.0.2.1", "--data", str(tmp_path / "data"))
    assert isinstance(result.exception, InputError) and "cannot listen" in result.exception.message
    assert "other machines can reach the page" in result.stderr
