"""Tells what an interpreter and its packages are: one JSON object a line.

Run by any Python that may hold the toolkit, also a broken one, as its user runs it (without `-I`). The first
line holds the facts that need no import; then one line for each import that was tried, so that one which
crashes natively is known by the absence of its line.
"""

from __future__ import annotations

import json
import platform
import re
import site
from importlib import import_module, metadata

IMPORTS = (
    "pkg_resources",
    "numpy",
    "google.protobuf",
    "onnx",
    "onnx.mapping",
    "onnxruntime",
    "torch",
    "rknn.api",
)


def facts() -> dict[str, object]:
    """Interpreter, packages (name -> version), what the toolkit's wheel is for and needs, GPU libraries."""
    packages: dict[str, str] = {}
    tags: list[str] = []
    requires: list[str] = []
    gpu_bytes = 0
    for dist in metadata.distributions():
        name = normal(dist.metadata["Name"] or "")
        packages.setdefault(name, dist.version)  # the first on sys.path is the one that is imported
        if name == "rknn-toolkit2":
            wheel = dist.read_text("WHEEL") or ""
            tags = [line.partition(":")[2].strip() for line in wheel.splitlines() if line.startswith("Tag:")]
            requires = [normal(re.split(r"[^\w.-]", one)[0]) for one in dist.requires or []]
        if name.startswith(("nvidia-", "triton")):
            gpu_bytes += sum(file.size or 0 for file in dist.files or [])
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": packages,
        "toolkit_tags": tags,
        "toolkit_requires": requires,
        "gpu_mb": gpu_bytes // 10**6,
        "user_site": site.getusersitepackages() if site.ENABLE_USER_SITE else "",
    }


def normal(name: str) -> str:
    """A package's name as every tool spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def attempt(name: str) -> dict[str, object]:
    """Imports a module; says where from, or why not."""
    try:
        module = import_module(name)
    except BaseException as error:  # a package that calls sys.exit on import is one more that does not work
        return {"import": name, "error": type(error).__name__ + ": " + str(error).partition("\n")[0]}
    return {"import": name, "file": getattr(module, "__file__", None) or ""}


def main() -> None:
    """Prints the facts, then the imports."""
    print(json.dumps(facts()), flush=True)
    for name in IMPORTS:
        print(json.dumps(attempt(name)), flush=True)


if __name__ == "__main__":
    main()
