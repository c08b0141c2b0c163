"""The Chinese catalogue of messages: what the code says, held against zh.po; `make words` brings both up to date.

Without Babel's dates and generators in the header, so that nothing changes where no message does.
"""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

SOURCES = Path(__file__).parents[1] / "src" / "rkmend"
ROOM = SOURCES / "words"
KEYWORDS: dict[str, tuple[int, ...] | None] = {"say": None, "many": (1, 2), "N_": None}
HEADER = "# What rkmend says, in Simplified Chinese. English messages come from the code: `make words`."


def extracted() -> Catalog:
    """The messages of the code, without translations."""
    catalog = _empty()
    for file in sorted(SOURCES.rglob("*.py")):
        if "rkmend.words import" in file.read_text():  # elsewhere a `say` is another one
            for _line, message, _comments, _context in extract_from_file("python", file, KEYWORDS):
                catalog.add(message)
    return catalog


def written() -> Catalog:
    """zh.po as it is."""
    with (ROOM / "zh.po").open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def as_po(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(
        out, catalog, width=0, no_location=True, sort_output=False, omit_header=True, ignore_obsolete=True
    )
    header = (
        f'{HEADER}\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Language: zh_Hans\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    return header.encode() + out.getvalue()


def compiled() -> Catalog:
    """zh.mo as it is."""
    with (ROOM / "zh.mo").open("rb") as file:
        return read_mo(file)


def as_mo(catalog: Catalog) -> bytes:
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=timezone.utc)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def updated() -> Catalog:
    """zh.po with the messages of the code: new ones have no translation, those that are gone are not there."""
    known, new = written() if (ROOM / "zh.po").exists() else _empty(), extracted()
    for message in new:
        if message.id and (there := known.get(message.id)) is not None:
            message.string = there.string
    return new


def _empty() -> Catalog:
    return Catalog(locale="zh_Hans_CN", fuzzy=False)


if __name__ == "__main__":
    (ROOM / "zh.po").write_bytes(as_po(updated()))
    (ROOM / "zh.mo").write_bytes(as_mo(written()))
    for message in written():
        if message.id and not all(message.string if isinstance(message.string, tuple) else (message.string,)):
            print("to be translated:", message.id)
