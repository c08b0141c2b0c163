"""The pages of the documentation: their commands exist, and what checks the links of the built site finds bad ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from site_links import complaints

from rkmend.cli.main import COMMANDS, group

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/how-to/*.md")])


def commands(text: str):
    """Calls of rkmend in blocks of code and in running text."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    spans = re.findall(
        r"(?<!`)`(rkmend [^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )
    for line in [*lines, *spans]:
        line = line.removeprefix("- run: ").removeprefix("$ ")
        if re.match(r"rkmend [a-z]", line) and "|" not in line and not line.startswith("rkmend is "):
            yield shlex.split(line.replace("\\|", "|"), comments=True)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_their_options_exist(page):
    for name, *rest in commands(page.read_text()):
        assert name in COMMANDS, f"rkmend {name}"
        command = group.get_command(click.Context(group), name)
        known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        subcommands = getattr(command, "commands", {})
        if not subcommands:
            given = {part.split("=")[0] for part in rest if re.match(r"--?[a-z]", part)}
            assert given <= known | {"--help"}, f"rkmend {name}: {given - known}"


def site(folder: Path, **pages: str) -> list[str]:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<!doctype html><body>{body}</body>")
    return complaints(folder)


def test_good_links_are_not_complained_of(tmp_path):
    other = '<h2 id="here">Here</h2><a href="https://example.org/x">elsewhere</a><img src="data:image/png;base64,">'
    page = '<a href="other.html#here">there</a> <a href="#top" id="top">up</a> <a href="/other.html">root</a>'
    assert not site(tmp_path, index=page, other=other)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('<a href="gone.html">gone</a>', "gone.html is not there"),
        ('<a href="index.html#gone">gone</a>', "index.html#gone has no such anchor"),
        ('<script src="https://example.org/a.js"></script>', "script src is fetched from"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "link href is fetched from"),
    ],
)
def test_bad_links_are(tmp_path, body, complaint):
    (found,) = site(tmp_path, index=body)
    assert complaint in found
