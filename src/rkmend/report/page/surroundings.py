"""With what a conversion was made, and the commands to make it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rkmend.records import Conversion
from rkmend.report.page.record import Command, Fact, NodeCommand
from rkmend.report.page.results import Results
from rkmend.repro.environment import environment_of
from rkmend.toolkit.environments import installed
from rkmend.words import N_, Text, both


def environment(results: Results) -> tuple[Fact, ...]:
    """What judged the model: versions, then the packages of the toolkit's environment as far as they are known."""
    result = results.conversion
    facts = [Fact("rkmend", result.rkmend), Fact("target", result.target)]
    if result.toolkit:
        facts.append(Fact("RKNN-Toolkit2", f"{result.toolkit.version} ({result.toolkit.fingerprint})"))
    facts.append(Fact("build options", result.options.describe()))
    return (*facts, *(Fact(name, value) for name, value in _packages(results)))


def _packages(results: Results) -> Iterator[tuple[str, str]]:
    """From the reproducer's folder, or from the environment itself while it is the same one."""
    repro = results.file("repro")
    if repro and (text := repro / "environment.txt").is_file():
        for line in text.read_text(encoding="utf-8", errors="replace").splitlines():
            name, colon, value = line.partition(": ")
            if colon:
                yield name, value
        return
    known = results.conversion.toolkit
    same = [one for one in installed() if known and one.fingerprint == known.fingerprint]
    yield from environment_of(same[0].python).items() if same else ()


def commands(results: Results) -> tuple[Command, ...]:
    """What can be run in a shell to see the same."""
    result = results.conversion
    listed = [Command(_title(N_("The same conversion")), convert_command(result))]
    if result.first_verdict and not result.first_verdict.converted:
        listed.append(Command(_title(N_("The smallest model that fails alike")), _command("reduce", result)))
        listed.append(Command(_title(N_("Why it fails, by experiment")), _command("explain", result)))
    if "recipe" in result.files:
        recipe = shlex.quote(Path(result.files["recipe"]).name)
        again = f"{convert_command(result)} --recipe {recipe}"
        listed.append(Command(_title(N_("The same mends on a newer model, without a search")), again))
    if "mended" in result.files:
        pair = shlex.join([Path(result.model.path).name, Path(result.files["mended"]).name])
        listed.append(Command(_title(N_("Do both models compute the same?")), f"rkmend verify {pair}"))
    listed.append(Command(_title(N_("What the rules say before any toolkit")), _command("check", result)))
    return tuple(listed)


def node_commands(result: Conversion) -> tuple[NodeCommand, ...]:
    """What can be run about one node."""
    title = _title(N_("How this layer is cut and what it costs"))
    listed = [NodeCommand(title, "original", f"{_command('plan', result)} --node ", "")]
    if "mended" in result.files:
        mended = shlex.join(["rkmend", "plan", Path(result.files["mended"]).name, "--target", result.target])
        listed.append(NodeCommand(title, "mended", f"{mended} --node ", ""))
    return tuple(listed)


def convert_command(result: Conversion) -> str:
    """`rkmend convert` as it was called, as far as the report knows: not what data it was calibrated on."""
    options = []
    if result.toolkit:
        options += ["--toolkit", result.toolkit.version]
    given = msgspec.to_builtins(result.options)
    if given.pop("quantize", False):
        options += ["--quantize", "DATASET"]
    return " ".join([_command("convert", result), shlex.join(options)]).strip()


def _command(name: str, result: Conversion) -> str:
    words = ["rkmend", name, Path(result.model.path).name, "--target", result.target]
    constants = {spec.name for spec in result.constants}
    for spec in result.model.inputs:
        sizes = "x".join(map(str, spec.shape)) or "scalar"
        words += [] if spec.name in constants else ["--input", f"{spec.name}={sizes}"]
    if name == "convert":
        for constant in result.constants:
            words += ["--constant", f"{constant.name}=VALUE"]
    return shlex.join(words)


def _title(message: str) -> Text:
    return both(lambda say: say(message))
