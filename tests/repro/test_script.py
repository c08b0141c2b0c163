"""The scripts as text: formatted, plain, and safe whatever a model or a log is called."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys

import numpy as np
import onnx_ir as ir
import pytest
from reductions import ran, reduction

from rkmend.graph import TensorSpec
from rkmend.repro.script import Setting, python_script, shell_script
from rkmend.repro.weights import Made
from rkmend.toolkit.options import BuildOptions

INPUTS = [TensorSpec("x", "float32", (1, 3, 224, 224)), TensorSpec("mask", "int64", (1, 7))]
WEIGHTS = [
    Made(ir.tensor(np.ones((64, 3, 3), np.float32)), None),
    Made(ir.tensor(np.ones(8, np.float16)), 0.1),
]
OPTIONS = BuildOptions(
    quantize=True,
    disable_rules=("fuse_pad_into_conv", "a_rule"),
    op_target={"y": "cpu"},
    mean_values=((1.0, 2.0, 3.0),),
    std_values=((4.0, 5.0, 6.0),),
)


def setting(**changes) -> Setting:
    facts = {
        "target": "rk3588",
        "version": "2.3.2",
        "options": BuildOptions(),
        "inputs": INPUTS,
        "weights": [],
        "stored": False,
    }
    return Setting(**{**facts, **changes})


def failing(outcome: str, message: str = "E the decisive line"):
    return reduction(failure="f", baseline=(ran("f", outcome, message),), final=())


@pytest.mark.parametrize(
    ("outcome", "options", "weights", "stored"),
    list(itertools.product(["aborted", "wrong"], [BuildOptions(), OPTIONS], [[], WEIGHTS], [True, False])),
)
def test_every_form_is_formatted_and_has_no_loose_ends(outcome, options, weights, stored):
    text = python_script(failing(outcome), setting(options=options, weights=weights, stored=stored))
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--check", "--line-length=110"],
        ["check", "--select=E,F,I,UP", "--line-length=110"],
    ):
        done = subprocess.run(
            [*ruff, *command, "--isolated", "--no-cache", "-"],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + text
    assert len(text.splitlines()) < (80 if outcome == "aborted" and not options.quantize else 140)


def test_it_imports_nothing_but_the_library_numpy_and_the_toolkit():
    text = python_script(failing("wrong"), setting(options=OPTIONS, weights=WEIGHTS))
    imported = set()
    for found in ast.walk(ast.parse(text)):
        if isinstance(found, ast.Import):
            imported |= {name.name for name in found.names}
        elif isinstance(found, ast.ImportFrom):
            imported.add(found.module)
    assert imported == {"sys", "pathlib", "numpy", "rknn.api", "onnxruntime"}


def test_a_script_for_a_crash_needs_no_numpy_of_its_own():
    assert "numpy as np" not in python_script(failing("aborted"), setting())


def test_only_options_that_differ_are_passed():
    config = ast.unparse(_call(python_script(failing("aborted"), setting()), "config"))
    assert config == "rknn.config(target_platform='rk3588')"
    changed = _call(python_script(failing("aborted"), setting(options=OPTIONS)), "config")
    passed = {keyword.arg: ast.literal_eval(keyword.value) for keyword in changed.keywords}
    assert passed == {
        "target_platform": "rk3588",
        "disable_rules": ["fuse_pad_into_conv", "a_rule"],
        "op_target": {"y": "cpu"},
        "mean_values": [[1.0, 2.0, 3.0]],
        "std_values": [[4.0, 5.0, 6.0]],
    }


@pytest.mark.parametrize("version", ["2.2.0", "2.3.2", "9.9.9"])
def test_the_docstring_says_how_to_run_it(version):
    said = ast.get_docstring(ast.parse(python_script(failing("hung"), setting(version=version))))
    assert f"pip install rknn-toolkit2=={version}" in said and "python repro.py" in said
    assert ("setuptools==" in said) == (version != "9.9.9")
    assert "does not finish" in said and "the decisive line" in said


@pytest.mark.parametrize(
    "message",
    ['"""', "\\", 'ends with "', "\\N{x} \\u12", "a\nb", "$HOME ${x} %s {y}", "x" * 500, "名字 'é'"],
)
def test_no_message_breaks_a_script(message):
    text = python_script(failing("aborted", message), setting())
    assert "Happens:" in ast.get_docstring(ast.parse(text))
    lines = shell_script(failing("exit 1", message), []).splitlines()
    assert lines[1].startswith("# ") and lines[2].startswith("cd ")


def _call(script: str, method: str) -> ast.Call:
    calls = [found for found in ast.walk(ast.parse(script)) if isinstance(found, ast.Call)]
    return next(call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == method)
