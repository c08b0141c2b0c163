"""The interpreter is found by running it."""

import platform
import sys
from pathlib import Path

import pytest

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit import interpreters
from rkmend.toolkit.pins import pins_for

HERE = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with a `python3.12` that prints an error, as a version manager leaves on PATH."""
    path = tmp_path / "bin" / "python3.12"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n")
    path.chmod(0o755)
    return path


def test_probe_of_the_running_interpreter():
    found = interpreters.probe(sys.executable)
    assert found is not None
    assert (found.version, found.implementation) == (HERE, "CPython")
    assert found.tag == "cp" + HERE.replace(".", "")


def test_what_does_not_run_is_no_interpreter(stand_in, tmp_path):
    assert interpreters.probe(stand_in) is None
    assert interpreters.probe(tmp_path / "nothing") is None
    assert interpreters.probe("/bin/echo") is None


def test_the_running_interpreter_is_preferred(monkeypatch):
    monkeypatch.delenv(interpreters.OVERRIDE, raising=False)
    pins = pins_for()
    if HERE not in pins.pythons:
        pytest.skip("the toolkit has no wheels for the Python that runs the tests")
    assert interpreters.choose(pins).path == Path(sys.executable)


def test_a_stand_in_is_passed_over(monkeypatch, stand_in):
    monkeypatch.delenv(interpreters.OVERRIDE, raising=False)
    real = stand_in.parent.parent / "real"
    real.mkdir()
    (real / f"python{HERE}").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{real}")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = interpreters.choose(pins_for())
    assert found.version == HERE


def test_none_at_all(monkeypatch, stand_in):
    monkeypatch.delenv(interpreters.OVERRIDE, raising=False)
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(
        EnvironmentFailure, match=r"(?s)none found.*needs CPython 3\.10, 3\.11, 3\.12.*RKMEND_TOOLKIT_PYTHON"
    ):
        interpreters.choose(pins_for())


def test_the_override_wins_or_fails(monkeypatch, stand_in):
    monkeypatch.setenv(interpreters.OVERRIDE, str(stand_in))
    with pytest.raises(EnvironmentFailure, match="not a Python that runs"):
        interpreters.choose(pins_for())


def test_a_version_that_has_no_wheels_for_this_python(monkeypatch):
    """Says which it has."""
    from msgspec.structs import replace

    monkeypatch.setenv(interpreters.OVERRIDE, sys.executable)
    with pytest.raises(EnvironmentFailure, match=rf"(?s)is CPython {HERE}.*needs CPython 3\.6"):
        interpreters.choose(replace(pins_for(), pythons=("3.6",)))


@pytest.mark.parametrize(
    ("system", "machine", "libc", "version", "words"),
    [
        ("win32", "AMD64", ("", ""), "2.3.2", "Linux on x86_64 and aarch64 only"),
        ("darwin", "arm64", ("", ""), "2.3.2", "Linux on x86_64 and aarch64 only"),
        ("linux", "riscv64", ("glibc", "2.36"), "2.3.2", "this is .* riscv64"),
        ("linux", "aarch64", ("glibc", "2.36"), "2.2.0", "Linux on x86_64 only"),
        ("linux", "x86_64", ("glibc", "2.17"), "2.3.2", "glibc 2.28 or newer; this has glibc 2.17"),
        ("linux", "x86_64", ("", ""), "2.3.2", "another C library"),
    ],
)
def test_platforms_without_wheels(monkeypatch, system, machine, libc, version, words):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    with pytest.raises(EnvironmentFailure, match=rf"(?s){words}.*needs no trial still works.*container"):
        interpreters.check_platform(pins_for(version))


def test_a_platform_with_wheels(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    interpreters.check_platform(pins_for())
