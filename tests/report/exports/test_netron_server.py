"""The real Netron, on the loopback address."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlparse

import pytest
from graphs import relu

from rkmend.errors import InputError
from rkmend.report.exports import netron_server
from rkmend.report.exports.netron_server import serving

pytest.importorskip("netron")
ONE, OTHER = relu((1, 4)).SerializeToString(), relu((1, 9)).SerializeToString()


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def listening(address: str) -> bool:
    where = urlparse(address)
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((where.hostname, where.port)) == 0


def test_each_address_shows_its_model_and_ends_with_the_block():
    with serving({"original": ONE, "mended": OTHER}) as addresses:
        assert list(addresses) == ["original", "mended"]
        for name, content in (("original", ONE), ("mended", OTHER)):
            page = fetched(addresses[name]).decode()
            assert f'<meta name="file" content="/data/{name}.onnx">' in page
            assert fetched(f"{addresses[name]}/data/{name}.onnx") == content
            assert urlparse(addresses[name]).hostname == "127.0.0.1"
            with pytest.raises(urllib.error.HTTPError):
                fetched(f"{addresses[name]}/data/../{name}.onnx/../../../../etc/passwd")
    assert not any(map(listening, addresses.values()))


def test_they_end_when_the_process_that_started_them_is_killed():
    program = (
        "import os, signal\n"
        "from rkmend.report.exports.netron_server import serving\n"
        f"with serving({{'original': {ONE!r}}}) as addresses:\n"
        "    print(addresses['original'], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    address = done.stdout.strip()
    assert address.startswith("http://127.0.0.1:"), done.stderr
    for _ in range(50):
        if not listening(address):
            return
        time.sleep(0.1)
    pytest.fail(f"{address} still answers")


def test_netron_is_not_there(monkeypatch):
    monkeypatch.setattr(netron_server, "find_spec", lambda _name: None)
    with pytest.raises(InputError, match="not installed") as found, serving({"original": ONE}):
        pass
    assert "rkmend[netron]" in found.value.hint


def test_netron_does_not_start(monkeypatch):
    monkeypatch.setattr(netron_server, "CHILD", "raise SystemExit(1)")
    with pytest.raises(InputError, match="does not start"), serving({"original": ONE}):
        pass
