"""The queue: what is asked for, what is refused, and how many may wait."""

from __future__ import annotations

import pytest
from models import conv

from rkmend.web.limits import WebLimits
from web_server import in_process, relu


@pytest.fixture(scope="module")
def narrow(toolkit, tmp_path_factory):
    """A server where one run may wait."""
    with in_process(tmp_path_factory.mktemp("narrow"), WebLimits(queued=1)) as server:
        yield server


@pytest.mark.toolkit
def test_so_many_runs_may_wait_and_no_more(narrow, seed_model, tmp_path):
    """The first is under way, the second waits, the third is refused."""
    running = narrow.start(narrow.upload(seed_model))
    while narrow.run(running)["state"] == "queued":
        pass
    small = narrow.upload(conv(tmp_path / "m.onnx"))
    waiting = narrow.start(small)
    answer = narrow.client.post("/api/runs", json={"upload": small})
    assert answer.status_code == 429 and "wait already" in answer.text
    for run in (waiting, running):
        narrow.client.post(f"/api/runs/{run}/cancel")
    assert [narrow.finish(run)["state"] for run in (running, waiting)] == ["cancelled", "cancelled"]


@pytest.mark.toolkit
def test_one_that_waits_is_carried_out(narrow, tmp_path):
    upload = narrow.upload(conv(tmp_path / "m.onnx"))
    runs = [narrow.start(upload), narrow.start(upload)]
    assert [narrow.finish(run)["status"] for run in runs] == ["converted"] * 2


def test_a_full_data_folder_takes_no_more(tmp_path):
    with in_process(tmp_path, WebLimits(data_bytes=-1)) as server:
        answer = server.client.post("/api/runs", json={"upload": server.upload(relu(tmp_path / "m.onnx"))})
    assert answer.status_code == 507 and "Delete runs" in answer.text


@pytest.mark.parametrize(
    "wish",
    [
        {"constants": {"x": "/etc/passwd"}},
        {"constants": {"x": "a.npy"}},
        {"constants": {"x": "1e.npy"}},
        {"mean": ["__import__('os')"]},
        {"inputs": {"x": [0]}},
        {"inputs": {"x": [2**40]}},
        {"inputs": {"x": ["1"]}},
        {"target": "x" * 50},
        {"dtype": "int4"},
        {"exactness": "changes-model"},
        {"explain_seconds": 10**6},
        {"quantize": "/etc"},
        {"out": "/tmp"},
        {"upload": "../../etc"},
    ],
)
def test_wishes_that_are_none_are_refused(served, tmp_path, wish):
    upload = served.upload(relu(tmp_path / "m.onnx"))
    assert served.client.post("/api/runs", json={"upload": upload, **wish}).status_code == 422
    assert not served.client.get("/api/runs").json()["runs"]


def test_an_int8_model_needs_calibration_data(served, tmp_path):
    upload = served.upload(relu(tmp_path / "m.onnx"))
    answer = served.client.post("/api/runs", json={"upload": upload, "dtype": "int8"})
    assert answer.status_code == 422 and "calibration" in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"upload": 1}', b"[" * 5000])
def test_bodies_that_are_no_request(served, body):
    assert served.client.post("/api/runs", content=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/runs/{}"),
        ("DELETE", "/api/runs/{}"),
        ("POST", "/api/runs/{}/cancel"),
        ("GET", "/api/runs/{}/all.zip"),
        ("GET", "/api/runs/{}/files/report.json"),
        ("GET", "/api/events?run={}"),
        ("GET", "/api/uploads/{}"),
        ("POST", "/api/uploads/{}/inspect"),
        ("POST", "/api/uploads/{}/files?role=model"),
        ("DELETE", "/api/uploads/{}"),
        ("GET", "/report/{}/key/report.html"),
        ("GET", "/assets/{}"),
    ],
)
@pytest.mark.parametrize(
    "given", ["0123456789abcdef", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "run.json", "%c3%a9", "*"]
)
def test_ids_are_looked_up_and_lead_nowhere(served, method, path, given):
    answer = served.verbatim(method, path.format(given))
    assert answer.status in (404, 405, 400)
    assert b"root:" not in answer.read()


def test_the_number_of_an_event_is_a_number(served):
    for after in ("-1", "x", "1" * 20, "١"):
        assert served.client.get("/api/events", params={"after": after}).status_code == 422
