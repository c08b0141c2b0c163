"""Makes a toolkit environment: venv, pip, the pinned packages, a CPU build of torch, a trial.

Each step may be repeated, so an installation that was interrupted is simply run again: pip skips what is
complete, and what it left half done is removed first.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit import child
from rkmend.toolkit.interpreters import Interpreter
from rkmend.toolkit.pins import Pins
from rkmend.toolkit.pip import Pip, Say, child_env

TORCH = "RKMEND_TORCH"

_SMOKE = Path(__file__).with_name("inside") / "smoke.py"
_SMOKE_SECONDS = 300.0  # takes 2 to 5; a cold network disk may need a hundred times that to read torch


def make(folder: Path, pins: Pins, base: Interpreter, say: Say, *, keep_open: Sequence[int] = ()) -> None:
    """Makes the environment in `folder`, or completes it.

    Args:
        folder: Of the environment; may hold one that was interrupted.
        pins: What it consists of.
        base: The interpreter it is made with.
        say: Progress.
        keep_open: File descriptors that the children inherit.

    Raises:
        EnvironmentFailure: No disk space, no wheels, no network, no CPU build of torch, or the trial failed.
    """
    check_disk(folder, pins.disk_mb)
    temporary = folder / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    remove_half_installed(site_packages(folder, base.version))
    pip = Pip(folder, keep_open)

    say("making the virtual environment", 0.0)
    _make_venv(folder, base, keep_open)
    say("fetching pip", 0.03)
    pip.upgrade(pins.pip)
    pip.install(pins.requirements, on_progress=_part(say, 0.06, 0.45))
    _install_torch(pip, pins, _part(say, 0.45, 0.85))
    say("trying a small conversion", 0.85)
    _try_conversion(folder, keep_open)
    shutil.rmtree(temporary, ignore_errors=True)


def check_disk(folder: Path, needed_mb: int) -> None:
    """Holds when `folder` can grow to `needed_mb` megabytes (10^6 bytes).

    Raises:
        EnvironmentFailure: It cannot.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    used_mb = size_mb(folder)
    free_mb = shutil.disk_usage(there).free / 1e6
    if free_mb < needed_mb - used_mb:
        raise EnvironmentFailure(
            f"not enough disk space for a toolkit environment in {folder}: "
            f"{needed_mb - used_mb:.0f} MB are needed, {free_mb:.0f} MB are free",
            hint="Make room, or set RKMEND_CACHE to a folder on a larger disk.",
        )


def size_mb(folder: Path) -> float:
    """Megabytes (10^6 bytes) in the files under `folder`; 0 when it does not exist."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # somebody is at work in there
                total += os.lstat(f"{parent}/{name}").st_size
    return total / 1e6


def site_packages(folder: Path, python: str) -> Path:
    """Where the environment in `folder`, made with such a Python as `3.11`, keeps its packages."""
    return folder / "lib" / f"python{python}" / "site-packages"


def remove_half_installed(site: Path) -> None:
    """Makes pip forget the packages whose installation was cut short.

    pip writes a package's RECORD last; without it pip may take the package for installed, and can neither
    replace nor remove it. What it is about to replace it renames to `~...`.
    """
    half = [info for info in site.glob("*.dist-info") if not (info / "RECORD").exists()]
    for folder in (*half, *site.glob("~*/")):
        shutil.rmtree(folder)


def _make_venv(folder: Path, base: Interpreter, keep_open: Sequence[int]) -> None:
    status, lines = child.run(
        [base.path, "-I", "-m", "venv", folder], cwd=folder, env=child_env(folder), keep_open=keep_open
    )
    if status != 0:
        raise EnvironmentFailure(
            f"{base.path} cannot make a virtual environment: " + "; ".join(lines[-3:])[:500],
            hint="RKMEND_TOOLKIT_PYTHON chooses another Python.",
        )


def _install_torch(pip: Pip, pins: Pins, say: Say) -> None:
    """Installs the first CPU build there is; never anything that needs CUDA."""
    reasons = []
    for requirement, options in _torch_candidates(pins):
        say("looking for a CPU build of torch", 0.0)
        # A CPU index that cannot be reached must not cost pip's patience, which is minutes.
        hurry = ("--timeout", "5", "--retries", "0") if options else ()
        try:
            wheels = pip.look(requirement, *options, *hurry)
        except EnvironmentFailure as error:
            reasons.append(f"{requirement} {' '.join(options)}: {error.message}".replace(" :", ":"))
            continue
        if cuda := [name for wheel in wheels for name in gpu_packages(wheel["metadata"])]:
            reasons.append(f"{requirement} is a build for GPUs (it requires {', '.join(cuda[:3])} ...)")
            continue
        if wheels:
            pip.install([requirement], *options, on_progress=say)
        return
    raise EnvironmentFailure(
        "no CPU build of torch: " + "; ".join(reasons),
        hint=f"Set {TORCH} to the path or URL of a CPU wheel of torch for this Python, "
        f"or to a requirement that the configured registry has one for (tested: {pins.torch.requirement}).",
    )


def _torch_candidates(pins: Pins) -> list[tuple[str, tuple[str, ...]]]:
    if own := os.environ.get(TORCH):
        return [(own, ())]
    cpu_index = ("--index-url", f"https://{pins.torch.cpu_index}")
    return [(pins.torch.requirement, cpu_index), (pins.torch.requirement, ())]


def gpu_packages(metadata: dict[str, Any]) -> list[str]:
    """The GPU libraries that a wheel requires on this machine, from its metadata as pip reports it."""
    found = []
    for requirement in metadata.get("requires_dist", []):
        marker = requirement.partition(";")[2]
        elsewhere = "platform_machine" in marker and platform.machine() not in marker
        if "extra ==" in marker or elsewhere:
            continue
        if match := re.match(r"(?:nvidia|cuda|triton|pytorch-triton|rocm)[\w-]*", requirement, re.IGNORECASE):
            found.append(match[0])
    return found


def _try_conversion(folder: Path, keep_open: Sequence[int]) -> None:
    """Converts a one-Conv model.

    Raises:
        EnvironmentFailure: The toolkit does not work in there.
    """
    status, lines = child.run(
        [folder / "bin" / "python", "-I", _SMOKE],
        cwd=folder / "tmp",
        env=child_env(folder),
        keep_open=keep_open,
        timeout=_SMOKE_SECONDS,
    )
    if status != 0:
        last = "; ".join(line for line in lines[-5:] if line)[:600]
        raise EnvironmentFailure(
            f"the toolkit in {folder} cannot convert a model of one Conv (exit status {status}): {last}",
            hint=f"See what is wrong with it: rkmend toolkit doctor --python {folder}/bin/python",
        )


def _part(say: Say, start: float, end: float) -> Say:
    """Progress of a part of the whole."""
    return lambda text, fraction: say(text, start + (end - start) * fraction)
