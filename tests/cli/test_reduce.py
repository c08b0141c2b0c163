"""`rkmend reduce` as a user meets it: check commands of all kinds, bad input, interruptions."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest
from graphs import model, node, value
from models import x_xt_in_a_chain

from rkmend.cli.main import main

LACKS_SIGMOID = """sh -c '! grep -qa Sigmoid "$0"' {}"""
"""Exit status 1 when the model has a Sigmoid."""


def row(*types: str, shape=(1, 6)) -> onnx.ModelProto:
    names = ["x", *(f"v{number}" for number in range(1, len(types))), "y"]
    nodes = [node(kind, names[i], names[i + 1], f"n{i}") for i, kind in enumerate(types)]
    return model(nodes, [value("x", shape)], [value("y", shape)], opset=12)


def sh(script: str) -> str:
    """A check command that runs a script with the model as $1."""
    return f"sh -c {shlex.quote(script)} check {{}}"


def record_of(out: Path) -> dict:
    return json.loads((out / "reduction.json").read_text())


def operators(out: Path) -> list[str]:
    return [facts["operator"] for facts in record_of(out)["nodes"]]


@pytest.fixture
def rkmend(monkeypatch, capsys, tmp_path):
    """Runs the command line on a model; gives exit status, stdout and stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: object, proto: onnx.ModelProto | None = None) -> tuple[int, str, str]:
        if proto is not None:
            onnx.save(proto, tmp_path / "m.onnx")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["rkmend", "reduce", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_any_command(rkmend, tmp_path):
    proto = row("Relu", "Abs", "Sigmoid", "Neg", "Tanh")
    status, out, err = rkmend("m.onnx", "--check", LACKS_SIGMOID, proto=proto)
    assert status == 0
    assert out.startswith("reduced: ") and "5 nodes -> 1" in out and "Sigmoid" in out
    assert "1 node left" in err
    assert operators(tmp_path / "m.repro") == ["Sigmoid"]
    assert {path.name for path in (tmp_path / "m.repro").iterdir()} >= {"repro.onnx", "repro.sh", "log.txt"}


def test_quiet(rkmend):
    status, _, err = rkmend("m.onnx", "--check", LACKS_SIGMOID, "-q", proto=row("Sigmoid"))
    assert (status, err) == (0, "")


def test_only_what_is_asked_for_is_the_failure(rkmend, tmp_path):
    script = sh('grep -qa Tanh "$1" && echo no tanh && exit 4; grep -qa Sigmoid "$1" && exit 3; exit 0')
    proto = row("Relu", "Sigmoid", "Tanh", "Neg")
    for number, option in enumerate([("--fail-code", 4), ("--fail-regex", "no t.nh"), ("--fail-code", 3)]):
        status, out, err = rkmend("m.onnx", "--check", script, *option, "--out", f"o{number}", proto=proto)
        if option[1] == 3:  # Tanh is met first
            assert status == 1
            assert "fails on the model, but not in the way that was asked for: exit 4\nno tanh" in err
            assert "--fail-regex" in err and not (tmp_path / f"o{number}").exists()
        else:
            assert status == 0 and operators(tmp_path / f"o{number}") == ["Tanh"]
            (other,) = record_of(tmp_path / f"o{number}")["other_failures"] or [None]
            assert other is None or "Other failures seen" in out


def test_never_fails(rkmend, tmp_path):
    status, _, err = rkmend("m.onnx", "--check", "true {}", proto=row("Relu"))
    assert status == 1 and "the model does not fail: exit 0, in each of 3 runs" in err and "help:" in err
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_always_fails(rkmend, tmp_path):
    """Reduced to what any model has, and said to be no fault of the model."""
    status, out, _ = rkmend("m.onnx", "--check", "false {}", proto=row("Relu", "Tanh", "Neg"))
    assert status == 0 and operators(tmp_path / "m.repro")[1:] == []
    assert "Doubt" in out and "every model that was tried fails in this way" in out
    assert "check command" in record_of(tmp_path / "m.repro")["doubt"]


def test_hangs(rkmend, tmp_path):
    script = sh('grep -qa Sigmoid "$1" && sleep 60; exit 0')
    began = time.monotonic()
    status, out, _ = rkmend(
        "m.onnx", "--check", script, "--trial-seconds", 1, proto=row("Relu", "Sigmoid", shape=[1])
    )
    assert status == 0 and operators(tmp_path / "m.repro") == ["Sigmoid"]
    assert record_of(tmp_path / "m.repro")["failure"] == "time limit" and "time limit" in out
    assert time.monotonic() - began < 30


def test_prints_without_end(rkmend, tmp_path):
    script = sh('grep -qa Sigmoid "$1" && yes sigmoid | head -c 100000000 && exit 3; exit 0')
    status, _, _ = rkmend("m.onnx", "--check", script, proto=row("Sigmoid", shape=[1]))
    assert status == 0 and record_of(tmp_path / "m.repro")["failure"] == "exit 3"
    assert sum(path.stat().st_size for path in (tmp_path / "m.repro").iterdir()) < 1 << 20


def test_vanishes(rkmend, tmp_path):
    script = sh(f"[ -e {tmp_path}/again ] && exit 0; touch {tmp_path}/again; exit 3")
    status, _, err = rkmend("m.onnx", "--check", script, proto=row("Relu"))
    assert (
        status == 1 and "the failure vanished: it was seen once (exit 3) and in none of 7 other runs" in err
    )
    assert not (tmp_path / "m.repro").exists()


def test_every_other_run_fails(rkmend, tmp_path):
    count = f"echo >> {tmp_path}/runs; [ $(($(wc -l < {tmp_path}/runs) % 2)) = 0 ]"
    script = sh(f'{count} && grep -qa Sigmoid "$1" && exit 3; exit 0')
    status, out, _ = rkmend("m.onnx", "--check", script, "--jobs", 1, proto=row("Relu", "Sigmoid"))
    assert status == 0 and operators(tmp_path / "m.repro") == ["Sigmoid"]
    record = record_of(tmp_path / "m.repro")
    assert record["flaky"] == 0.5 and record["repetitions"] == 5
    assert "failed this way in 50% of its runs" in out
    assert len(record["baseline"]) == len(record["final"]) == 8


def test_the_budget(rkmend, tmp_path):
    proto = row(*["Relu", "Abs"] * 8, "Sigmoid", *["Neg"] * 8)
    status, out, _ = rkmend("m.onnx", "--check", LACKS_SIGMOID, "--budget", 5, "--jobs", 1, proto=proto)
    record = record_of(tmp_path / "m.repro")
    assert status == 0 and "not shown: the budget of 5 trials is spent" in out
    assert not record["minimal"] and record["unfinished"] and record["certificate"] == []
    assert "Sigmoid" in operators(tmp_path / "m.repro") and len(record["final"]) == 3
    assert not (tmp_path / "m.repro" / ".reduction").exists()


def test_minimal_already(rkmend, tmp_path):
    assert rkmend("m.onnx", "--check", LACKS_SIGMOID, proto=row("Relu", "Sigmoid"))[0] == 0
    status, out, _ = rkmend("m.repro/repro.onnx", "--check", LACKS_SIGMOID, "--out", "again")
    assert status == 0 and out.startswith("reproducer: ") and "1 node -> 1" in out
    assert record_of(tmp_path / "again")["steps"] == []


@pytest.mark.parametrize("branch", ["then_branch", "else_branch"])
def test_a_culprit_in_a_branch_of_an_if(rkmend, tmp_path, branch):
    def body(kind: str, name: str) -> onnx.GraphProto:
        nodes = [node("Relu", "r", f"{name}_r", f"{name}_relu"), node(kind, f"{name}_r", f"{name}_y", name)]
        return onnx.helper.make_graph(nodes, name, [], [value(f"{name}_y", [1, 6])])

    kinds = {"then_branch": "Neg", "else_branch": "Neg", branch: "Sigmoid"}
    bodies = {attribute: body(kind, attribute) for attribute, kind in kinds.items()}
    nodes = [node("Abs", "x", "r", "abs"), node("If", "c", "z", "if", **bodies), node("Neg", "z", "y", "neg")]
    inputs = [value("x", [1, 6]), value("c", [], onnx.TensorProto.BOOL)]
    proto = model(nodes, inputs, [value("y", [1, 6])], opset=12)
    status, _, _ = rkmend("m.onnx", "--check", LACKS_SIGMOID, proto=proto)
    assert status == 0 and operators(tmp_path / "m.repro") == ["Sigmoid"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "no-such-program {}"], "the check command no-such-program does not exist"),
        (["--check", "true"], "the check command has no {}"),
        (["--check", "true {}", "--fail-regex", "("], "is no regular expression"),
        (["--check", "true {}", "--budget", "soon"], "'soon' is no budget"),
        (["--check", "true {}", "--trial-seconds", "0"], "--trial-seconds"),
        (["--check", "true {}", "--toolkit", "2.3.2"], "--toolkit"),
        (["--check", "true {}", "--target", "rk3588"], "either a target or a check command"),
        ([], "either a target or a check command"),
        (["--target", "rk3588", "--fail-code", "3"], "--fail-code"),
        (["--target", "rk9999"], "rk9999"),
        (["--check", "false {}", "--out", "full"], "the output folder full is not empty"),
        (["--check", "false {}", "--input", "z=1x6"], "z"),
    ],
)
def test_usage(rkmend, tmp_path, arguments, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    status, _, err = rkmend("m.onnx", *arguments, proto=row("Relu"))
    assert status == 2 and message in err and "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"m.onnx", "full"}


def test_damaged_and_missing_models(rkmend, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x08nonsense")
    for name in ("bad.onnx", "missing.onnx"):
        status, _, err = rkmend(name, "--check", "false {}")
        assert status == 2 and name in err and "help:" in err and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]


def test_dynamic_inputs(rkmend, tmp_path):
    proto = row("Relu", "Sigmoid", shape=["batch", 6])
    status, _, err = rkmend("m.onnx", "--check", LACKS_SIGMOID, proto=proto)
    assert status == 2 and "--input x=" in err
    assert rkmend("m.onnx", "--check", LACKS_SIGMOID, "--input", "x=2x6")[0] == 0
    assert operators(tmp_path / "m.repro") == ["Sigmoid"]


def test_force_replaces_results(rkmend, tmp_path):
    assert rkmend("m.onnx", "--check", LACKS_SIGMOID, proto=row("Sigmoid"))[0] == 0
    assert rkmend("m.onnx", "--check", LACKS_SIGMOID)[0] == 2
    assert rkmend("m.onnx", "--check", sh('! grep -qa Tanh "$1"'), "--force", proto=row("Tanh"))[0] == 0
    assert operators(tmp_path / "m.repro") == ["Tanh"]


def descendants(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rkmend", "reduce", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


PROMPT = 10
"""Seconds in which an interrupted run has ended: it takes less than one, on a machine under load several."""


def interrupt(front: subprocess.Popen[str], number: int) -> tuple[str, float]:
    """Sends a signal when something was adopted; what was said after that, and the seconds it took to end."""
    for line in front.stderr:
        if re.search(r"left, \d+ trials?.*: ", line):
            break
    else:
        pytest.fail("nothing was adopted")
    family = descendants(front.pid)
    front.send_signal(number)
    began = time.monotonic()
    _, rest = front.communicate(timeout=60)
    seconds = time.monotonic() - began
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() - began < PROMPT:
        time.sleep(0.02)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    return rest, seconds


SLOW = sh('sleep 0.15; ! grep -qa Sigmoid "$1"')


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    """A folder with a model and the results of its reduction."""
    folder = tmp_path_factory.mktemp("whole")
    onnx.save(row("Relu", "Abs", "Neg", "Sigmoid", "Tanh", "Neg"), folder / "m.onnx")
    start(folder, "m.onnx", "--check", SLOW).communicate(timeout=60)
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_goes_on_where_it_was_interrupted(uninterrupted, tmp_path, rkmend, number):
    shutil.copy(uninterrupted / "m.onnx", tmp_path)
    front = start(tmp_path, "m.onnx", "--check", SLOW, "--out", "out")
    said, seconds = interrupt(front, number)
    assert seconds < PROMPT
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".reduction"]
    if number != signal.SIGKILL:
        assert front.returncode == 130 and "Traceback" not in said
        assert "the smallest model so far is kept in out: the same command goes on from there" in said
    status, _, err = rkmend("m.onnx", "--check", SLOW, "--fail-code", 1, "--out", "out")
    assert status == 2 and "holds an unfinished reduction" in err and "--force" in err
    status, out, err = rkmend("m.onnx", "--check", SLOW, "--out", "out")
    assert status == 0 and "going on where the last run was interrupted" in err and ", resumed" in out
    whole, resumed = record_of(uninterrupted / "m.repro"), record_of(tmp_path / "out")
    assert resumed["resumed"] and not whole["resumed"]
    assert resumed["trials"] < whole["trials"]
    for same in ("nodes", "failure", "minimal"):
        assert resumed[same] == whole[same]
    assert resumed["steps"][0] == whole["steps"][0]
    files = [folder / "repro.onnx" for folder in (uninterrupted / "m.repro", tmp_path / "out")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not (tmp_path / "out" / ".reduction").exists()


@pytest.mark.toolkit
def test_ctrl_c_with_the_toolkit(toolkit, tmp_path):
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    arguments = ("m.onnx", "--target", "rk3588", "--no-cache", "--out", "out")
    front = start(tmp_path, *arguments)
    said, seconds = interrupt(front, signal.SIGINT)
    assert front.returncode == 130 and seconds < PROMPT and "Traceback" not in said
    again = start(tmp_path, *arguments)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert ", resumed" in out and operators(tmp_path / "out") == ["Transpose", "MatMul"]
