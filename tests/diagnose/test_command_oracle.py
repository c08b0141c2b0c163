"""Any command as an oracle: what counts as the failure, what is remembered, and what is refused."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import onnx
import onnx_ir as ir
import pytest
from models import chain

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.command_oracle import CommandOracle
from rkmend.diagnose.oracle import BudgetSpent, Candidate
from rkmend.errors import InputError
from rkmend.toolkit.trial import Limits


@pytest.fixture
def make(tmp_path):
    """An oracle; a script is run by sh, with the candidate as $1."""
    made = []

    def oracle(script: str, **more) -> CommandOracle:
        command = more.pop("command", f"sh -c {shlex.quote(script)} check {{}}")
        settings = {"limits": Limits(20), "budget": Budget(), "scratch": tmp_path / f"s{len(made)}", **more}
        made.append(CommandOracle(command, **settings))
        return made[-1]

    yield oracle
    for one in made:
        one.__exit__()


def candidate(length: int = 1) -> Candidate:
    return Candidate(ir.from_proto(chain(length)), f"{length} nodes")


@pytest.mark.parametrize(
    ("script", "settings", "failure", "outcome"),
    [
        ("true", {}, None, "exit 0"),
        ("exit 3", {}, "exit 3", "exit 3"),
        ("kill -SEGV $$", {}, "signal 11 (SIGSEGV)", "signal 11 (SIGSEGV)"),
        ("sleep 60", {"limits": Limits(0.3)}, "time limit", "time limit"),
        ("exit 3", {"fail_codes": [4, 3]}, "exit 3 or 4", "exit 3"),
        ("exit 5", {"fail_codes": [4, 3]}, "another failure: exit 5", "exit 5"),
        ("true", {"fail_codes": [3]}, None, "exit 0"),
        ("echo Fatal: x", {"fail_regex": ["^Error", "^Fatal"]}, "^Fatal", "exit 0"),
        ("echo Fatal >&2; exit 9", {"fail_regex": ["Fatal"]}, "Fatal", "exit 9"),
        ("exit 9", {"fail_regex": ["Fatal"]}, "another failure: exit 9", "exit 9"),
        ("printf '\\377Fatal\\377'", {"fail_regex": ["Fatal"]}, "Fatal", "exit 0"),
        (
            "echo Fatal; exit 3",
            {"fail_regex": ["Fatal"], "fail_codes": [4]},
            "another failure: exit 3",
            "exit 3",
        ),
        ("echo Fatal; exit 4", {"fail_regex": ["Fatal"], "fail_codes": [4]}, "Fatal", "exit 4"),
    ],
)
def test_what_counts_as_the_failure(make, script, settings, failure, outcome):
    oracle = make(script, **settings)
    seen = oracle.ask(candidate())
    assert (seen.failure, seen.outcome, seen.cached) == (failure, outcome, False)
    assert oracle.is_wanted(failure) is (failure is not None and "another" not in failure)


def test_the_message_is_the_decisive_lines_and_the_log_has_all(make, tmp_path):
    script = "seq 100; echo Fatal: layer 7; seq 100"
    seen = make(script, fail_regex=["Fatal"]).ask(candidate())
    assert seen.message == "Fatal: layer 7"
    assert (tmp_path / "s0" / seen.record).read_text().splitlines().count("100") == 2
    assert make(script + "; false").ask(candidate()).message.splitlines() == [str(n) for n in range(89, 101)]


def test_the_candidate_is_one_file_of_the_given_name_in_an_empty_folder(make, tmp_path):
    script = 'test -z "$(ls -A)" && touch litter && cp "$1" ' + shlex.quote(str(tmp_path / "copy"))
    seen = make(script + ' && basename "$1"', name="net v2.onnx").ask(candidate(3))
    assert (seen.failure, seen.message) == (None, "net v2.onnx")
    assert len(onnx.load(tmp_path / "copy").graph.node) == 3
    assert [path.name for path in (tmp_path / "s0").iterdir()] == [seen.record]


def test_files_of_the_present_folder_are_found(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("check.py").write_text("import sys; sys.exit(open(sys.argv[1], 'rb').read(1) != b'\\x08')")
    assert make("", command=f"{sys.executable} check.py {{}}").ask(candidate()).failure is None


@pytest.mark.parametrize(
    ("command", "settings", "words"),
    [
        ("no-such-program {}", {}, "does not exist"),
        ("./plain.txt {}", {}, "cannot be executed"),
        ("true", {}, r"has no \{\}"),
        ("", {}, r"has no \{\}"),
        ("sh -c 'unclosed {}", {}, "cannot be read"),
        ("true {}", {"fail_regex": ["ok", "(open"]}, "no regular expression"),
    ],
)
def test_what_is_refused_before_anything_runs(make, tmp_path, monkeypatch, command, settings, words):
    monkeypatch.chdir(tmp_path)
    Path("plain.txt").touch()
    with pytest.raises(InputError, match=words) as refused:
        make("", command=command, **settings)
    assert refused.value.hint
    assert not (tmp_path / "s0").exists()


def test_results_come_in_order_from_several_at_once(make, tmp_path):
    """The candidates are told apart by their size, and the larger ones are quicker."""
    script = 'size=$(wc -c < "$1"); test $size -gt 300 || sleep 0.3; echo $size'
    oracle = make(script, parallel=3)
    asked = [candidate(length) for length in (1, 9, 2, 9, 8)]
    seen = list(oracle.observe(asked))
    assert [one for one, _ in seen] == asked
    sizes = [int(observation.message) for _, observation in seen]
    assert sizes[1] == sizes[3] and sizes[0] < sizes[2] < sizes[4] < sizes[1]
    assert [observation.cached for _, observation in seen] == [False, False, False, True, False]
    assert (oracle.budget.spent, oracle.budget.remembered) == (4, 1)


def test_what_is_left_running_when_the_reducer_has_found_it(make, tmp_path):
    oracle = make('test $(wc -c < "$1") -lt 150 || sleep 60', parallel=2)
    running = oracle.observe([candidate(1), candidate(8), candidate(9)])
    assert next(running)[1].failure is None
    started = time.monotonic()
    running.close()
    assert time.monotonic() - started < 5
    assert [path.name for path in (tmp_path / "s0").iterdir()] == ["00001.log"]
    assert oracle.budget.spent == 1


def test_the_budget_ends_it_in_its_place(make):
    oracle = make("true", parallel=2, budget=Budget(trials=2))
    seen = []
    with pytest.raises(BudgetSpent):
        for one, _ in oracle.observe(map(candidate, [1, 2, 1, 3])):
            seen.append(one.label)
    assert seen == ["1 nodes", "2 nodes", "1 nodes"]  # what is remembered is free
    assert oracle.ask(candidate(1), fresh=True).failure is None  # the last word is always had
    assert (oracle.budget.spent, oracle.budget.remembered) == (3, 1)


def test_a_later_run_goes_on_where_the_first_was_killed(make, tmp_path):
    memory = tmp_path / "memory.jsonl"
    first = make("exit 3", memory=memory)
    first.ask(candidate(1))
    first.ask(candidate(2))
    memory.write_bytes(memory.read_bytes()[:-20])  # the second line is cut
    second = make("exit 3", memory=memory)
    assert [second.ask(candidate(n)).cached for n in (1, 2, 1, 2)] == [True, False, True, True]
    assert make("exit 3", memory=memory).ask(candidate(2)).cached
    assert not make("exit 3", memory=memory).ask(candidate(2), fresh=True).cached
    assert not make("exit 4", memory=memory).ask(candidate(2)).cached  # another question


def test_a_hang_does_not_cost_the_whole_limit_each_time(make):
    """Hung under a short limit is not hung under a longer one, so it is asked again."""
    oracle = make('test $(wc -c < "$1") -lt 150 || sleep 60', limits=Limits(1.0))
    baseline = oracle.ask(candidate(9))
    assert baseline.outcome == "time limit"
    oracle.adapt(baseline)
    assert oracle.limits.seconds == 1.0  # never more than the user allows
    assert oracle.ask(candidate(9)).cached
    oracle.limits = Limits(1.5)
    assert not oracle.ask(candidate(9)).cached


def test_limits_from_the_baseline(make):
    oracle = make("true", limits=Limits(900))
    baseline = oracle.ask(candidate())
    for outcome, seconds, limit in (("exit 1", 0.1, 10), ("exit 1", 30, 150), ("exit 1", 400, 900)):
        oracle.adapt(type(baseline)("x", outcome, "", seconds, cached=False, record=""))
        assert oracle.limits == Limits(limit)
    oracle.adapt(type(baseline)("time limit", "time limit", "", 900, cached=False, record=""))
    assert oracle.limits == Limits(20)
    oracle.adapt(None)
    assert oracle.limits == Limits(900)


FRONT = """
    import signal, sys
    from pathlib import Path
    import onnx_ir as ir
    sys.path.insert(0, sys.argv[2])
    from models import chain
    from rkmend.diagnose.budget import Budget
    from rkmend.diagnose.command_oracle import CommandOracle
    from rkmend.diagnose.oracle import Candidate
    from rkmend.toolkit.trial import Limits

    signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = Path(sys.argv[1])
    command = "sh -c 'touch started; sleep 100 & setsid sleep 100 & sleep 100' check {}"
    candidates = [Candidate(ir.from_proto(chain(n)), "") for n in (1, 2, 3)]
    with CommandOracle(command, limits=Limits(), scratch=scratch, budget=Budget(), parallel=2) as oracle:
        try:
            list(oracle.observe(candidates))
        except KeyboardInterrupt:
            print("interrupted")
"""


def test_ctrl_c_leaves_no_process_behind(tmp_path):
    script = [sys.executable, "-c", textwrap.dedent(FRONT), str(tmp_path), str(Path(__file__).parent.parent)]
    front = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob(str(Path("*", "work", "started"))))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(_users_of(tmp_path)) >= 4
    front.send_signal(signal.SIGINT)
    out, err = front.communicate(timeout=60)
    assert (out, err) == ("interrupted\n", "")
    assert not _users_of(tmp_path) and not list(tmp_path.iterdir())


def _users_of(folder: Path) -> list[Path]:
    """The processes that work in a folder or below it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()).startswith(str(folder)):
                found.append(entry)
        except OSError:
            continue
    return found
