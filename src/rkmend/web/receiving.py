"""Receiving: bodies of requests, counted and timed while they come in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from rkmend.web.errors import Refused
from rkmend.web.limits import MB, WebLimits

PRIVATE = 0o600


async def read_body(request: Request, most: int, limits: WebLimits) -> bytes:
    """A small body as a whole.

    Raises:
        Refused: Too large, or too slow.
    """
    parts = [part async for part in _parts(request, most, limits)]
    return b"".join(parts)


async def receive_file(request: Request, path: Path, most: int, limits: WebLimits) -> int:
    """Writes a body to a new file, which is gone again unless it came in whole.

    Args:
        request: Its body is the file.
        path: Does not exist yet.
        most: Bytes.
        limits: Of time.

    Returns:
        Its size.

    Raises:
        Refused: Too large (by its Content-Length, before a byte is read, or while it comes in), too slow, broken off,
            or the disk is full.
    """
    size = 0
    try:
        with path.open("xb") as file:
            path.chmod(PRIVATE)
            async for part in _parts(request, most, limits):
                file.write(part)
                size += len(part)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Refused(
            507, f"the upload cannot be kept: {error.strerror}", "Free some space on its disk."
        ) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size


async def _parts(request: Request, most: int, limits: WebLimits) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise _too_large(most)
    size, end = 0, time.monotonic() + limits.upload_seconds
    stream = aiter(request.stream())
    while True:
        try:
            part = await asyncio.wait_for(
                anext(stream, None), min(limits.idle_seconds, max(0.0, end - time.monotonic()))
            )
        except asyncio.TimeoutError as error:
            raise Refused(408, "the upload came in too slowly", "Try again.") from error
        except ClientDisconnect as error:
            raise Refused(400, "the upload broke off") from error
        if part is None:
            return
        size += len(part)
        if size > most:
            raise _too_large(most)
        yield part


def _too_large(most: int) -> Refused:
    return Refused(
        413,
        f"the upload is larger than the {most // MB:,} MB that are left for it",
        "For larger models use the command line: rkmend convert MODEL.onnx. Or start the server with --upload-limit.",
    )
