"""`rkmend serve`: the local page."""

from __future__ import annotations

import ipaddress
import os
import sys
import threading
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkmend.errors import InputError

if TYPE_CHECKING:
    from rkmend.web.guard import Door

NEEDED = ("starlette", "uvicorn")


@click.command("serve")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any that is free."
)
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR",
              help="Where runs are kept; default: RKMEND_DATA, or rkmend in the user's folder for data.")  # fmt: skip
@click.option("--no-open", is_flag=True, help="Do not open the page in a browser.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Listen elsewhere than on this machine alone. Whoever sees the link can use the page.")  # fmt: skip
@click.option("--upload-limit", type=click.IntRange(1, 4096), default=256, show_default=True, metavar="MB",
              help="Files of one model together.")  # fmt: skip
def command(port: int, data: Path | None, no_open: bool, host: str, upload_limit: int) -> None:
    """Serve a page on this machine: drop an ONNX model, watch it being converted and mended, read the report.

    The link that is printed holds a secret of this start; nobody without it gets in. Ctrl-C ends the server and what
    it does; finished runs stay.

    Exit status: 0 ended by SIGTERM, 130 by Ctrl-C, 2 bad usage, a port in use or packages missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the local page needs {' and '.join(missing)}, which are not installed",
            hint="Install them: pip install 'rkmend[web]'  (pipx: pipx install --force 'rkmend[web]')",
        )
    from rkmend.paths import data_dir
    from rkmend.web.limits import MB, WebLimits
    from rkmend.web.server import serve

    if not _is_loopback(host):
        warning = (
            f"listening on {host}: other machines can reach the page, unencrypted. The link is the only lock."
        )
        click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {warning}", err=True)

    def ready(door: Door) -> None:
        link = f"{door.url}?token={door.token}"
        click.echo(f"rkmend is at {link}\nCtrl-C ends it.")
        if not no_open and _has_windows():
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    limits = WebLimits(upload_bytes=upload_limit * MB)
    sys.exit(serve(host, port, (data or data_dir()).absolute(), limits, ready))


def _has_windows() -> bool:
    """Whether a browser has a screen: without one, a browser for the terminal would take it over."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        if host == "localhost":
            return True
        raise InputError(
            f"'{host}' is no address", hint="Give 127.0.0.1, ::1 or another of this machine's."
        ) from error
