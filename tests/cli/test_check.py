"""The command, and its four forms as recorded: `RKMEND_RECORD=1 pytest tests/cli/test_check.py` renews them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import onnx
import pytest
from click.testing import CliRunner, Result

from check_models import MODELS
from rkmend.cli.check import FORMATS, command
from rkmend.cli.main import group
from rkmend.errors import InputError
from rkmend.report.schema import check_schema

RECORDED = Path(__file__).parents[1] / "fixtures" / "check"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, make in MODELS.items():
        onnx.save(make(), tmp_path / f"{name}.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rkmend_check(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--isolated"])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_as_recorded(name: str, form: str) -> None:
    result = rkmend_check(f"{name}.onnx", "--target", "rk3588,rk3576", "--format", form)
    recorded = RECORDED / f"{name}.{form}.{'json' if form == 'json' else 'txt'}"
    if "RKMEND_RECORD" in os.environ:
        recorded.write_text(result.stdout)
    assert result.stdout == recorded.read_text()
    assert result.exit_code == (0 if name == "hostile" else 1)


@pytest.mark.usefixtures("folder")
def test_json_keeps_to_its_schema() -> None:
    done = json.loads(
        rkmend_check("seed.onnx", "decoder.onnx", "--target", "rk3588", "--format", "json").stdout
    )
    jsonschema.validate(done, check_schema())
    assert {found["model"] for found in done["findings"]} == {"seed.onnx", "decoder.onnx"}
    assert {"model", "code", "name", "level", "target", "nodes", "facts", "message", "mend"} <= set(
        done["findings"][0]
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", ["full", "concise", "github"])
def test_names_of_a_model_command_neither_the_terminal_nor_github(form: str) -> None:
    text = rkmend_check("hostile.onnx", "--target", "rk3588", "--format", form).stdout
    assert "owned" in text
    assert "\x1b" not in text
    assert not any(line.startswith("::error") for line in text.splitlines())


@pytest.mark.usefixtures("folder")
def test_exit_zero() -> None:
    assert rkmend_check("seed.onnx", "--target", "rk3588", "--exit-zero").exit_code == 0


@pytest.mark.usefixtures("folder")
def test_ignored_rules_do_not_count() -> None:
    result = rkmend_check("seed.onnx", "--target", "rk3588", "--ignore", "RKM101")
    assert result.exit_code == 0 and "RKM101" not in result.stdout


def test_settings_name_target_and_rules(folder: Path) -> None:
    (folder / "rkmend.toml").write_text('target = "rk3588,rk3576"\nignore = ["RKM101"]\n')
    result = CliRunner().invoke(command, ["seed.onnx"])
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("folder")
def test_without_a_target() -> None:
    result = rkmend_check("seed.onnx")
    assert result.exit_code == 2 and "--target" in result.output


def test_of_several_models_one_that_cannot_be_read_does_not_hide_the_others(folder: Path) -> None:
    (folder / "broken.onnx").write_bytes(b"\x08")
    result = rkmend_check("broken.onnx", "seed.onnx", "--target", "rk3588", "--format", "concise")
    assert result.exit_code == 2
    assert "RKM101" in result.stdout and "broken.onnx" in result.stderr


def test_fix(folder: Path) -> None:
    result = rkmend_check("seed.onnx", "--target", "rk3588", "--fix")
    assert result.exit_code == 0, result.output
    assert "untried" in result.stdout and "output-padding (RKM101)" in result.stdout
    assert (folder / "seed.checked.onnx").exists()
    again = rkmend_check("seed.onnx", "--target", "rk3588", "--fix")
    assert isinstance(again.exception, InputError) and "exists" in again.exception.message
    assert rkmend_check("seed.onnx", "--target", "rk3588", "--fix", "--force").exit_code == 0


@pytest.mark.usefixtures("folder")
def test_fix_never_replaces_the_model_itself() -> None:
    result = rkmend_check("seed.onnx", "--target", "rk3588", "--fix", "--force", "--out", "seed.onnx")
    assert isinstance(result.exception, InputError) and "the model itself" in result.exception.message


def test_the_group_knows_it() -> None:
    result = CliRunner().invoke(group, ["check", "--help"])
    assert "Exit status: 0 no errors, 1 errors, 2 usage or bad input." in result.output
