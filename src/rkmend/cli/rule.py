"""`rkmend rule CODE`: the page of a rule."""

from __future__ import annotations

import sys

import click


@click.command("rule")
@click.argument("code")
def command(code: str) -> None:
    """Show the page of a rule, by its CODE (RKM101) or name: what happens, why, what rkmend does, evidence."""
    from rkmend.rules import get_rule

    page = get_rule(code).page()
    if not sys.stdout.isatty():
        click.echo(page)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(Markdown(page))
