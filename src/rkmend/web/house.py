"""House: everything that one server has, wired together."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rkmend.web.errors import Refused
from rkmend.web.feed import Feed
from rkmend.web.guard import REPORT, Door
from rkmend.web.history import History
from rkmend.web.inspection import Facts, Inspect
from rkmend.web.jobs import Jobs
from rkmend.web.limits import WebLimits
from rkmend.web.process import Process
from rkmend.web.records import Role, Run, Sizes
from rkmend.web.uploads import Upload, Uploads

INSPECTOR_BYTES = 8 << 30
"""Address space for looking at a model: one that asks for more does not get it."""


class House:
    """What the routes share.

    Args:
        door: Where the server is.
        data: Folder of the runs.
        scratch: Private and gone with the server: uploads.
        limits: What is taken.
    """

    def __init__(self, door: Door, data: Path, scratch: Path, limits: WebLimits) -> None:
        self.door, self.data, self.limits = door, data, limits
        uploads, self._desk = scratch / "uploads", scratch / "desk"
        for folder in (uploads, self._desk):
            folder.mkdir(mode=0o700)
        self.uploads = Uploads(uploads, limits)
        self.history = History(data)
        self.feed = Feed(self.history, limits)
        self._converter = Process(self._desk)
        self._inspector = Process(self._desk, INSPECTOR_BYTES)
        self.jobs = Jobs(self._converter, self.history, self.feed, limits)
        self.scratch = scratch

    @asynccontextmanager
    async def open(self, _app: object = None) -> AsyncIterator[None]:
        """Runs the queue, and leaves no process behind."""
        await asyncio.gather(self._inspector.warm(), self._converter.warm())
        working = asyncio.create_task(self.jobs.work())
        try:
            yield
        finally:
            self.feed.close()
            await asyncio.gather(self.jobs.close(), self._inspector.close())
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def inspect(self, upload: Upload, sizes: Sizes) -> Facts:
        """Looks at an uploaded model; its messages speak of it by the name that its user knows.

        Raises:
            Refused: There is none yet.
            Failed: It cannot be read.
        """
        model = upload.model
        request = Inspect(
            str(model.path),
            str(self.inspected(upload)),
            {file.name: str(file.path) for file in upload.of(Role.DATA)},
            Sizes(sizes.target, sizes.dtype, sizes.inputs, sizes.constants),
            model.name,
        )
        upload.used += 1
        try:
            return await self._inspector.ask(request, Facts, seconds=self.limits.inspect_seconds)
        finally:
            upload.used -= 1

    def inspected(self, upload: Upload) -> Path:
        """Where the model of an upload is, once it was looked at."""
        return upload.folder / "model.onnx"

    def report_key(self, run: Run) -> str:
        """Opens the results of one run, and nothing else, to its report in the sandbox."""
        return hmac.new(self.door.session.encode(), run.id.encode(), "sha256").hexdigest()

    def report_url(self, run: Run) -> str | None:
        """Of the report of a run, if it has one."""
        if "report.html" not in self.history.files(run):
            return None
        return f"{REPORT}{run.id}/{self.report_key(run)}/report.html"

    def check_key(self, run: Run, key: str) -> None:
        """Lets the report of a run in.

        Raises:
            Refused: It is another.
        """
        if not hmac.compare_digest(key.encode(), self.report_key(run).encode()):
            raise Refused(401, "this link is no longer valid", "Open the report from the page.")
