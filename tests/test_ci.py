"""What others run in CI: the action's script, the hook, the workflow, and what the documentation says of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import yaml

from check_models import MODELS

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PAGE = (ROOT / "docs" / "ci.md").read_text()
INSTALL, CHECK = ACTION["runs"]["steps"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Models in folders, one with blanks and letters of a shell in its name, and rkmend where the action puts it."""
    (tmp_path / "models" / "deep er").mkdir(parents=True)
    onnx.save(MODELS["seed"](), tmp_path / "models" / "seed.onnx")
    onnx.save(MODELS["hostile"](), tmp_path / "models" / "deep er" / "$(touch owned); a b.onnx")
    bin_ = tmp_path / "runner" / "rkmend" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "rkmend").symlink_to(Path(sys.executable).parent / "rkmend")
    return tmp_path


def run(repository: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """The script step with its inputs as GitHub fills them in: the defaults, and what is given."""
    inputs = {name: about.get("default", "") for name, about in ACTION["inputs"].items()} | given
    filled = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)
        for name, text in CHECK["env"].items()
    }
    environment = {**os.environ, **filled, "RUNNER_TEMP": str(repository / "runner")}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", CHECK["run"]]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)


def test_the_script_checks_what_the_patterns_stand_for(repository):
    done = run(repository, models="models/**/*.onnx\n", targets="rk3588", sarif="out.sarif", junit="out.xml")
    assert done.returncode == 1, done.stderr
    assert "::error file=models/seed.onnx" in done.stdout and "deep er" in done.stdout
    assert (repository / "out.sarif").exists() and (repository / "out.xml").exists()


def test_nothing_in_an_input_is_read_as_a_command(repository):
    hostile = "$(touch owned)`touch owned`; touch owned"
    for name in ACTION["inputs"]:
        if name not in ("python", "requirement"):
            run(repository, **{"models": "models/*.onnx", "targets": "rk3588", name: hostile})
    run(repository, models="models/deep er/*.onnx", targets="rk3588")
    assert not list(repository.rglob("owned"))


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"models": "models/seed.onnx", "fail-on": "never"}, 0),
        ({"models": "models/deep er/*.onnx"}, 0),
        ({"models": "models/deep er/*.onnx", "fail-on": "warning"}, 1),
        ({"models": "nothing/*.onnx"}, 2),
        ({"models": "models/seed.onnx", "format": "concise", "language": "zh"}, 1),
        ({"models": "models/seed.onnx", "ignore": "RKM101", "inputs": "x=1x384x126x1198"}, 0),
    ],
)
def test_exit_statuses_of_the_script(repository, inputs, status):
    done = run(repository, targets="rk3588", **inputs)
    assert done.returncode == status, done.stdout + done.stderr


def test_the_target_may_stand_in_the_settings(repository):
    (repository / "rkmend.toml").write_text('target = "rk3588"\n')
    assert run(repository, models="models/seed.onnx").returncode == 1


def named_in_table(head: str) -> set[str]:
    """What the first column of a table of the page names."""
    rows = PAGE[PAGE.index(head) :].split("\n\n")[0].splitlines()
    return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}


def test_no_input_stands_in_a_script():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"] and step["shell"] == "bash"


def test_every_input_is_used_and_documented():
    used = {name for step in ACTION["runs"]["steps"] for text in step["env"].values()
            for name in re.findall(r"inputs\.([a-z-]+)", text)}  # fmt: skip
    assert used == set(ACTION["inputs"])
    table = PAGE[PAGE.index("| input |") : PAGE.index("Inputs reach the script")]
    assert (
        set(re.findall(r"`([a-z-]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:] if row)))
        == used
    )
    assert all(about["description"] for about in ACTION["inputs"].values())


def test_the_workflow_uses_inputs_that_there_are():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "rkmend-example.yml").read_text())
    (step,) = [step for step in workflow["jobs"]["check"]["steps"] if step.get("uses") == "./"]
    assert set(step["with"]) <= set(ACTION["inputs"])


def test_the_entry_of_the_hook_runs(repository):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    command = [sys.executable, "-m", *hook["entry"].split(), "--target", "rk3588", "models/seed.onnx"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 1 and "RKM101" in done.stdout
    assert re.search(hook["files"], "models/seed.onnx") and not re.search(hook["files"], "seed.onnx.txt")


@pytest.mark.slow
def test_pre_commit_runs_the_hook(tmp_path):
    """As `pre-commit try-repo` has it: this repository cloned, installed into an environment of its own, and run."""
    pytest.importorskip("pre_commit")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "rkmend")], check=True)
    work = tmp_path / "work"
    work.mkdir()
    onnx.save(MODELS["seed"](), work / "seed.onnx")
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    subprocess.run(["git", "add", "seed.onnx"], cwd=work, check=True)
    (work / "rkmend.toml").write_text('target = "rk3588"\n')
    command = [
        sys.executable,
        "-m",
        "pre_commit",
        "try-repo",
        str(tmp_path / "rkmend"),
        "rkmend-check",
        "--all-files",
    ]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Failed" in done.stdout and "RKM101 padding-beyond-kernel" in done.stdout
    shutil.rmtree(tmp_path / "home")


@pytest.mark.parametrize("status", [0, 1, 2, 3, 130])
def test_the_exit_statuses_stand_in_one_place(status):
    assert re.search(rf"^\| {status} \|", PAGE, re.MULTILINE)


def test_every_kind_of_event_is_documented():
    from typing import get_args

    import msgspec

    from rkmend.report.events import AnyEvent

    kinds = {msgspec.inspect.type_info(kind).tag for kind in get_args(AnyEvent)}
    table = PAGE[PAGE.index("| kind |") : PAGE.index("`elapsed` is")]
    assert (
        set(
            re.findall(
                r"`([a-z-]+)`", "\n".join(row.split("|")[1] for row in table.splitlines() if "|" in row)
            )
        )
        == kinds
    )
