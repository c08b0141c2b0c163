"""The files of a results folder as the page lists them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from rkmend.report.page.record import PageFile
from rkmend.report.page.results import Results


def page_files(results: Results, folder: Path) -> tuple[PageFile, ...]:
    """What was written and is still there, with links from a page in a folder."""
    paths = {kind: results.file(kind) for kind in results.conversion.files if kind != "page"}
    return tuple(
        PageFile(kind, path.name, _size(path), _link(path, folder))
        for kind, path in paths.items()
        if path is not None
    )


def _link(path: Path, folder: Path) -> str:
    """Empty where there is no way, as to another drive."""
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:
        return ""


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in inside if one.is_file())
