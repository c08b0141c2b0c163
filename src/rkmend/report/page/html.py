"""The file itself: the data, packed, between the page's style and its program."""

from __future__ import annotations

import base64
import gzip
from html import escape
from importlib import resources

from rkmend.report.page.record import PageData
from rkmend.repro.private import redact
from rkmend.words import Language

LANG = {Language.EN: "en", Language.ZH: "zh-CN"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "script-src 'unsafe-inline'",
        "img-src data:",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Nothing is fetched, whatever a name in a model may say; the page's own style and program are in it."""
PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="rkmend {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div id="page"></div>
<noscript><pre>{story}</pre></noscript>
<script type="text/plain" id="data" data-packing="gzip">{data}</script>
<script>{program}</script>
</body>
</html>
"""


def render(data: PageData, story: str) -> bytes:
    """The page.

    Args:
        data: What it shows. Home directories and names of user and machine are left out.
        story: Shown where no program runs.
    """
    import msgspec

    title = data.headline.text.zh if data.language is Language.ZH else data.headline.text.en
    return PAGE.format(
        lang=LANG[data.language],
        policy=escape(POLICY),
        version=escape(data.rkmend),
        title=escape(redact(title)),
        style=asset("page.css").replace("</", "<\\/"),
        story=escape(redact(story)),
        data=packed(redact(msgspec.json.encode(data).decode())),
        program=asset("page.js").replace("</script", "<\\/script").replace("<!--", "<\\!--"),
    ).encode()


def packed(text: str) -> str:
    """Base64 of gzip: a tenth of the size, and no text of a model or a log can end the script that it stands in."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def asset(name: str) -> str:
    """A part of the page that `make frontend` built."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")
