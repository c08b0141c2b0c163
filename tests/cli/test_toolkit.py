"""`rkmend toolkit`."""

import sys

import pytest
from click.testing import CliRunner

from rkmend.cli.toolkit import command, install_progress
from rkmend.errors import EnvironmentFailure, InputError
from rkmend.toolkit.environments import supported_versions


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments: str, answer: str = ""):
    return CliRunner().invoke(command, arguments, input=answer)


def test_list(cache):
    result = run("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line[2:7] for line in lines[:4]] == list(supported_versions())
    assert [line[0] for line in lines[:4]] == [" ", " ", "*", " "]
    assert all(line.endswith("not installed") for line in lines[:4])


def test_doctor_with_nothing_wrong(cache):
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "FAIL" not in result.output


def test_doctor_says_what_mends_and_exits_with_3(cache):
    result = run("doctor", "2.5.0")
    assert result.exit_code == 3
    assert "FAIL environment: there is none\n       mend: rkmend toolkit install 2.5.0" in result.output


def test_remove_asks(cache):
    folder = cache / "toolkits" / "2.3.0-cp311"
    folder.mkdir(parents=True)
    assert run("remove", "2.3.0", answer="n\n").exit_code == 1
    assert folder.exists()
    assert "was removed" in run("remove", "2.3.0", answer="y\n").output
    assert not folder.exists()
    assert "is not installed" in run("remove", "2.3.0", "--yes").output


def test_install_of_an_unknown_version(cache):
    result = run("install", "1.7", "--force")
    assert isinstance(result.exception, InputError)


def test_install_on_a_machine_that_cannot_have_one(cache, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    result = run("install")
    assert isinstance(result.exception, EnvironmentFailure)
    assert result.exception.exit_code == 3


def test_progress_without_a_terminal_is_a_line_a_step(capsys):
    with install_progress() as progress:
        for text, fraction in (("one", 0.0), ("one", 0.2), ("two", 0.5)):
            progress(text, fraction)
    assert capsys.readouterr().err == "  0% one\n 50% two\n"


def test_progress_on_a_terminal_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    with install_progress():
        pass
    assert capsys.readouterr().err == ""  # nothing is shown for an environment that is ready
    with install_progress() as progress:
        progress("fetching torch", 0.5)
    assert "fetching torch" in capsys.readouterr().err


@pytest.mark.toolkit
def test_install_of_what_is_there(toolkit):
    result = run("install", toolkit.version)
    assert result.exit_code == 0
    assert result.stdout == f"RKNN-Toolkit2 {toolkit.version} is ready: {toolkit.python}\n"
