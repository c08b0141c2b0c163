"""Limits: how much the server takes, and how long it waits. All in one place, told by `/api/about`."""

from __future__ import annotations

from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True)
class WebLimits:
    """What keeps one client from filling the disk or holding the server.

    Attributes:
        upload_bytes: All files of one upload together.
        idle_seconds: An upload that sends nothing for so long is ended.
        upload_seconds: One that takes longer in all is ended.
        uploads: Kept at once; the oldest that no run waits for goes first.
        receiving: Files being received at once.
        queued: Runs that may wait.
        data_bytes: Runs on the disk together, above which no new one is taken.
        log_bytes: A pasted log.
        json_bytes: Any other body.
        unpacked_bytes: What an archive of calibration data may unpack to.
        members: Files in it.
        inspect_seconds: For looking at a model.
        streams: Event streams open at once.
    """

    upload_bytes: int = 256 * MB
    idle_seconds: float = 20.0
    upload_seconds: float = 900.0
    uploads: int = 8
    receiving: int = 4
    queued: int = 16
    data_bytes: int = 20480 * MB
    log_bytes: int = 8 * MB
    json_bytes: int = MB
    unpacked_bytes: int = 1024 * MB
    members: int = 2000
    inspect_seconds: float = 120.0
    streams: int = 64
