"""Checks the built site: every link within it leads somewhere, and nothing in it is fetched from elsewhere.

python tests/site_links.py site
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}
"""What a browser asks for by itself; a link to another page is followed only by a person."""


class Page(HTMLParser):
    """Anchors and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, given in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(given or "")
            elif name in ("href", "src"):
                self.links.append((f"{tag} {name}" if (tag, name) in FETCHED else "", given or ""))


def complaints(site: Path) -> list[str]:
    """What is wrong with the links of a site, a line each."""
    pages = {path: Page(path.read_text()) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        where = path.relative_to(site)
        for fetched, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if fetched and parts.scheme != "data":
                    found.append(f"{where}: {fetched} is fetched from {link}")
                continue
            base = site if parts.path.startswith("/") else path.parent  # 404.html is served from anywhere
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{where}: {link} is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{where}: {link} has no such anchor")
    return found


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve()
    wrong = complaints(site)
    print("\n".join(wrong) or f"{len(list(site.rglob('*.html')))} pages, all links lead somewhere")
    sys.exit(1 if wrong else 0)
