"""The page's program and style: what is committed is what the sources make, small, and without what is not meant."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "web" / "frontend"
ASSETS = ROOT / "src" / "rkmend" / "report" / "page" / "assets"
BUDGET = 450_000
"""Bytes of page.js and page.css together: a report is to stay under 2 MB, logs and graphs included."""
ADDRESSES = {"http://www.w3.org/2000/svg"}
"""What looks like an address in the program and is the name of a namespace."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """The sources with exactly the packages of the lock file: those that are installed, or a copy with its own."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: whether the committed files are up to date was not looked at")
    if _installed() == _locked():
        return SOURCES
    copy = tmp_path_factory.mktemp("frontend") / "web" / "frontend"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci"], cwd=copy, capture_output=True, text=True, timeout=240)
    if done.returncode:
        pytest.skip(f"the packages cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    return copy


def _locked() -> dict[str, str]:
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    return {name: one["version"] for name, one in packages.items() if name and not one.get("optional")}


def _installed() -> dict[str, str]:
    found = SOURCES / "node_modules" / ".package-lock.json"
    packages = json.loads(found.read_text())["packages"] if found.is_file() else {}
    return {name: one["version"] for name, one in packages.items() if not one.get("optional")}


def test_what_is_committed_is_what_the_sources_make(packages, tmp_path):
    done = subprocess.run(
        ["node", "build.mjs", tmp_path], cwd=packages, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"page.js", "page.css", "THIRD-PARTY.txt"} <= set(built)
    stale = [name for name, content in built.items() if (ASSETS / name).read_bytes() != content]
    assert not stale, f"run `make frontend` and commit {', '.join(stale)}"


def test_the_page_is_small():
    assert sum((ASSETS / name).stat().st_size for name in ("page.js", "page.css")) <= BUDGET


def test_the_program_fetches_nothing_and_makes_no_markup_of_data():
    program, style = ((ASSETS / name).read_text() for name in ("page.js", "page.css"))
    assert set(re.findall(r"https?://[^\s\"'`)]+", program)) <= ADDRESSES
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(", program
    )
    assert not re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\b", program)
    assert "url(" not in style and "@import" not in style


def test_the_licence_of_everything_that_is_bundled_is_there():
    licences = (ASSETS / "THIRD-PARTY.txt").read_text()
    bundled = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    for name, version in bundled.items():
        assert f"{name} {version} (" in licences
    assert "Permission is hereby granted" in licences


def test_the_lock_file_is_whole_and_names_no_registry():
    locked = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    assert not [name for name, one in locked.items() if "resolved" in one]
    assert all(one.get("integrity") for name, one in locked.items() if name)
    there = {name.rpartition("node_modules/")[2] for name in locked}
    for kind in ("dependencies", "devDependencies", "optionalDependencies"):
        missing = {one for package in locked.values() for one in package.get(kind, ())} - there
        assert not missing, f"`npm ci` refuses a lock file without {missing}"
