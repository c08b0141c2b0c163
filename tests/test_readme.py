"""The examples in the README run, and say what the README says they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
CONSOLE = [
    (command, shown)
    for command, shown in re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", README)
    if not command.startswith("rkmend convert")  # test_seed.py runs that one
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

pytestmark = pytest.mark.toolkit


@pytest.mark.parametrize(("command", "shown"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_console_example(toolkit, tmp_path, command, shown):
    program, *arguments = command.split()
    assert program == "rkmend"
    done = subprocess.run(
        [sys.executable, "-m", "rkmend", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    if first := shown.split("\n")[0]:
        assert done.stdout.startswith(first)


@pytest.mark.parametrize("code", PYTHON)
def test_python_example(toolkit, low_seed, tmp_path, code):
    """On a smaller model that fails alike: the example with the seed model runs as a command above."""
    shutil.copy(low_seed, tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mended ['")


def test_every_command_of_the_help_is_in_the_readme():
    from rkmend.cli.main import COMMANDS

    for name in COMMANDS:
        assert re.search(rf"`rkmend {name}[ `]", README)
