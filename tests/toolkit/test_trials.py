"""Trials on the real toolkit: the verdicts that a single exit status cannot tell, and the memory of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from models import NO_RULES, conv

from rkmend.graph import digest_ir, load
from rkmend.records import Status
from rkmend.targets import load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.lookahead import Stop
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.trials import Trials
from rkmend.toolkit.verdict import Outcome, Stage

pytestmark = pytest.mark.toolkit
RNG = np.random.default_rng(0)


@pytest.fixture
def converted(convert, tmp_path):
    def converted(proto: onnx.ModelProto):
        onnx.save(proto, tmp_path / "m.onnx")
        return convert(tmp_path / "m.onnx", out=tmp_path / "out", rules=NO_RULES)

    return converted


def trial(path: Path, toolkit, target: str = "rk3588") -> Trial:
    return Trial("a label", path, digest_ir(load(path).ir), load_target(target), toolkit)


def test_a_build_with_register_overflows_is_unsound(converted, tmp_path):
    """8400 channels do not fit a 13-bit register: the build returns 0 and exports a file that fails on the board."""
    weights = {"w": RNG.standard_normal((8400, 1, 3, 3)).astype(np.float32)}
    nodes = [node("Conv", "x w", "y", "conv", kernel_shape=[3, 3], pads=[1] * 4, group=8400)]
    shape = [1, 8400, 4, 4]
    result = converted(model(nodes, [value("x", shape)], [value("y", shape)], weights, opset=12))
    assert result.first_verdict.outcome is Outcome.UNSOUND
    assert result.status is Status.REFUSED and "REGTASK" in str(result.first_verdict.signature)
    assert not (tmp_path / "out" / "m.rknn").exists()


def test_a_model_that_computes_something_else_is_wrong(converted):
    """ConvTranspose with output_shape: the toolkit pads the wrong end and says nothing."""
    weights = {"w": RNG.standard_normal((4, 4, 3, 3)).astype(np.float32)}
    nodes = [
        node("ConvTranspose", "x w", "y", "up", kernel_shape=[3, 3], strides=[2, 2], output_shape=[16, 16])
    ]
    inputs, outputs = [value("x", [1, 4, 8, 8])], [value("y", [1, 4, 16, 16])]
    result = converted(model(nodes, inputs, outputs, weights, opset=12))
    assert result.first_verdict.outcome is Outcome.WRONG and result.first_verdict.stage is Stage.DONE
    assert result.status is Status.REFUSED and not result.verification[0].ok
    assert Path(result.files["unverified"]).exists() and "rknn" not in result.files


def test_an_output_that_the_toolkit_drops_is_missed(converted):
    """A constant output is removed without a word: two outputs become one."""
    nodes = [node("Relu", "x", "y", "relu"), node("Identity", "c", "z", "identity")]
    outputs = [value("y", [1, 4]), value("z", [2])]
    result = converted(model(nodes, [value("x", [1, 4])], outputs, {"c": np.ones(2, np.float32)}))
    assert result.first_verdict.outcome is Outcome.WRONG
    assert not any(check.samples[0].shape_ok for check in result.verification)


def test_a_trial_is_remembered_and_a_fresh_one_is_not(toolkit, workers, tmp_path):
    path = conv(tmp_path / "m.onnx")
    cache = TrialCache(tmp_path / "cache")
    for run, remembered in enumerate((False, True)):
        with Trials(tmp_path / str(run), cache=cache, workers=workers) as trials:
            done = trials.run(trial(path, toolkit))
            assert done.verdict.cached is remembered
            assert done.rknn.read_bytes()[:4] == b"RKNN" and "RKNN" in done.log.read_text()
            assert not trials.run(trial(path, toolkit), fresh=True).verdict.cached
    other = trial(path, toolkit, "rk3566")
    assert other.key != trial(path, toolkit).key


def test_a_trial_over_its_time_is_hung(toolkit, workers, tmp_path):
    path = conv(tmp_path / "m.onnx", channels=128, size=512, out=128)
    with Trials(tmp_path / "t", limits=Limits(seconds=0.3), workers=workers) as trials:
        done = trials.run(trial(path, toolkit))
    assert done.verdict.outcome is Outcome.HUNG and not done.rknn.exists()
    assert not (done.log.parent / "work").exists()


def test_a_compiler_that_prints_for_ever_is_ended_long_before_its_time(toolkit, workers, tmp_path):
    """Tiling of a kernel of 31 with dilation 2 on rk3576 never ends and prints some megabytes a second."""
    weights = {"w": RNG.standard_normal((93, 1, 31, 31)).astype(np.float32)}
    attributes = {"kernel_shape": [31, 31], "dilations": [2, 2], "pads": [3, 19, 11, 19], "strides": [7, 7]}
    nodes = [node("Conv", "x w", "y", "conv", **attributes)]
    onnx.save(
        model(nodes, [value("x", [1, 1, 217, 217])], [value("y", [1, 93, 25, 28])], weights, opset=13),
        tmp_path / "m.onnx",
    )
    with Trials(tmp_path / "t", limits=Limits(seconds=300, log_mb=1), workers=workers) as trials:
        done = trials.run(trial(tmp_path / "m.onnx", toolkit, "rk3576"))
    assert done.verdict.outcome is Outcome.HUNG and "log limit" in done.verdict.message
    assert done.verdict.seconds < 150


def test_the_compilers_table_is_read(toolkit, workers, tmp_path):
    with Trials(tmp_path / "t", workers=workers) as trials:
        verdict = trials.run(trial(conv(tmp_path / "m.onnx"), toolkit)).verdict
    assert [layer.op_type for layer in verdict.layers] == ["InputOperator", "Conv", "OutputOperator"]
    assert verdict.layers[1].target == "NPU" and verdict.layers[1].name == "Conv:conv"
    assert verdict.cycles == verdict.layers[1].cycles > 0 and verdict.memory_kb["weight"] > 0


@pytest.fixture(scope="module")
def two(toolkit, tmp_path_factory):
    """Trials on two workers, both of them warm."""
    meet = threading.Barrier(2, timeout=60)

    def borrow():
        with trials._workers.borrow(toolkit, Stop()) as worker:
            worker.await_ready()
            meet.wait()

    with Trials(tmp_path_factory.mktemp("two"), parallel=2) as trials:
        threads = [threading.Thread(target=borrow) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield trials


def test_several_at_once_come_in_order(two, toolkit, tmp_path, monkeypatch):
    """The first is the slowest."""
    paths = [
        conv(tmp_path / f"{n}.onnx", channels=64, size=96 if n == 0 else 8 + n, out=64) for n in range(5)
    ]
    asked = [trial(path, toolkit) for path in paths]
    told = []
    monkeypatch.setattr(two, "watch", lambda one, verdict: told.append((one, verdict)))
    seen = list(two.observe(asked))
    assert [done.trial for done in seen] == asked and two.done[-5:] == seen
    assert [one for one, verdict in told if verdict] == asked == [one for one, verdict in told if not verdict]
    numbers = [int(done.log.parent.name.split("-")[0]) for done in seen]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert all(done.verdict.converted and done.rknn.stat().st_size > 1000 for done in seen)


def test_what_is_closed_leaves_nothing(two, toolkit, tmp_path, monkeypatch):
    cache = TrialCache(tmp_path / "cache")
    monkeypatch.setattr(two, "cache", cache)
    small = trial(conv(tmp_path / "small.onnx", size=48), toolkit)
    big = trial(conv(tmp_path / "big.onnx", channels=128, size=512, out=128), toolkit)
    before = set(two.folder.iterdir())
    running = two.observe([small, big, big])
    first = next(running)
    started = time.monotonic()
    running.close()
    assert time.monotonic() - started < 1
    assert set(two.folder.iterdir()) == {*before, first.log.parent}
    assert two.done[-1] is first
    assert cache.get(big.key, Limits(), tmp_path / "log", tmp_path / "rknn") is None
    started = time.monotonic()
    two.run(small, fresh=True)
    assert time.monotonic() - started < 1.5  # on a worker that is still warm: an import takes 2.4 s and more


FRONT = """
import signal, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from rkmend.targets import load_target
from rkmend.toolkit.environments import ensure
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Trials
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path(sys.argv[1])
trial = Trial("big", folder / "m.onnx", "x", load_target("rk3588"), ensure())
with Trials(folder / "t", parallel=2) as trials:
    try:
        for done in trials.observe([trial] * 9):
            print("done", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("when", ["importing", "at work"])
def test_ctrl_c_ends_all_at_once(toolkit, tmp_path, when):
    conv(tmp_path / "m.onnx", channels=128, size=256, out=128)
    front = subprocess.Popen(
        [sys.executable, "-c", FRONT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if when == "importing":
        while not list((tmp_path / "t").glob("*")):
            time.sleep(0.05)
        time.sleep(0.3)
    else:
        assert front.stdout.readline() == "done\n"
    family = [int(pid) for pid in Path(f"/proc/{front.pid}/task/{front.pid}/children").read_text().split()]
    front.send_signal(signal.SIGINT)
    started = time.monotonic()
    out, err = front.communicate(timeout=60)
    assert time.monotonic() - started < 10  # takes less than one second, more on a machine under load
    assert out.endswith("interrupted\n") and not err
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
