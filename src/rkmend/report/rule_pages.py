"""The pages of all rules as files: `python -m rkmend.report.rule_pages docs/rules`."""

from __future__ import annotations

import sys
from pathlib import Path

from rkmend.report.sentences import words_of
from rkmend.rules import Rule, all_rules

INDEX = "README.md"


def in_chinese(rule: Rule) -> str:
    """The page in Chinese: what happens and what is done; evidence and limits stand in the English one."""
    if not (words := words_of(rule.code)):
        return rule.page()
    return (
        f"# {rule.code} {rule.name}\n\n{words.title}\n\n## 现象与原因\n\n{words.what}\n\n"
        f"## rkmend 的做法\n\n{words.does}\n\n"
        f"示例、精确程度与依据见英文页: `rkmend rule {rule.code} --lang en`\n"
    )


def rule_pages() -> dict[str, str]:
    """File name -> text: a page for each rule and the list of them."""
    rules = all_rules()
    rows = [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.level.value} | {rule.summary_line} |"
        for rule in rules
    ]
    index = [
        "# Rules",
        "",
        "What is known to fail and what mends it. Generated from the rules; `rkmend rule CODE` shows the same pages.",
        "",
        "| code | name | level | what it is about |",
        "|---|---|---|---|",
        *rows,
        "",
    ]
    return {INDEX: "\n".join(index), **{f"{rule.code}.md": rule.page() for rule in rules}}


def main() -> None:
    """Writes the pages, and removes those of rules that are no more."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pages = rule_pages()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
