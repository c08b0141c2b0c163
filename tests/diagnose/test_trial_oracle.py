"""The toolkit as an oracle, on the real one."""

from __future__ import annotations

import os
import signal
import threading
import time

import onnx
import onnx_ir as ir
import pytest
from models import chain, conv, x_xt_in_a_chain

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import BudgetSpent, Candidate
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.errors import EnvironmentFailure
from rkmend.graph import digest_ir
from rkmend.npz import write_npz
from rkmend.targets import load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits, Reference, Sample
from rkmend.toolkit.trials import Trials

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def trials(toolkit, tmp_path_factory):
    with Trials(tmp_path_factory.mktemp("trials"), parallel=2) as trials:
        yield trials


@pytest.fixture
def oracle(trials, toolkit, tmp_path):
    trials.limits, trials.cache = Limits(), None
    return TrialOracle(
        trials, load_target("rk3588"), toolkit, BuildOptions(), tmp_path / "scratch", budget=Budget()
    )


def candidate(proto: onnx.ModelProto, label: str = "a label") -> Candidate:
    return Candidate(ir.from_proto(proto), label)


def big(folder) -> Candidate:
    """Takes seconds."""
    return candidate(onnx.load(conv(folder / "big.onnx", channels=128, size=512, out=128)))


def test_good_and_bad_candidates_in_order(oracle, trials, tmp_path):
    protos = [x_xt_in_a_chain(), onnx.load(conv(tmp_path / "m.onnx")), x_xt_in_a_chain()]
    bad, good, again = (observation for _, observation in oracle.observe(map(candidate, protos)))
    assert bad.outcome == "aborted" and "SIGSEGV" in bad.failure and bad.cycles is None
    assert (good.outcome, good.failure) == ("converted", None) and good.cycles > 0 and good.seconds > 0
    assert again.failure == bad.failure and again.record == bad.record
    assert [bad.cached, good.cached, again.cached] == [False, False, True]
    assert (trials.folder / bad.record / "log.txt").exists()
    assert not list((tmp_path / "scratch").iterdir())  # hundreds of candidates would fill the disk
    assert (oracle.budget.spent, oracle.budget.remembered) == (2, 1)


def test_a_fresh_question_always_runs(oracle):
    first = oracle.ask(candidate(chain(3)))
    assert oracle.ask(candidate(chain(3), "another label")).record == first.record
    again = oracle.ask(candidate(chain(3)), fresh=True)
    assert again.record != first.record and not again.cached
    assert (oracle.budget.spent, oracle.budget.remembered) == (2, 1)


def test_what_another_run_found_is_free(oracle, trials, tmp_path):
    trials.cache = TrialCache(tmp_path / "cache")
    oracle.ask(candidate(chain(4)))
    other = TrialOracle(
        trials, oracle._target, oracle._toolkit, BuildOptions(), tmp_path / "other", budget=Budget(trials=1)
    )
    seen = []
    with pytest.raises(BudgetSpent):
        for _, observation in other.observe(candidate(chain(n)) for n in (4, 5, 6)):
            seen.append(observation.cached)
    assert seen == [True, False]


def test_a_candidate_over_the_limit_is_hung(oracle, trials, tmp_path):
    baseline = oracle.ask(candidate(chain(2)))
    oracle.adapt(baseline)
    assert oracle.limits.seconds == 10
    oracle.limits = Limits(0.3)
    assert oracle.ask(big(tmp_path)).outcome == "hung"
    hung = type(baseline)("build: hung", "hung", "", 900.0, cached=False, record="")
    oracle.adapt(hung)
    assert oracle.limits.seconds == 20
    assert oracle.budget.spent == 3  # the least model, too


def test_a_wrong_result_is_found_by_the_simulator(oracle, tmp_path):
    """Held against numbers that Relu does not give."""
    import numpy as np

    def reference_for(model, path):
        folder = path.with_suffix("")
        folder.mkdir()
        write_npz(folder / "in.npz", [("input0", np.ones((1, 4), np.float32))])
        write_npz(folder / "out.npz", [("output0", np.array([[1, -1, 1, -1]], np.float32))])
        sample = Sample("ones", folder / "in.npz", folder / "out.npz")
        return Reference(digest_ir(model), ("y",), (sample,))

    assert oracle.ask(candidate(chain(1))).outcome == "converted"
    oracle.reference_for = reference_for
    seen = oracle.ask(candidate(chain(1)))
    assert (seen.outcome, seen.failure) == ("wrong", "simulate: wrong")
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize("times", [1, 2])
def test_killed_from_outside_says_nothing_of_the_model(oracle, trials, tmp_path, times):
    """Once: it is run again. Twice: that is said, and not taken for a failure."""
    before = set(trials.folder.iterdir())

    def kill():
        struck: set = set()
        until = time.monotonic() + 30
        while len(struck) < times and time.monotonic() < until:
            for folder in set(trials.folder.iterdir()) - before - struck:
                at_work = [w._child for w in trials._workers._hired[oracle._toolkit] if w._child]
                if at_work and (folder / "diary.jsonl").exists():
                    os.kill(at_work[0], signal.SIGKILL)
                    struck.add(folder)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    if times == 1:
        assert oracle.ask(big(tmp_path)).outcome == "converted"
    else:
        with pytest.raises(EnvironmentFailure, match="killed from outside, twice") as told:
            oracle.ask(big(tmp_path))
        assert "memory" in told.value.hint
    killer.join()


def test_ctrl_c_ends_what_runs(oracle, trials, tmp_path):
    list(oracle.observe(candidate(chain(n)) for n in (7, 8)))
    seconds = 0.0
    running = oracle.observe([big(tmp_path), candidate(chain(9)), big(tmp_path)])
    try:
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
        started = time.monotonic()
        next(running)
    except KeyboardInterrupt:
        seconds = time.monotonic() - started
    assert 0 < seconds < 2
    assert not list((tmp_path / "scratch").iterdir())
    assert oracle.budget.spent == 2
