"""The commands of the page run, and the environment is that of the conversion."""

from __future__ import annotations

import shlex
from importlib import import_module

import onnx
from graphs import linear, model, node, value
from page_results import refused, results

from rkmend.graph import TensorSpec
from rkmend.records import Status
from rkmend.report.page.results import Results
from rkmend.report.page.surroundings import commands, environment, node_commands
from rkmend.toolkit.options import BuildOptions


def understood(command: str) -> dict[str, object]:
    """What the command line makes of it."""
    program, name, *words = shlex.split(command)
    assert program == "rkmend"
    context = import_module(f"rkmend.cli.{name}").command.make_context(name, words)
    return context.params


def test_every_command_is_understood(tmp_path):
    made = refused(linear(tmp_path / "my model.onnx"), "mm")
    told = commands(made)
    assert len(told) == 4
    for one in told:
        params = understood(one.command)
        assert str(params.get("model", params.get("models"))).count("my model.onnx") == 1, one.command
        assert params.get("target", params.get("targets")), one.command
    assert [one.title.en for one in told][1] == "The smallest model that fails alike"


def test_the_commands_of_a_mended_model(mended_results):
    made = Results.read(mended_results)
    told = {one.title.en: one.command for one in commands(made)}
    for command in told.values():
        understood(command)
    assert (
        understood(told["The same mends on a newer model, without a search"])["recipe"].name
        == "net.recipe.toml"
    )
    original, mended = node_commands(made.conversion)
    params = understood(f"{mended.before}{shlex.quote('a b')}{mended.after}")
    assert (params["node"], params["model"].name) == ("a b", "net.mended.onnx")
    assert understood(f"{original.before}x{original.after}")["inputs"] == ("image=1x3x16x16",)


def test_shapes_constants_and_calibration_are_in_the_command(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Relu", "x", "y", "r")], [value("x", [])], [value("y", [])]), path)
    constants = (TensorSpec("sr", "int64", ()),)
    made = results(path, constants=constants, options=BuildOptions(quantize=True))
    told = commands(made)[0].command
    assert "--input x=scalar" in told and "--constant sr=VALUE" in told and "--quantize DATASET" in told


def test_the_environment_names_what_judged(mended_results):
    facts = {fact.name: fact.value for fact in environment(Results.read(mended_results))}
    assert facts["target"] == "rk3588" and facts["build options"] == "defaults"
    assert facts["RKNN-Toolkit2"].startswith("2.3.2 (")
    assert facts["rknn-toolkit2"] == "2.3.2"  # from the environment itself: it is still here


def test_the_packages_of_an_environment_that_is_gone_are_not_guessed(tmp_path):
    made = results(linear(tmp_path / "m.onnx"))
    assert [fact.name for fact in environment(made)] == ["rkmend", "target", "RKNN-Toolkit2", "build options"]


def test_the_reproducer_remembers_the_packages(tmp_path):
    made = results(linear(tmp_path / "m.onnx"))
    repro = made.folder / "repro"
    repro.mkdir()
    (repro / "environment.txt").write_text("Python: 3.11.7\nno fact\nnumpy: 1.26.4\n")
    made.conversion.files["repro"] = str(repro)
    facts = environment(made)
    assert [(fact.name, fact.value) for fact in facts[4:]] == [("Python", "3.11.7"), ("numpy", "1.26.4")]


def test_no_toolkit(tmp_path):
    made = results(linear(tmp_path / "m.onnx"), Status.ENVIRONMENT)
    assert [fact.name for fact in environment(made)] == ["rkmend", "target", "build options"]
    assert "--toolkit" not in commands(made)[0].command
