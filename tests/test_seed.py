"""The main job on the real toolkit: the seed model comes out as a verified .rknn."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import onnx
import pytest

import rkmend
from rkmend.graph import freeze, load
from rkmend.mend.apply import apply
from rkmend.records import Conversion, Status
from rkmend.report.schema import report_schema
from rkmend.report.story import story
from rkmend.toolkit.verdict import Outcome
from rule_bench import only_finding

pytestmark = pytest.mark.toolkit


README = (Path(__file__).parents[1] / "README.md").read_text()
COMMAND = "rkmend convert seed_conv.onnx --target rk3588"


@pytest.fixture(scope="module", params=["low_seed", pytest.param("seed_model", marks=pytest.mark.slow)])
def told(toolkit, request, tmp_path_factory) -> tuple[str, Path]:
    """What the first command of the README says, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("mended")
    shutil.copy(request.getfixturevalue(request.param), folder)
    arguments = [*COMMAND.split()[1:], "--no-explain"]  # two minutes more, with tests of its own
    done = subprocess.run(
        [sys.executable, "-m", "rkmend", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def mended(told) -> tuple[Conversion, Path]:
    out = told[1] / "seed_conv.rkmend"
    return msgspec.json.decode((out / "report.json").read_bytes(), type=Conversion), out


def test_the_readme_shows_what_it_says(told):
    said, folder = told
    (shown,) = re.findall(rf"```console\n\$ {re.escape(COMMAND)}\n((?:.*\n)*?)```", README)
    assert said.startswith(shown.split("\n")[0])
    files = re.findall(r"^ +(?:report|trials|rknn|mended|recipe|page) +(\S+)$", shown, re.MULTILINE)
    assert len(files) == 6 and all((folder / file).exists() for file in files)


def test_it_is_mended_and_the_files_are_there(mended):
    result, out = mended
    assert result.status is Status.MENDED, result.reason
    assert result.ok
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "report.json",
        "seed_conv.mended.onnx",
        "seed_conv.recipe.toml",
        "seed_conv.rknn",
        "trials",
    ]
    assert (out / "seed_conv.rknn").read_bytes()[:4] == b"RKNN"


def test_the_operator_is_named_with_its_fields(mended):
    result, _ = mended
    assert result.first_verdict.outcome is Outcome.ABORTED
    (culprit,) = result.culprits[:1]
    assert culprit.nodes == ("/lila2/conv/conv/Conv",) and culprit.operators == ("Conv",)
    assert culprit.fields["pad_b"] == 1 and culprit.fields["kh"] == 1 and culprit.fields["iw"] == 1198
    (finding,) = result.findings
    assert finding.code == "RKM101" and finding.nodes == culprit.nodes


def test_every_mend_was_considered_and_the_cheapest_kept(mended):
    result, _ = mended
    (mend,) = result.mends
    names = {item.name for item in result.rejected_mends} | {mend.name}
    assert {"output-padding", "border-rows", "kernel-embedding", "single-core"} <= names
    assert mend.cpu_ops_after == 0
    for other in result.rejected_mends:
        assert other.why
        if other.chip_cycles is not None and other.cpu_ops == 0 and "costs more" in other.why:
            assert other.chip_cycles >= mend.chip_cycles_after
    assert mend.proof.holds and mend.trials_converted == mend.trials_run == 3


def test_a_single_core_file_is_charged_for_the_idle_cores(mended):
    result, _ = mended
    single = [item for item in result.rejected_mends if item.name == "single-core" and item.cycles]
    for item in single:  # it converts in most runs, not in all
        assert item.chip_cycles == 3 * item.cycles


def test_the_mended_model_computes_the_same(told, mended):
    import onnxruntime

    _, out = mended
    sessions = [
        onnxruntime.InferenceSession(str(path))
        for path in (told[1] / "seed_conv.onnx", out / "seed_conv.mended.onnx")
    ]
    (given,) = sessions[0].get_inputs()
    x = np.random.default_rng(7).standard_normal(given.shape).astype(np.float32)
    want, got = (session.run(None, {"x": x})[0] for session in sessions)
    # 385 float32 terms of order 1, summed in another order: 2^-24 * sqrt(385) * a few
    np.testing.assert_allclose(got, want, atol=1e-5)
    onnx.checker.check_model(str(out / "seed_conv.mended.onnx"), full_check=True)


def test_verification_covers_every_kind_of_sample(mended):
    result, _ = mended
    (check,) = result.verification
    assert check.ok and check.output == "y"
    assert {"normal", "zeros", "ones"} <= {sample.sample for sample in check.samples}
    assert check.cosine > 0.9999  # one fp16 Conv: 2^-11 relative noise


def test_report_json_is_the_result_and_fits_its_schema(mended):
    result, out = mended
    raw = json.loads((out / "report.json").read_text())
    jsonschema.validate(raw, report_schema())
    assert msgspec.convert(raw, Conversion) == result
    assert raw["trials"][0]["outcome"] == "aborted"
    for trial in raw["trials"]:
        assert (out / "trials" / trial["folder"] / "log.txt").stat().st_size > 0
    log = (out / "trials" / raw["trials"][0]["folder"] / "log.txt").read_text()
    assert "Failed to config layer" in log


def test_the_story_tells_it(mended):
    result, out = mended
    text = story(result)
    for words in ("/lila2/conv/conv/Conv", "RKM101", result.mends[0].name, "cycles", "cosine", out.name):
        assert words in text


def test_at_its_full_size_the_toolkit_dies_and_takes_the_first_mend(bench, seed_model):
    """Its numbers are compared at a smaller size, and by `slow` tests."""
    given = freeze(load(seed_model), {}).ir
    _finding, mend = only_finding("RKM101", given)
    assert bench.build(given).outcome is Outcome.ABORTED
    assert mend.name == "output-padding" and bench.build(apply(given, mend)).converted


@pytest.mark.versions
@pytest.mark.parametrize("version", ["2.2.0", "2.3.0", "2.3.2", "2.5.0"])
def test_on_every_version(version, seed_model, tmp_path):
    result = rkmend.convert(seed_model, target="rk3588", out=tmp_path / "out", toolkit=version)
    assert result.status is Status.MENDED, result.reason
    assert result.toolkit.version == version
    assert all(check.ok for check in result.verification)
