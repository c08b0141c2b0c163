"""README.zh.md keeps in step with README.md: the same structure, commands, code and links; the story in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ((ROOT / name).read_text() for name in ("README.md", "README.zh.md"))
LANGUAGE = " --lang zh"


def blocks(text: str) -> list[str]:
    return re.findall(r"```\w+\n.*?```", text, re.DOTALL)


def story(text: str) -> str:
    (found,) = [block for block in blocks(text) if block.startswith("```console\n$ rkmend convert")]
    return found


def prose(text: str) -> str:
    return re.sub(r"```\w+\n.*?```", "", text, flags=re.DOTALL)


def test_code_and_outputs_are_the_same_but_for_the_story():
    rest = [[block for block in blocks(text) if block != story(text)] for text in (ENGLISH, CHINESE)]
    assert rest[0] == rest[1]


def test_the_story_is_of_the_same_command():
    english, chinese = (story(text).splitlines()[1] for text in (ENGLISH, CHINESE))
    assert chinese == english + LANGUAGE


def test_the_story_tells_the_same():
    """Codes, names, figures and files; both come from runs of the command."""
    pattern = r"RKM\d+|/[\w/]+Conv\b|seed_conv\.[\w./]+|\d+(?:,\d{3})+|\d\.\d{6}"
    english, chinese = (set(re.findall(pattern, story(text))) for text in (ENGLISH, CHINESE))
    assert english <= chinese


def test_headings_tables_and_lists_are_the_same():
    for pattern in (r"^(#+) ", r"^(\| `)", r"^(\* )", r"(!\[)"):
        english, chinese = (re.findall(pattern, prose(text), re.MULTILINE) for text in (ENGLISH, CHINESE))
        assert english == chinese, pattern


def test_inline_code_is_the_same():
    english, chinese = (sorted(re.findall(r"`([^`\n]+)`", prose(text))) for text in (ENGLISH, CHINESE))
    assert english == chinese


def test_links_are_the_same_and_lead_to_each_other():
    english, chinese = (sorted(re.findall(r"\]\(([^)]+)\)", prose(text))) for text in (ENGLISH, CHINESE))
    assert english.count("README.zh.md") == chinese.count("README.md") == 1
    english.remove("README.zh.md")
    chinese.remove("README.md")
    assert english == chinese
