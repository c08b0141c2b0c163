"""The tools that rkmend is held against, each in a virtual environment of its own, made on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rkmend.paths import cache_dir

POLYGRAPHY = (
    "polygraphy==0.53.6",
    "onnx-graphsurgeon==0.6.1",
    "onnx==1.18.0",
    "onnxruntime>=1.18",
    "numpy>=1.26",
    "protobuf>=4.25,<7",
)
VELA = ("ethos-u-vela==5.2.0",)
SIMPLIFIERS = ("onnxsim>=0.4.36", "onnxslim>=0.1.50", "onnx==1.18.0", "onnxruntime>=1.18")


def simplifier(name: str) -> Path:
    """The `onnxsim` or `onnxslim` command."""
    return _environment("simplifiers", SIMPLIFIERS) / "bin" / name


def polygraphy() -> Path:
    """The `polygraphy` command."""
    return _environment("polygraphy", POLYGRAPHY) / "bin" / "polygraphy"


def vela() -> Path:
    """The interpreter of an environment with Arm's Vela, the compiler for Ethos-U."""
    return _environment("vela", VELA) / "bin" / "python"


def _environment(name: str, requirements: tuple[str, ...]) -> Path:
    """The folder of an environment that holds these packages."""
    folder = cache_dir() / "peers" / f"{name}-cp{sys.version_info.major}{sys.version_info.minor}"
    ready = folder / "ready.txt"
    wanted = "\n".join(requirements)
    if not ready.exists() or ready.read_text() != wanted:
        print(f"making {folder} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [
            str(folder / "bin" / "python"),
            "-I",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, *requirements], check=True)
        ready.write_text(wanted)  # last: without it the environment is unfinished
    return folder
