"""Running the server: its socket, its signals, its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from rkmend.errors import InputError
from rkmend.paths import scratch_dir
from rkmend.web.app import create_app
from rkmend.web.guard import Door
from rkmend.web.history import held
from rkmend.web.house import House
from rkmend.web.limits import WebLimits

CONNECTIONS = 128
DRAIN_SECONDS = 3
"""For answers that are being given when the server is to end."""


class _Server(uvicorn.Server):
    """Leaves signals to its caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(host: str, port: int, data: Path, limits: WebLimits, ready: Callable[[Door], None]) -> int:
    """Serves until SIGINT or SIGTERM.

    Args:
        host: Address to listen on.
        port: 0 for any that is free.
        data: Folder of the runs.
        limits: What is taken.
        ready: Called when the socket is open.

    Returns:
        The exit status: 130 after SIGINT, 0 after SIGTERM.

    Raises:
        InputError: The address cannot be used, or the data folder is another server's.
    """
    with held(data), scratch_dir() as scratch, _socket(host, port) as listening:
        door = Door(host, listening.getsockname()[1])
        house = House(door, data, scratch, limits)
        server = _Server(
            uvicorn.Config(
                create_app(house),
                log_level="warning",
                access_log=False,
                server_header=False,
                lifespan="on",
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                ws="none",
                proxy_headers=False,
            )
        )
        return asyncio.run(_until_signal(server, house, listening, lambda: ready(door)))


async def _until_signal(
    server: _Server, house: House, listening: socket.socket, ready: Callable[[], None]
) -> int:
    status = 0
    loop = asyncio.get_running_loop()

    def end(code: int) -> None:
        nonlocal status
        status = code
        server.should_exit = True
        house.feed.close()

    loop.add_signal_handler(signal.SIGINT, end, 130)
    loop.add_signal_handler(signal.SIGTERM, end, 0)
    loop.add_signal_handler(signal.SIGHUP, end, 0)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving
    return status


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}",
            hint="Another program may use the port: give another with --port, or 0 for any that is free.",
        ) from error
    return listening
