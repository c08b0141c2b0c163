"""The Chinese catalogue of messages: what the code says, held against zh.po; `make words` brings both up to date.

Without Babel's dates and generators in the header, so that nothing changes where no message does.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

SOURCES = Path(__file__).parents[1] / "src" / "rkmend"
ROOM = SOURCES / "words"
HEADER = "# What rkmend says, in Simplified Chinese. English messages come from the code: `make words`."


def extracted() -> Catalog:
    """The messages of the code, without translations."""
    catalog = _empty()
    for file in sorted(SOURCES.rglob("*.py")):
        for message in _messages(file.read_text()):
            catalog.add(message)
    return catalog


def _messages(source: str) -> Iterator[str | tuple[str, str]]:
    """What is said by `say(...)`, `say.many(one, more, ...)` and `N_(...)`, also within f-strings."""
    if "rkmend.words import" not in source:  # elsewhere a `say` is another one
        return
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
            texts = [
                arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
            if name in ("say", "N_") and texts:
                yield texts[0]
            elif name == "many" and len(texts) == 2:
                yield texts[0], texts[1]


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
