"""Looks into one interpreter that holds a toolkit, or should, and judges what is in there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rkmend.toolkit import child, interpreters
from rkmend.toolkit.pins import Pins, numbers, pins_for, supported_versions

_PROBE = Path(__file__).with_name("inside") / "probe.py"
_PROBE_SECONDS = 120.0  # takes 3; torch from a cold network disk needs longer
_WHEELS = ((3, 8), (3, 12))  # the toolkit has some for 3.6 and 3.7 too, where the probe does not run


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    """What was found."""
    cure: str = ""
    """The command that mends it; empty when `ok`."""
    where: str = "rkmend"
    """`rkmend` for rkmend's own interpreter and folders, else what was looked into."""


class Facts(msgspec.Struct, frozen=True):
    """The first line of inside/probe.py."""

    python: str
    machine: str
    packages: dict[str, str]
    toolkit_tags: list[str]
    toolkit_requires: list[str]
    gpu_mb: int
    user_site: str


class Import(msgspec.Struct, frozen=True):
    """A further line of inside/probe.py."""

    name: str = msgspec.field(name="import")
    error: str = ""
    file: str = ""


@dataclass(frozen=True)
class Findings:
    """What inside/probe.py told of an interpreter."""

    facts: Facts
    imports: dict[str, Import]

    def error(self, module: str) -> str:
        """Why a module cannot be imported; empty when it can."""
        if module in self.imports:
            return self.imports[module].error
        return "importing it, or something before it, ends the interpreter"


Cure = Callable[[str], str]
"""Gives the command that runs a module of the interpreter, such as `pip install psutil`."""


def inspect(python: Path, pins: Pins, cure: Cure, fresh: str, *, isolated: bool) -> list[Check]:
    """Looks into an interpreter.

    Args:
        python: The interpreter.
        pins: What is known to work; where another supported toolkit version is found, its pins count.
        cure: The command that mends it in place.
        fresh: The command that makes an environment which works, for what cannot be mended in this one.
        isolated: Start it with `-I`, as rkmend does with its own, rather than as its user does.
    """
    found = interpreters.probe(python)
    if found is None:
        return [Check("Python", False, f"{python} does not run", fresh)]
    if found.implementation != "CPython" or not _WHEELS[0] <= numbers(found.version) <= _WHEELS[1]:
        detail = f"{found.implementation} {found.version}: RKNN-Toolkit2 is for CPython 3.8 to 3.12"
        return [Check("Python", False, detail, fresh)]
    findings = _probe(python, isolated=isolated)
    if isinstance(findings, str):
        return [Check("Python", False, f"{python} cannot tell what it holds: {findings}", fresh)]
    version = findings.facts.packages.get("rknn-toolkit2")
    pins = pins_for(version) if version in supported_versions() else pins
    runs = Check("Python", True, f"CPython {findings.facts.python}, {python}")
    checks = [runs, *judge(findings, pins, cure)]
    if error := findings.error("rknn.api"):
        first = next((check.cure for check in checks if not check.ok), fresh)
        return [*checks, Check("import rknn.api", False, error, first)]
    return [*checks, Check("import rknn.api", True, "works")]


def _probe(python: Path, *, isolated: bool) -> Findings | str:
    """Runs inside/probe.py; the last line it printed if it does not get as far as the facts."""
    with tempfile.TemporaryDirectory() as folder:  # the toolkit litters
        options = ["-I"] if isolated else []
        status, lines = child.run(
            [str(python), *options, str(_PROBE)],
            cwd=Path(folder),
            env=dict(os.environ),
            timeout=_PROBE_SECONDS,
        )
    answers = [line for line in lines if line.startswith("{")]
    try:
        facts = msgspec.json.decode(answers[0], type=Facts)
        imports = [msgspec.json.decode(line, type=Import) for line in answers[1:]]
    except (IndexError, msgspec.DecodeError):
        return lines[-1] if lines else f"exit status {status}"
    return Findings(facts, {one.name: one for one in imports})


def judge(findings: Findings, pins: Pins, cure: Cure) -> Iterator[Check]:
    """Compares what was found with what is known to work."""
    facts = findings.facts
    packages = facts.packages

    def install(name: str) -> str:
        return cure(f"pip install {_at_most(name, pins)}")

    no_pip = "" if "pip" in packages else "is not installed"
    yield _check("pip", no_pip, packages.get("pip", ""), cure("ensurepip"))
    yield _toolkit(facts, pins, cure)
    setuptools = f"from setuptools {packages.get('setuptools', '')}"
    yield _check("pkg_resources", findings.error("pkg_resources"), setuptools, install("setuptools"))
    for name, module, why in (
        ("numpy", "numpy", "the toolkit was compiled for NumPy 1"),
        ("protobuf", "google.protobuf", "the toolkit's limit"),
        ("onnx", "onnx", "the toolkit needs onnx.mapping, which newer ones lack"),
    ):
        version = packages.get(name, "")
        newest = pins.packages[name]
        error = findings.error(module) or (findings.error("onnx.mapping") if name == "onnx" else "")
        if version and numbers(version) > numbers(newest):
            error = f"{version} is newer than {newest}: {why}"
        yield _check(name, error, version, install(name))
    ort = packages.get("onnxruntime", "")
    yield _check("onnxruntime", findings.error("onnxruntime"), ort, install("onnxruntime"))
    yield _torch(findings, pins, cure)
    yield _others(facts, pins, cure)
    yield _user_site(findings)


def _at_most(name: str, pins: Pins) -> str:
    """A requirement: the pinned version, or an older one where this Python is too old for that."""
    return f"'{name}<={pins.packages[name]}'" if name in pins.packages else name


def _check(name: str, error: str, detail: str, cure: str) -> Check:
    return Check(name, not error, error or detail, cure if error else "")


def _toolkit(facts: Facts, pins: Pins, cure: Cure) -> Check:
    version = facts.packages.get("rknn-toolkit2", "")
    tag = "cp" + "".join(facts.python.split(".")[:2])
    error = "" if version else "is not installed"
    if version and not any(one.startswith(tag) and one.endswith(facts.machine) for one in facts.toolkit_tags):
        error = f"{version} is the wheel for {', '.join(facts.toolkit_tags)}; this is {tag} {facts.machine}"
    install = f"pip install --no-deps --force-reinstall rknn-toolkit2=={version or pins.version}"
    return _check("rknn-toolkit2", error, version, cure(install))


def _torch(findings: Findings, pins: Pins, cure: Cure) -> Check:
    facts = findings.facts
    gpu = f"GPU build: {facts.gpu_mb} MB of libraries that the toolkit never uses"
    detail = f"{facts.packages.get('torch', '')}, {gpu if facts.gpu_mb else 'CPU build'}"
    requirement = pins.torch.requirement.replace("==", "<=")
    install = f"pip install --index-url https://{pins.torch.cpu_index} '{requirement}'"
    return _check("torch", findings.error("torch"), detail, cure(install))


def _others(facts: Facts, pins: Pins, cure: Cure) -> Check:
    """What else the toolkit's own metadata requires; any of OpenCV's packages will do."""
    has_opencv = any(name.startswith("opencv-") for name in facts.packages)
    missing = {
        "opencv-python-headless" if name == "opencv-python" else name
        for name in facts.toolkit_requires
        if name not in facts.packages and not (name == "opencv-python" and has_opencv)
    }
    # Those with a check of their own are left to it.
    missing -= {"numpy", "protobuf", "onnx", "onnxruntime", "torch"}
    error = f"missing: {', '.join(sorted(missing))}" if missing else ""
    wanted = " ".join(_at_most(name, pins) for name in sorted(missing))
    return _check("other packages", error, "complete", cure(f"pip install {wanted}"))


def _user_site(findings: Findings) -> Check:
    """Packages in `~/.local` go before those of an environment that is not isolated."""
    folder = findings.facts.user_site
    inside = [one.name for one in findings.imports.values() if folder and one.file.startswith(f"{folder}/")]
    error = f"{', '.join(inside)} come from {folder}, not from the environment" if inside else ""
    return _check("user site", error, "nothing comes from it", "export PYTHONNOUSERSITE=1")
