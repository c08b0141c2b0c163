"""`rkmend rules`: the list of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rkmend.cli import run_options

if TYPE_CHECKING:
    from rkmend.words import Language


@click.command("rules")
@click.option("--json", "as_json", is_flag=True, help="As JSON: code, name, level, summary.")
@run_options.language
def command(as_json: bool, language: Language) -> None:
    """List all rules: what is known to fail, by code. `rkmend rule CODE` shows a page."""
    from rkmend.report.sentences import words_of
    from rkmend.rules import Rule, all_rules

    def summary(rule: Rule) -> str:
        words = words_of(rule.code) if language == "zh" else None
        return words.title if words else rule.summary_line

    listed = [(rule.code, rule.name, rule.level.value, summary(rule)) for rule in all_rules()]
    if as_json:
        import msgspec

        rows = [dict(zip(("code", "name", "level", "summary"), row, strict=True)) for row in listed]
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1))
        return
    width = max(len(name) for _code, name, _level, _line in listed)
    for code, name, level, line in listed:
        click.echo(f"{click.style(code, bold=True)}  {name:{width}}  {level:7}  {line}")
