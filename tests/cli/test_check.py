"""The command, and its forms as recorded."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import onnx
import pytest
from click.testing import CliRunner, Result

from check_models import MODELS
from golden import check_golden
from rkmend.cli.check import FORMATS, command
from rkmend.cli.main import group
from rkmend.errors import InputError
from rkmend.report.schema import check_schema

RECORDED = Path(__file__).parents[1] / "fixtures" / "check"


ENDINGS = {"json": "json", "sarif": "json", "junit": "xml"}


def _without_pages(sarif: str) -> str:
    """The pages of the rules and the version are other tests' business."""
    log = json.loads(sarif)
    driver = log["runs"][0]["tool"]["driver"]
    driver["semanticVersion"] = "VERSION"
    for rule in driver["rules"]:
        rule["help"] = dict.fromkeys(rule["help"], "PAGE")
    return json.dumps(log, indent=1) + "\n"


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
    recorded = RECORDED / f"{name}.{form}.{ENDINGS.get(form, 'txt')}"
    check_golden(recorded, _without_pages(result.stdout) if form == "sarif" else result.stdout)
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


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("model", "fail_on", "status"),
    [
        ("seed", "error", 1), ("seed", "never", 0),
        ("hostile", "error", 0), ("hostile", "warning", 1), ("hostile", "advice", 1), ("hostile", "never", 0),
    ],
)  # fmt: skip
def test_fail_on_says_which_findings_count(model: str, fail_on: str, status: int) -> None:
    assert rkmend_check(f"{model}.onnx", "--target", "rk3588", "--fail-on", fail_on).exit_code == status


def test_files_for_machines_besides_the_story(folder: Path) -> None:
    files = ["--sarif", "a.sarif", "--junit", "a.xml"]
    result = rkmend_check("seed.onnx", "--target", "rk3588", *files)
    assert result.stdout == (RECORDED / "seed.full.txt").read_text().replace("rk3588, rk3576", "rk3588")
    for form, file in (("sarif", "a.sarif"), ("junit", "a.xml")):
        printed = rkmend_check("seed.onnx", "--target", "rk3588", "--format", form).stdout
        assert (folder / file).read_text() == printed


@pytest.mark.parametrize("form", FORMATS)
def test_output_takes_what_would_be_printed(folder: Path, form: str) -> None:
    arguments = ["seed.onnx", "--target", "rk3588", "--format", form]
    printed = rkmend_check(*arguments)
    written = rkmend_check(*arguments, "--output", "out.txt")
    assert written.stdout == "" and written.exit_code == printed.exit_code
    assert (folder / "out.txt").read_text() == printed.stdout


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("option", ["--output", "--sarif", "--junit"])
def test_no_file_for_machines_replaces_a_model(option: str) -> None:
    before = Path("seed.onnx").read_bytes()
    result = rkmend_check("seed.onnx", "--target", "rk3588", option, "seed.onnx")
    assert isinstance(result.exception, InputError) and "the model itself" in result.exception.message
    assert Path("seed.onnx").read_bytes() == before


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", ["full", "concise", "github", "sarif", "junit"])
def test_in_chinese_the_facts_are_the_same(form: str) -> None:
    arguments = ["seed.onnx", "decoder.onnx", "--target", "rk3588", "--format", form]
    english, chinese = (rkmend_check(*arguments, "--lang", language) for language in ("en", "zh"))
    assert chinese.exit_code == english.exit_code == 1
    assert "卷积核" in chinese.stdout and "Conv" in chinese.stdout and "卷积核" not in english.stdout
    for kept in ("RKM101", "/lila2/conv/conv/Conv", "decoder.onnx"):
        assert kept in chinese.stdout and kept in english.stdout


@pytest.mark.usefixtures("folder")
def test_the_locale_says_which_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "1 个错误" in rkmend_check("seed.onnx", "--target", "rk3588").stdout
    assert "1 error" in rkmend_check("seed.onnx", "--target", "rk3588", "--lang", "en").stdout
