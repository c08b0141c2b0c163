"""What is taken, how much of it, how slowly, and what is left of it."""

from __future__ import annotations

import re
import socket
import time

import httpx
import onnx
import pytest
from graphs import model, node, value
from hypothesis import given
from hypothesis import strategies as st

from rkmend.web.limits import WebLimits
from rkmend.web.uploads import plain_stem
from web_server import in_process, relu

SMALL = WebLimits(
    upload_bytes=10_000, idle_seconds=0.4, upload_seconds=2.0, uploads=3, log_bytes=1000, json_bytes=1000
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server with limits that are reached at once."""
    with in_process(tmp_path_factory.mktemp("small"), SMALL) as server:
        yield server


def kept(server) -> list[str]:
    """Names of all uploaded files on the disk."""
    return [path.name for path in (server.house.scratch / "uploads").rglob("*") if path.is_file()]


def connect(server, upload: str, headers: str) -> socket.socket:
    """An upload by hand, its body still to come."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    raw.sendall(
        f"POST /api/uploads/{upload}/files?role=model HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.token}\r\n{headers}\r\n\r\n".encode()
    )
    return raw


def answer_of(raw: socket.socket) -> bytes:
    said = b""
    while part := raw.recv(65536):
        said += part
    return said


def new(server) -> str:
    return server.client.post("/api/uploads").json()["id"]


def test_too_large_by_its_header_is_refused_before_a_byte_of_it(small):
    with connect(small, new(small), "Content-Length: 300000000") as raw:
        said = answer_of(raw)  # the server closes: nothing of the body is waited for
    assert said.startswith(b"HTTP/1.1 413") and b"larger than" in said and not kept(small)


def test_too_large_while_it_comes_in(small):
    with connect(small, new(small), "Transfer-Encoding: chunked") as raw:
        block = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
        raw.sendall(block * 2)
        said = answer_of(raw)
    assert said.startswith(b"HTTP/1.1 413") and not kept(small)


def test_files_of_one_upload_count_together(small):
    upload = new(small)
    url = f"/api/uploads/{upload}/files"
    assert (
        small.client.post(url, params={"role": "data", "name": "w"}, content=b"x" * 9000).status_code == 201
    )
    assert (
        small.client.post(url, params={"role": "data", "name": "v"}, content=b"x" * 2000).status_code == 413
    )
    assert small.client.delete(f"/api/uploads/{upload}").status_code == 204
    assert not kept(small)


def test_an_upload_that_stands_still_is_ended(small):
    started = time.monotonic()
    with connect(small, new(small), "Content-Length: 5000") as raw:
        raw.sendall(b"x")
        said = answer_of(raw)
    assert said.startswith(b"HTTP/1.1 408") and not kept(small)
    assert time.monotonic() - started < 10  # 0.4 s, on a machine under load


def test_an_upload_that_trickles_is_ended(small):
    with connect(small, new(small), "Content-Length: 5000") as raw:
        said = b""
        raw.settimeout(0.1)
        for _ in range(200):
            try:
                raw.sendall(b"x")
                said += raw.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if b"\r\n\r\n" in said:
                break
    assert said.startswith(b"HTTP/1.1 408") and not kept(small)


def test_an_upload_that_breaks_off_leaves_nothing(small):
    with connect(small, new(small), "Content-Length: 5000") as raw:
        raw.sendall(b"x" * 100)
    for _ in range(100):
        if not kept(small):
            break
        time.sleep(0.05)
    assert not kept(small)
    assert small.client.get("/api/about").status_code == 200


def test_the_oldest_upload_makes_room(small):
    ids = [new(small) for _ in range(SMALL.uploads + 1)]
    answers = [small.inspect(one).status_code for one in ids]
    assert answers == [404, *[409] * SMALL.uploads]  # those that are left have no model


def test_bodies_have_limits_too(small):
    assert small.client.post("/api/log", content=b"x" * 1001).status_code == 413
    assert small.client.post("/api/runs", content=b" " * 1001).status_code == 413


def test_files_are_private_and_named_by_the_server(served, tmp_path):
    upload = served.upload(relu(tmp_path / "m.onnx"), name="../../etc/passwd\x00.onnx")
    folder = served.house.scratch / "uploads" / upload
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"model-\d{6}\.bin", file.name)
    facts = served.inspect(upload).json()
    assert facts["operators"] == [["Relu", 1]]


@pytest.mark.parametrize("role", ["", "MODEL", "../model", "rknn"])
def test_unknown_roles_are_refused(served, role):
    url = f"/api/uploads/{new(served)}/files"
    assert served.client.post(url, params={"role": role, "name": "x"}, content=b"x").status_code == 422


def test_calibration_files_of_no_use_are_refused(served):
    url = f"/api/uploads/{new(served)}/files"
    answer = served.client.post(url, params={"role": "calibration", "name": "x.py"}, content=b"x")
    assert answer.status_code == 422 and ".npy" in answer.json()["problem"]["message"]["en"]


def test_a_second_model_takes_the_place_of_the_first(served, tmp_path):
    upload = served.upload(relu(tmp_path / "a.onnx"))
    other = relu(tmp_path / "b.onnx", (1, 4, 8))
    params = {"role": "model", "name": "b.onnx"}
    served.client.post(f"/api/uploads/{upload}/files", params=params, content=other.read_bytes())
    assert served.inspect(upload).json()["inputs"][0]["shape"] == [1, 4, 8]


@given(st.text(max_size=200))
def test_a_stem_is_plain_whatever_the_name(name):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", plain_stem(name))


def test_a_plain_name_stays_as_it_is():
    assert plain_stem("C:\\models\\yolo-v8_n.onnx") == "yolo-v8_n"


def with_external_data(folder, location: str) -> onnx.ModelProto:
    made = model(
        [node("Add", "x w", "y", "add")], [value("x", [1, 1024])], [value("y", [1, 1024])], {}, opset=12
    )
    tensor = made.graph.initializer.add(name="w", data_type=1, dims=[1, 1024], data_location=1)
    for key, text in {"location": location, "offset": "0", "length": "4096"}.items():
        tensor.external_data.add(key=key, value=text)
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    return made


@pytest.mark.parametrize("location", ["weights.bin", "/etc/passwd", "../../weights.bin", "sub/weights.bin"])
def test_weights_are_found_by_name_and_never_by_path(served, tmp_path, location):
    with_external_data(tmp_path, location)
    wanted = location.rpartition("/")[2]
    upload = served.upload(tmp_path / "m.onnx")
    assert served.inspect(upload).json()["missing_data"] == [wanted]
    url = f"/api/uploads/{upload}/files"
    served.client.post(url, params={"role": "data", "name": f"C:\\x\\{wanted}"}, content=bytes(4096))
    facts = served.inspect(upload).json()
    assert facts.get("missing_data") == [], facts
    assert facts["nodes"] == 1
    proto = onnx.load_model(
        served.house.scratch / "uploads" / upload / "model.onnx", load_external_data=False
    )
    location = {entry.key: entry.value for entry in proto.graph.initializer[0].external_data}["location"]
    assert re.fullmatch(r"data-\d{6}\.bin", location)


def test_a_client_may_go_away(served):
    with httpx.Client(base_url=served.base) as browser, pytest.raises(httpx.ReadTimeout):
        browser.get("/api/events", headers={"authorization": f"Bearer {served.token}"}, timeout=0.3)
    assert served.client.get("/api/about").status_code == 200
