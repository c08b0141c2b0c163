"""`rkmend serve` as a whole, on the real toolkit."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import threading
import time
import zipfile

import httpx
import numpy as np
import onnx
import onnxruntime
import pytest
from models import conv

from web_server import descendants, gone, whole

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("serve") / "data"


@pytest.fixture(scope="module")
def server(toolkit, data):
    with whole(data) as served:
        yield served


@pytest.fixture(scope="module")
def mended(server, low_seed):
    """A run that was mended, and its events as two tabs heard them."""
    run = server.start(server.upload(low_seed, name="block 1.onnx"))
    heard: list[list] = [[], []]
    tabs = [threading.Thread(target=lambda tab=tab: tab.extend(server.events(run))) for tab in heard]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    return server.run(run), heard, low_seed


def test_a_model_is_mended_and_its_files_are_given_out(server, mended):
    run, _, model = mended
    assert (run["state"], run["status"], run["problem"]) == ("done", "mended", None)
    assert run["headline"]["en"].startswith("block_1.onnx for rk3588") and "rk3588" in run["headline"]["zh"]
    assert str(model.parent) not in str(run) and "/runs/" not in run["story"]["en"]
    files = {file["name"]: server.client.get(file["url"]).content for file in run["files"]}
    wanted = {"block_1.rknn", "block_1.mended.onnx", "block_1.recipe.toml", "report.json", "report.html"}
    assert wanted <= files.keys()
    assert files["block_1.rknn"][:4] == b"RKNN"
    assert all(len(files[file["name"]]) == file["bytes"] for file in run["files"])
    archive = zipfile.ZipFile(io.BytesIO(server.client.get(f"/api/runs/{run['id']}/all.zip").content))
    assert {name: archive.read(name) for name in archive.namelist()} == files


def test_the_mended_model_computes_the_same(server, mended):
    run, _, model = mended
    (url,) = (file["url"] for file in run["files"] if file["name"].endswith(".mended.onnx"))
    x = np.random.default_rng(0).standard_normal((1, 384, 12, 1198), np.float32)
    before, after = (
        onnxruntime.InferenceSession(proto).run(None, {"x": x})[0]
        for proto in (model.read_bytes(), server.client.get(url).content)
    )
    np.testing.assert_allclose(
        after, before, rtol=0, atol=1e-4
    )  # 384 products of size 1/20: float32 rounding


def test_two_tabs_hear_the_same_story(mended):
    _, (first, second), _ = mended
    assert first == second and [number for number, _ in first] == list(range(1, len(first) + 1))
    kinds = [event["kind"] for _, event in first]
    assert kinds[0] == "step" and "trial" in kinds
    ended = [event for _, event in first if event.get("outcome")]
    assert ended[0]["outcome"] == "aborted" and "Failed to config layer" in ended[0]["signature"]
    assert ended[-1]["converted"] and ended[-1]["cycles"] > 0
    begun = [event["number"] for _, event in first if event["kind"] == "trial" and "outcome" not in event]
    assert begun == [event["number"] for event in ended]


def test_one_that_was_away_hears_what_it_missed(server, mended):
    run, (heard, _), _ = mended
    for after in (0, 3, len(heard)):
        assert list(server.events(run["id"], after)) == heard[after:]


def test_the_workers_stay_warm_from_run_to_run(server, mended, tmp_path):
    workers = descendants(server.process.pid)
    run = server.finish(server.start(server.upload(conv(tmp_path / "second.onnx"))))
    assert run["status"] == "converted"
    assert descendants(server.process.pid) == workers


def test_int8_with_calibration_data_in_an_archive(server, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for number in range(3):
            np.save(sample := io.BytesIO(), np.random.default_rng(number).random((1, 16, 32, 32), np.float32))
            members.writestr(f"samples/{number}.npy", sample.getvalue())
    upload = server.upload(conv(tmp_path / "m.onnx"), ("calibration", "c.zip", archive.getvalue()))
    run = server.finish(server.start(upload, dtype="int8"))
    assert run["status"] == "converted", run["problem"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"hello", "not an ONNX model but text"), (b"\x08\x08" + b"\xff" * 99, "damaged"), (b"", "is empty")],
)
def test_a_broken_file_is_said_to_be_one(server, tmp_path, content, why):
    (tmp_path / "mine.onnx").write_bytes(content)
    upload = server.upload(tmp_path / "mine.onnx")
    answer = server.inspect(upload)
    assert answer.status_code == 422
    assert answer.json()["problem"]["message"]["en"].startswith("mine.onnx ") and why in answer.text
    assert server.client.post("/api/runs", json={"upload": upload}).status_code == 422


def test_dynamic_inputs_and_constants_are_asked_for(server, models):
    """A network with dynamic sizes: what the page has to ask, and that the answers are used."""
    upload = server.upload(models / "libfacedetection__yunet_n_dynamic.onnx")
    facts = server.inspect(upload).json()
    (image,) = facts["inputs"]
    assert image["dynamic"] and len(image["proposal"]) == 4 and facts["unchecked"]
    sizes = {"inputs": {image["name"]: [1, 3, 64, 64]}}
    assert not server.inspect(upload, **sizes).json()["unchecked"]
    refused = server.finish(server.start(upload))
    assert refused["state"] == "failed" and "dynamic" in refused["problem"]["message"]["en"]
    assert server.finish(server.start(upload, **sizes))["state"] == "done"


def test_a_pasted_log_is_read(server):
    log = "E RKNN: [12:00:00.000] Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error"
    told = server.client.post("/api/log", content=log).json()
    assert told["recognised"] and "/lila2/conv/conv/Conv" in told["story"]["en"]
    assert not server.client.post("/api/log", content="hello").json()["recognised"]


def test_a_running_trial_is_cancelled_and_gone(server, seed_model):
    """The seed's trials take seconds: the cancel comes in the middle of one."""
    run = server.start(server.upload(seed_model))
    waiting = server.start(server.upload(seed_model))
    for _, event in server.events(run):
        if event["kind"] == "trial":
            break
    time.sleep(0.5)
    family = descendants(server.process.pid)
    assert server.run(waiting)["place"] == 1
    assert server.client.post(f"/api/runs/{waiting}/cancel").status_code == 202
    assert server.run(waiting)["state"] == "cancelled"
    started = time.monotonic()
    assert server.client.post(f"/api/runs/{run}/cancel").status_code == 202
    assert server.finish(run)["state"] == "cancelled"
    assert time.monotonic() - started < 15  # 1 to 3 s; the machine may be under load
    stayed = {pid for pid in family if not gone({pid}, 0.2)}
    assert len(stayed) <= 1  # what looks at models; what converted them is another by now
    assert server.client.post(f"/api/runs/{run}/cancel").status_code == 409


def test_after_a_cancel_the_next_one_runs(server, tmp_path):
    assert server.finish(server.start(server.upload(conv(tmp_path / "next.onnx"))))["status"] == "converted"


def test_cancelling_an_explanation_keeps_the_result(server, low_seed):
    """The results are written before the cause is looked for; what is lost is the cause alone."""
    run = server.start(server.upload(low_seed), explain_seconds=600)
    for _, event in server.events(run):
        if event["kind"] == "explain":
            break
    else:
        pytest.fail("nothing was explained")
    assert server.client.post(f"/api/runs/{run}/cancel").status_code == 202
    told = server.finish(run)
    assert (told["state"], told["status"], told["problem"]) == ("done", "mended", None)
    assert told["report"] and any(file["name"] == "seed_conv.rknn" for file in told["files"])


def test_a_run_is_deleted(server, tmp_path):
    run = server.finish(server.start(server.upload(conv(tmp_path / "m.onnx"))))
    before = server.client.get("/api/runs").json()["bytes"]
    assert server.client.delete(f"/api/runs/{run['id']}").status_code == 204
    assert server.client.get("/api/runs").json()["bytes"] <= before - run["bytes"]
    assert server.client.get(f"/api/runs/{run['id']}").status_code == 404


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_everything_and_finished_runs_stay(toolkit, tmp_path, low_seed, number, status):
    data = tmp_path / "data"
    with whole(data) as served:
        done = served.finish(served.start(served.upload(conv(tmp_path / "m.onnx"))))
        files = {file["name"]: digest(served, file["url"]) for file in done["files"]}
        running, waiting = (served.start(served.upload(low_seed)) for _ in range(2))
        for _, event in served.events(running):
            if event["kind"] == "trial":
                break
        family = descendants(served.process.pid)
        assert len(family) >= 3
        served.process.send_signal(number)
        assert served.process.wait(timeout=30) == status
        assert gone(family)
        assert "Traceback" not in served.process.stderr.read()
    with whole(data) as again:
        assert again.run(done["id"]) == {**done, "report": again.run(done["id"])["report"]}
        assert (
            httpx.get(again.base.rstrip("/") + done["report"]).status_code == 401
        )  # a link of the last start
        assert {file["name"]: digest(again, file["url"]) for file in done["files"]} == files
        assert list(again.events(done["id"]))
        assert {again.run(run)["state"] for run in (running, waiting)} == {"interrupted"}


def test_a_server_that_is_killed_leaves_no_process(toolkit, tmp_path, low_seed):
    with whole(tmp_path / "data") as served:
        run = served.start(served.upload(low_seed))
        for _, event in served.events(run):
            if event["kind"] == "trial":
                break
        family = descendants(served.process.pid)
        os.kill(served.process.pid, signal.SIGKILL)
        assert gone(family, 20)
    with whole(tmp_path / "data") as again:
        told = again.run(run)
        assert told["state"] == "interrupted" and "server ended" in told["problem"]["message"]["en"]


def digest(served, url: str) -> str:
    return hashlib.sha256(served.client.get(url).content).hexdigest()


def test_a_script_in_a_node_name_is_text_wherever_it_comes_back(server, tmp_path):
    evil = "</script><script>alert(1)</script>"
    proto = onnx.load(conv(tmp_path / "m.onnx"))
    proto.graph.node[0].name = evil
    onnx.save(proto, tmp_path / "m.onnx")
    upload = server.upload(tmp_path / "m.onnx", name=evil)
    server.inspect(upload)
    run = server.finish(server.start(upload))
    assert run["name"] == evil
    for url in (f"/api/runs/{run['id']}", "/api/runs"):
        answer = server.client.get(url)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for file in run["files"]:
        answer = server.client.get(file["url"])
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
    told = server.client.post("/api/log", content=f"E build: {evil}")
    assert told.headers["content-type"] == "application/json"
    page = httpx.get(server.base.rstrip("/") + run["report"])
    assert page.status_code == 200
    assert evil not in page.text
    policy = page.headers["content-security-policy"]
    assert "sandbox" in policy and "allow-same-origin" not in policy and "connect-src" not in policy


def test_the_key_of_a_report_opens_its_own_run_and_nothing_else(server, mended, tmp_path):
    """The report lies in a sandbox without the cookie, so its links carry a key."""
    run, _, _ = mended
    other = server.finish(server.start(server.upload(conv(tmp_path / "m.onnx"))))
    folder = run["report"].rpartition("/")[0]
    with httpx.Client(base_url=server.base.rstrip("/")) as stranger:
        assert stranger.get(f"{folder}/report.html").headers["content-type"].startswith("text/html")
        rknn = stranger.get(f"{folder}/block_1.rknn")
        assert rknn.content[:4] == b"RKNN" and rknn.headers["content-disposition"].startswith("attachment")
        logs = zipfile.ZipFile(io.BytesIO(stranger.get(f"{folder}/trials").content)).namelist()
        assert logs and all(name.startswith("trials/") for name in logs)
        for path in (
            "../run.json",
            "..%2Frun.json",
            "%2e%2e/run.json",
            "nowhere",
            "/etc/passwd",
            "",
            "..",
            "trial",
        ):
            assert server.verbatim("GET", f"{folder}/{path}").status in (401, 404), path
        assert stranger.get(folder.replace(run["id"], other["id"]) + "/report.html").status_code == 401
        assert stranger.get(f"/report/{run['id']}/{'0' * 64}/report.html").status_code == 401
        assert stranger.post(f"{folder}/report.html").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "../run.json",
        "..%2Frun.json",
        "%2e%2e%2frun.json",
        "....//run.json",
        "%00",
        "trials/..",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
    ],
)
def test_no_path_leads_out_of_the_results(server, mended, path):
    run, _, _ = mended
    assert server.verbatim("GET", f"/api/runs/{run['id']}/files/{path}").status == 404
