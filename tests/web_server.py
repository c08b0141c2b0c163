"""Servers of the local page for tests: one in this process, with limits of its own, and `rkmend serve` as a whole."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import onnx
import uvicorn
from graphs import model, node, value

from rkmend.web.app import create_app
from rkmend.web.guard import Door
from rkmend.web.house import House
from rkmend.web.limits import WebLimits


@dataclass
class Served:
    """A server, and a client that has its token."""

    base: str
    token: str
    process: subprocess.Popen[str] | None = None
    house: House | None = None
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.base, headers={"authorization": f"Bearer {self.token}"}, timeout=120
        )

    @property
    def link(self) -> str:
        return f"{self.base}?token={self.token}"

    @property
    def port(self) -> int:
        return httpx.URL(self.base).port or 80

    def verbatim(self, method: str, path: str) -> http.client.HTTPResponse:
        """A request whose path no client has tidied up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path)
        connection.putheader("authorization", f"Bearer {self.token}")
        connection.endheaders()
        return connection.getresponse()

    def upload(self, path: Path, *more: tuple[str, str, bytes], name: str = "") -> str:
        """Uploads a model and further files (role, name, content); gives the id."""
        made = self.client.post("/api/uploads").json()["id"]
        for role, called, content in [("model", name or path.name, path.read_bytes()), *more]:
            answer = self.client.post(
                f"/api/uploads/{made}/files", params={"role": role, "name": called}, content=content
            )
            assert answer.status_code == 201, answer.text
        return made

    def inspect(self, upload: str, **sizes: object) -> httpx.Response:
        return self.client.post(f"/api/uploads/{upload}/inspect", json=sizes)

    def start(self, upload: str, **asked: object) -> str:
        """Begins a run; gives its id."""
        answer = self.client.post("/api/runs", json={"upload": upload, "explain_seconds": 0, **asked})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def run(self, given: str) -> dict:
        return self.client.get(f"/api/runs/{given}").json()

    def events(self, given: str, after: int | None = None) -> Iterator[tuple[int, dict]]:
        """The events of a run to its end, as they come."""
        headers = {} if after is None else {"last-event-id": str(after)}
        with self.client.stream("GET", "/api/events", params={"run": given}, headers=headers) as stream:
            kind, number = "", 0
            for line in stream.iter_lines():
                name, _, text = line.partition(": ")
                if name == "event":
                    kind = text
                elif name == "id":
                    number = int(text)
                elif name == "data" and kind == "run":
                    yield number, json.loads(text)
                elif name == "data" and kind == "over":
                    return

    def finish(self, given: str) -> dict:
        """Waits for the end of a run."""
        for _ in self.events(given):
            pass
        return self.run(given)


@contextmanager
def in_process(folder: Path, limits: WebLimits | None = None) -> Iterator[Served]:
    """A server on a thread of this process; its uploads and runs are below the folder."""
    listening = socket.create_server(("127.0.0.1", 0))
    door = Door("127.0.0.1", listening.getsockname()[1])
    (scratch := folder / "scratch").mkdir(mode=0o700)
    house = House(door, folder / "data", scratch, limits or WebLimits())
    server = uvicorn.Server(
        uvicorn.Config(create_app(house), log_level="warning", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    served = Served(door.url, door.token, house=house)
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield served
    finally:
        served.client.close()
        server.should_exit = True
        thread.join()


@contextmanager
def whole(data: Path, *more: str) -> Iterator[Served]:
    """`rkmend serve` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "rkmend",
        "serve",
        "--port",
        "0",
        "--no-open",
        "--data",
        str(data),
        *more,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    found = re.search(r"(http://\S+/)\?token=(\S+)", process.stdout.readline())
    assert found, process.stderr.read()
    served = Served(found[1], found[2], process)
    try:
        yield served
    finally:
        served.client.close()
        process.terminate()
        process.communicate(timeout=30)


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that these did."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found


def gone(family: set[int], seconds: float = 5.0) -> bool:
    """Whether all of them are gone soon; a process that nobody collects is."""

    def alive(pid: int) -> bool:
        try:
            return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return False

    end = time.monotonic() + seconds
    while any(map(alive, family)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, family))


def relu(path: Path, shape: tuple[int | str, ...] = (1, 4), name: str = "relu") -> Path:
    """One Relu."""
    made = node("Relu", "x", "y", name)
    onnx.save(model([made], [value("x", shape)], [value("y", shape)], {}, opset=12), path)
    return path
