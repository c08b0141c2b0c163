"""Routes of runs, their events and their files."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from rkmend.web.answers import json, read_json
from rkmend.web.errors import Refused
from rkmend.web.history import open_plain
from rkmend.web.house import House
from rkmend.web.receiving import read_body
from rkmend.web.records import UNDER_WAY, Asked, Run
from rkmend.web.uploads import plain_stem

REPORT_POLICY = (
    "sandbox allow-scripts allow-popups allow-downloads allow-modals; default-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; worker-src blob:"
)
"""A report is a file from a model: in the sandbox its scripts have neither the cookie nor the page."""


class RunRoutes:
    """`/api/runs`, `/api/events` and `/report`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def all(self, _request: Request) -> Response:
        """The runs, the newest first, and the room that they take."""
        history = self._house.history
        shown = [self._in_list(run) for run in history.all()]
        return json({"runs": shown, "bytes": history.bytes, "most_bytes": self._house.limits.data_bytes})

    async def start(self, request: Request) -> Response:
        """Asks for a conversion."""
        house = self._house
        asked = read_json(await read_body(request, house.limits.json_bytes, house.limits), Asked)
        upload = house.uploads.get(asked.upload)
        model = house.inspected(upload)
        if not model.exists():
            facts = await house.inspect(upload, asked)
            if facts.missing_data:
                raise Refused(
                    409, f"the model needs its weights: {', '.join(facts.missing_data)}", "Send them too."
                )
        return json(self._in_list(await house.jobs.submit(upload, model, asked)), 201)

    async def one(self, request: Request) -> Response:
        """All that is known of a run."""
        run = self._run(request)
        files = [
            {"name": name, "bytes": path.stat().st_size, "url": f"/api/runs/{run.id}/files/{quote(name)}"}
            for name, path in self._files(run).items()
        ]
        report = self._house.report_url(run) if run.state not in UNDER_WAY else None
        return json(
            {
                **msgspec.to_builtins(run),
                "place": self._house.jobs.place(run),
                "files": files,
                "report": report,
            }
        )

    async def cancel(self, request: Request) -> Response:
        """Ends a run that waits or is under way; the answer does not wait for it."""
        self._house.jobs.cancel(self._run(request))
        return Response(status_code=202)

    async def delete(self, request: Request) -> Response:
        """Removes a run and its files."""
        self._house.history.delete(self._run(request))
        self._house.feed.changed()
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """Streams what happens."""
        given = request.query_params.get("run")
        after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 10):
            raise Refused(422, "the number of an event is a whole number")
        run = self._house.history.get(given) if given is not None else None
        return StreamingResponse(self._house.feed.stream(run, int(after)), media_type="text/event-stream")

    async def file(self, request: Request) -> Response:
        """Gives a file of the results out."""
        return self._given(self._run(request), request.path_params["name"])

    async def archive(self, request: Request) -> Response:
        """Gives all results out in one archive."""
        run = self._run(request)
        files = self._files(run)
        if not files:
            raise Refused(404, "the run has no results")
        return await self._packed(files, f"{plain_stem(run.name)}.rkmend.zip")

    async def report(self, request: Request) -> Response:
        """Shows a report, and gives out the files that it links to."""
        run = self._run(request)
        self._house.check_key(run, request.path_params["key"])
        name = request.path_params["name"]
        inside = {other: path for other, path in self._files(run).items() if other.startswith(f"{name}/")}
        if inside:  # a link to a folder
            return await self._packed(inside, f"{plain_stem(name)}.zip")
        if name != "report.html":
            return self._given(run, name)
        answer = self._given(run, name, shown=True)
        answer.headers["content-security-policy"] = REPORT_POLICY
        return answer

    async def _packed(self, files: dict[str, Path], name: str) -> Response:
        file = tempfile.TemporaryFile(dir=self._house.scratch)  # noqa: SIM115 - closed when it was given out
        await run_in_threadpool(_pack, files, file)
        size = file.tell()
        file.seek(0)
        headers = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(size)}
        return StreamingResponse(_blocks(file), media_type="application/zip", headers=headers)

    def _run(self, request: Request) -> Run:
        return self._house.history.get(request.path_params["run"])

    def _files(self, run: Run) -> dict[str, Path]:
        return self._house.history.files(run) if run.state not in UNDER_WAY else {}

    def _given(self, run: Run, name: str, *, shown: bool = False) -> Response:
        """A file by its name in the list of the run's own files; no path is made of what the client says."""
        path = self._files(run).get(name)
        if path is None:
            raise Refused(404, "the run has no such file")
        try:
            os.close(open_plain(path))
        except OSError as error:
            raise Refused(404, "the run has no such file") from error
        if shown:
            return FileResponse(path, media_type="text/html")
        return FileResponse(path, media_type="application/octet-stream", filename=path.name)

    def _in_list(self, run: Run) -> dict[str, object]:
        """A run without its long texts."""
        full = msgspec.to_builtins(run)
        return {key: full[key] for key in full if key != "story"} | {"place": self._house.jobs.place(run)}


def _pack(files: dict[str, Path], out: IO[bytes]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, source in files.items():
            with archive.open(name, "w", force_zip64=True) as member:
                for block in _blocks(os.fdopen(open_plain(source), "rb")):
                    member.write(block)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(1 << 20):
            yield block
