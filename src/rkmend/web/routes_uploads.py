"""Routes of uploads, of what is known of them, and of pasted logs."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from rkmend.web.answers import json, read_json
from rkmend.web.errors import Refused
from rkmend.web.house import House
from rkmend.web.receiving import read_body
from rkmend.web.records import Role, Sizes


class UploadRoutes:
    """`/api/uploads` and `/api/log`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def begin(self, _request: Request) -> Response:
        """Makes room for the files of a model."""
        return json({"id": self._house.uploads.new().id}, 201)

    async def receive(self, request: Request) -> Response:
        """Takes a file: the body is its content."""
        upload = self._house.uploads.get(request.path_params["upload"])
        name = request.query_params.get("name", "")[:1000] or "model.onnx"
        try:
            role = Role(request.query_params.get("role", ""))
        except ValueError as error:
            raise Refused(
                422, "an uploaded file has one of the roles model, data, calibration, samples"
            ) from error
        stored = await self._house.uploads.receive(upload, role, name, request)
        return json({"role": stored.role, "name": stored.name, "bytes": stored.size}, 201)

    async def one(self, request: Request) -> Response:
        """The files of an upload."""
        upload = self._house.uploads.get(request.path_params["upload"])
        files = [{"role": one.role, "name": one.name, "bytes": one.size} for one in upload.files]
        return json({"id": upload.id, "files": files})

    async def inspect(self, request: Request) -> Response:
        """Says what the model is, and what the rules say of it."""
        house = self._house
        upload = house.uploads.get(request.path_params["upload"])
        body = await read_body(request, house.limits.json_bytes, house.limits)
        return json(await house.inspect(upload, read_json(body, Sizes)))

    async def drop(self, request: Request) -> Response:
        """Removes an upload."""
        self._house.uploads.drop(self._house.uploads.get(request.path_params["upload"]))
        return Response(status_code=204)

    async def log(self, request: Request) -> Response:
        """Reads a log that was pasted."""
        body = await read_body(request, self._house.limits.log_bytes, self._house.limits)
        return json(await asyncio.to_thread(_told, body.decode("utf-8", errors="replace")))


def _told(text: str) -> dict[str, object]:
    from rkmend.report.log_story import log_story
    from rkmend.toolkit.log import parse_log
    from rkmend.words import both

    report = parse_log(text)
    return {
        "recognised": report.recognised,
        "story": both(lambda say: log_story(report, say=say)),
    }
