"""Netron on the loopback address: a process for each model, since a server of Netron 9 is all that a process can have.

A model is served from a folder of its own, because Netron hands out whatever lies beside it. A page that Netron serves
takes no attachment (9.3.3: `start` in its `browser.js` returns before files can be dropped), so what would be attached
stands in the served copy, as metadata of its nodes, which Netron shows in the same place.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.paths import scratch_dir

CHILD = """
import sys, netron
host, port = netron.serve(sys.argv[1], address=("127.0.0.1", 0))
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
"""
"""Lives until its standard input is closed, which it is when this process goes away, however it does."""


@contextmanager
def serving(models: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Serves models while the block runs.

    Args:
        models: Name, of letters -> content of an .onnx file.

    Yields:
        Name -> address, with a port that was free.

    Raises:
        InputError: Netron is not installed, or does not start, or the disk is full.
    """
    if find_spec("netron") is None:
        raise InputError("Netron is not installed", hint="pip install 'rkmend[netron]'")
    with scratch_dir() as scratch:
        children: list[subprocess.Popen[str]] = []
        try:
            addresses = {}
            for name, content in models.items():
                folder = scratch / name
                folder.mkdir()
                # a name of ours: Netron writes it into its page as it is
                atomic_write(folder / f"{name}.onnx", content)
                children.append(_start(f"{name}.onnx", folder))
                addresses[name] = _address(children[-1])
            yield addresses
        finally:
            for child in children:
                assert child.stdin
                child.stdin.close()
            for child in children:
                child.wait(timeout=10)


def _start(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, name],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process, which then closes the children's input
    )


def _address(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    if address := child.stdout.readline().strip():
        return address
    raise InputError("Netron does not start", hint="pip install --force-reinstall 'rkmend[netron]'")
