"""Findings as JUnit XML, the format in which CI servers count tests: a suite a model, a case a rule and target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from rkmend.checking import Checked, Found
from rkmend.report.findings import help_of, message_of, standing_alone
from rkmend.report.text import printable, printable_lines
from rkmend.rules.base import Level
from rkmend.words import ENGLISH, N_, Say

NOTHING = N_("no findings")
"""The case of a model that is fine, since a suite without cases counts as a mistake."""


def junit(
    checked: Checked,
    say: Say = ENGLISH,
    *,
    models: Sequence[str],
    targets: Sequence[str],
    failing: Iterable[Level] = (Level.ERROR,),
) -> str:
    """One suite a model.

    Args:
        checked: What was found.
        say: The language.
        models: Those that were looked at, in order.
        targets: Those that they were looked at for.
        failing: Levels of findings that make a case fail; the text of other cases is their output.
    """
    root = ElementTree.Element("testsuites", name="rkmend")
    fails = set(failing)
    for model in dict.fromkeys(models):
        suite = ElementTree.SubElement(root, "testsuite", name=printable(model))
        for target in dict.fromkeys(targets):
            _cases(suite, model, target, checked, fails, say)
        for one in checked.unchecked:
            if one.model == model:
                case = _case(suite, model, say("not checked"))
                ElementTree.SubElement(case, "skipped", message=_text(one.message)).text = _text(one.hint)
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(
    suite: ElementTree.Element, model: str, target: str, checked: Checked, fails: set[Level], say: Say
) -> None:
    rules: dict[str, list[Found]] = {}
    for found in checked.findings:
        if (found.model, found.target) == (model, target):
            rules.setdefault(f"{found.code} {found.name}", []).append(found)
    for name, alike in rules.items():
        case = _case(suite, model, f"{name} [{target}]")
        bad = [found for found in alike if found.level in fails]
        if bad:
            first = standing_alone(bad[0], say)
            failure = ElementTree.SubElement(case, "failure", message=_text(first), type=bad[0].level.value)
            failure.text = _listed(bad, say)
        if rest := [found for found in alike if found.level not in fails]:
            ElementTree.SubElement(case, "system-out").text = _listed(rest, say)
    if not rules:
        _case(suite, model, f"{say(NOTHING)} [{target}]")


def _case(suite: ElementTree.Element, model: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=printable(model), name=name)


def _listed(found: Iterable[Found], say: Say) -> str:
    texts = []
    for one in found:
        places = ", ".join(one.nodes) or say("the whole model")
        lines = [f"{one.level.value}: {places}", *message_of(one, say)]
        lines += [help_of(one, say)] if one.mend else []
        texts.append("\n".join(map(_text, lines)))
    return "\n\n".join(texts)


def _text(text: str) -> str:
    """XML has no control characters, not even escaped; as on the terminal they are written out."""
    return printable_lines(text)


def _count(element: ElementTree.Element) -> None:
    for kind, name in (
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        if kind != "skipped" or element.tag == "testsuite":  # the root has no such attribute
            element.set(kind, str(len(element.findall(f".//{name}"))))
