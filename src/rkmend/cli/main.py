"""The group of commands, and what happens to their errors."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from types import FrameType

import click

from rkmend._version import __version__
from rkmend.errors import RkmendError
from rkmend.interrupts import keep_interrupts

COMMANDS = {
    "check": "Say what will fail or be slow and why, without any toolkit.",
    "convert": "Convert an ONNX model; where the toolkit fails, find out why and mend it.",
    "explain": "Find out why a model fails: the cause as a predicate, confirmed by experiment.",
    "log": "Read a toolkit log that somebody pasted: which operator, which failure, what to do.",
    "plan": "Say how each layer is cut and what it costs, without any toolkit.",
    "reduce": "Make a failing model as small as it can be while it still fails alike.",
    "report": "Write the page of a conversion anew, or show its models in Netron.",
    "rule": "Show the page of a rule.",
    "rules": "List the rules.",
    "serve": "Serve a page on this machine: drop a model, watch it being mended, read the report.",
    "toolkit": "Install, list, examine and remove toolkit environments.",
    "verify": "Compare what two ONNX models compute.",
}
"""The short helps stand here too, so that `rkmend --help` does not import every command."""

INTERRUPTED = 130


class _Lazy(click.Group):
    """Imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = import_module(f"rkmend.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rkmend", message="%(prog)s %(version)s")
def group() -> None:
    """ONNX models onto Rockchip NPUs: converted, mended where RKNN-Toolkit2 fails, and verified.

    Exit status: 0 done, 1 not convertible or not equal, 2 usage or bad input, 3 the toolkit environment cannot be
    made or used, 130 interrupted.
    """


def main() -> None:
    """Runs the command line and exits with its status; no traceback reaches the user for an error of theirs."""
    keep_interrupts()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        status = group.main(prog_name="rkmend", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing was left running or half-written", err=True)
        status = INTERRUPTED
    except RkmendError as error:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {error.message}", err=True)
        if error.hint:
            click.echo(f"{click.style('help:', fg='cyan', bold=True)} {error.hint}", err=True)
        if error.rule:
            page = f"`rkmend rule {error.rule}` says more."
            click.echo(f"{click.style('rule:', fg='cyan', bold=True)} {page}", err=True)
        status = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; there is nobody to tell
        status = 0
    sys.exit(status if isinstance(status, int) else 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
