"""Findings as SARIF 2.1.0, the format of code scanning services.

A finding is a result; its rule has the page of the rule for help; nodes are logical locations within their modules, and
the physical location is the model's file. A model is no text: the line that services ask for is always the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from rkmend._version import __version__
from rkmend.checking import Checked, Found, Operator, Unchecked
from rkmend.report.findings import Told, help_of, merged, standing_alone
from rkmend.report.outcome import OUTCOMES
from rkmend.report.sentences import words_of
from rkmend.report.text import printable
from rkmend.rules.base import Level
from rkmend.rules.registry import get_rule
from rkmend.words import ENGLISH, Language, Say

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.ADVICE: "note"}
FINGERPRINT = "rkmend/v1"
"""Of the code of the rule and the names of the nodes, and of nothing that changes with sizes, targets or wording."""


def sarif(checked: Checked, say: Say = ENGLISH) -> str:
    """One run, as JSON. Findings that differ in nothing but the target are one result, with `properties.targets`."""
    told = merged(checked.findings)
    rules = list(dict.fromkeys(one.found.code for one in told))
    places = _Places()
    seen: dict[str, int] = {}
    run = {
        "tool": {
            "driver": {
                "name": "rkmend",
                "semanticVersion": __version__,
                "rules": [_rule(code, say) for code in rules],
            }
        },
        "language": "zh-CN" if say.language is Language.ZH else "en-US",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(one) for one in checked.unchecked],
            }
        ],
        "results": [_result(one, rules, places, seen, say) for one in told],
        "logicalLocations": places.all,
        "columnKind": "unicodeCodePoints",
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=1).decode()


def _rule(code: str, say: Say) -> dict[str, Any]:
    if code in OUTCOMES:
        name, text, page = code.removeprefix("rkmend-"), say(OUTCOMES[code]), ""
    else:
        rule = get_rule(code)
        name, text, page = rule.name, rule.summary_line, rule.page()
        if say.language is Language.ZH and (words := words_of(code)):
            text, page = words.title, f"# {code} {name}\n\n{words.title}\n\n{words.what}\n\n{words.does}\n"
    told: dict[str, Any] = {
        "id": code,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
    }
    if page:
        told["help"] = {"text": page, "markdown": page}
    return told


def _result(told: Told, rules: list[str], places: _Places, seen: dict[str, int], say: Say) -> dict[str, Any]:
    found = told.found
    text = printable(standing_alone(found, say))
    if found.mend:
        text = f"{text}\n{printable(help_of(found, say))}"
    key = _fingerprint(found)
    seen[key] = seen.get(key, 0) + 1
    return {
        "ruleId": found.code,
        "ruleIndex": rules.index(found.code),
        "level": LEVELS[found.level],
        "message": {"text": text},
        "locations": [_location(found, places)],
        "partialFingerprints": {FINGERPRINT: f"{key}:{seen[key]}"},
        "properties": {"targets": list(told.targets), "facts": found.facts},
    }


def _location(found: Found, places: _Places) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(found.model)}, "region": {"startLine": 1}}
    }
    if found.operators:
        location["logicalLocations"] = [places.of(operator) for operator in found.operators]
    return location


def _fingerprint(found: Found) -> str:
    text = "\0".join((found.code, *found.nodes))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _notification(one: Unchecked) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": printable(f"{one.message} {one.hint}".strip())},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(one.model)}}}],
    }


def _uri(path: str) -> str:
    """Relative where the path is, as services want it: they know the root."""
    if Path(path).is_absolute():
        return Path(path).as_uri()
    return quote(Path(path).as_posix())


class _Places:
    """The logical locations of a run: nodes, within the modules that they were exported from."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, operator: Operator) -> dict[str, Any]:
        """A node, as a result refers to it."""
        name = printable(operator.name)
        number = self._number("node", name, lambda: self._node(operator, name))
        return {
            "index": number,
            "name": name,
            "fullyQualifiedName": self.all[number]["fullyQualifiedName"],
            "kind": "node",
        }

    def _node(self, operator: Operator, name: str) -> dict[str, Any]:
        module = printable(operator.module)
        node: dict[str, Any] = {"name": name, "kind": "node", "fullyQualifiedName": name}
        if module:
            node["fullyQualifiedName"] = f"{module}.{name.rpartition('/')[2]}"
            node["parentIndex"] = self._number(
                "module",
                module,
                lambda: {"name": module.rpartition(".")[2], "fullyQualifiedName": module, "kind": "module"},
            )
        if operator.operator:
            node["properties"] = {"operator": operator.operator}
        return node

    def _number(self, kind: str, name: str, make: Callable[[], dict[str, Any]]) -> int:
        if (kind, name) not in self._numbers:
            made = make()  # its module comes first
            self._numbers[kind, name] = len(self.all)
            self.all.append(made)
        return self._numbers[kind, name]
