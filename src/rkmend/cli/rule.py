"""`rkmend rule CODE`: the page of a rule."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rkmend.cli import run_options

if TYPE_CHECKING:
    from rkmend.words import Language


@click.command("rule")
@click.argument("code")
@run_options.language
def command(code: str, language: Language) -> None:
    """Show the page of a rule, by its CODE (RKM101) or name: what happens, why, what rkmend does, evidence."""
    from rkmend.report.rule_pages import in_chinese
    from rkmend.rules import get_rule

    rule = get_rule(code)
    page = rule.page()
    if language == "zh":
        page = in_chinese(rule)
    if not sys.stdout.isatty():
        click.echo(page)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(Markdown(page))
