"""issue.md: a report that is ready to be pasted into the vendor's tracker, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rkmend.diagnose.reduction.record import NodeFacts, Reduction
from rkmend.repro.certificate import attributes_text, by_element, shown
from rkmend.repro.outcomes import failed, first_line
from rkmend.repro.private import redact
from rkmend.repro.words import CHINESE, ENGLISH, Words

INLINE_BYTES = 6 << 10
"""A script up to this size stands in the issue; a longer one is attached only."""
MOST_TRIED = 12
MOST_NODES = 30
MOST_LINES = 25
TITLE = 120
MACHINE = ("Python", "OS", "architecture")
"""What is said of the environment in a line; see `environment_of`."""
BEFORE_SENDING = (
    "<!-- Before sending: take the first heading as the title, and attach this folder as a .zip file. -->"
)


@dataclass(frozen=True)
class Issue:
    """What an issue says besides the Reduction.

    Attributes:
        target: None where a check command judged.
        version: Of RKNN-Toolkit2; None where a check command judged.
        script: Name of the script in the folder.
        code: Its text.
        run: The commands that show the failure.
        made: Whether the script makes the weights.
        environment: As in environment.txt.
        cause: The Cause in English, if it was established; `cause_zh` in Chinese.
    """

    target: str | None
    version: str | None
    script: str
    code: str
    run: str
    made: bool
    environment: Mapping[str, str]
    cause: str = ""
    cause_zh: str = ""


def issue_text(reduction: Reduction, issue: Issue) -> str:
    """The whole issue, Markdown as GitHub reads it; without paths and names of the user."""
    english = _Writer(ENGLISH, reduction, issue).body(issue.cause)
    chinese = _Writer(CHINESE, reduction, issue).body(issue.cause_zh or issue.cause)
    parts = [BEFORE_SENDING, f"# {title(reduction, issue)}", "（中文见下文）", english, "---", chinese]
    return redact("\n\n".join(parts)) + "\n"


def title(reduction: Reduction, issue: Issue) -> str:
    """One line: version, target, what happens, to which operators."""
    seen = shown(reduction)
    operators = list(dict.fromkeys(node.operator for node in reduction.nodes))
    what = " + ".join(operators) if len(operators) <= 3 else f"{reduction.nodes_after} nodes"
    who = f"RKNN-Toolkit2 {issue.version} for {issue.target}" if issue.version else "The check"
    text = f"{who} {failed(seen)[0]} on {what}: {first_line(seen)}"
    return text if len(text) <= TITLE else f"{text[: TITLE - 1].rstrip()}…"


@dataclass(frozen=True)
class _Writer:
    """Writes the body in one language."""

    words: Words
    reduction: Reduction
    issue: Issue

    def body(self, cause: str) -> str:
        """All sections; those with nothing to say are left out."""
        words = self.words
        sections = [
            (words.what, self._what()),
            (words.model, self._model()),
            (words.reproduce, self._reproduce()),
            (words.tried, self._tried()),
            (words.cause, [cause]),
            (words.versions, self._versions()),
        ]
        parts: list[str] = []
        for head, paragraphs in sections:
            said = [paragraph for paragraph in paragraphs if paragraph]
            parts += [f"## {head}", *said] if said else []
        return "\n\n".join([*parts, words.made.format(rkmend=self.reduction.rkmend)])

    def _what(self) -> list[str]:
        words, reduction, issue = self.words, self.reduction, self.issue
        seen = shown(reduction)
        happens, expected = words.happens, words.expected
        if issue.version is None:
            happens, expected = words.happens_check, words.expected_check
        elif seen.outcome == "wrong":
            expected = words.expected_wrong
        facts = {"version": issue.version, "target": issue.target, "failure": reduction.failure}
        return [
            happens.format(failed=failed(seen)[words.index], **facts),
            fenced("\n".join((seen.message or reduction.failure).splitlines()[:MOST_LINES]), "text"),
            words.flaky.format(share=reduction.flaky) if reduction.flaky is not None else "",
            expected,
        ]

    def _model(self) -> list[str]:
        words, reduction = self.words, self.reduction
        rows = [words.columns, "| --- | --- | --- | --- | --- |", *map(_row, reduction.nodes[:MOST_NODES])]
        more = len(reduction.nodes) - MOST_NODES
        return [
            words.reduced.format(before=reduction.nodes_before, after=reduction.nodes_after)
            + words.gap
            + (words.minimal if reduction.minimal else words.not_minimal),
            "\n".join(rows),
            words.more_nodes.format(count=more) if more > 0 else "",
            "" if reduction.weights_matter else words.no_matter,
        ]

    def _reproduce(self) -> list[str]:
        words, issue = self.words, self.issue
        short = not words.above and len(issue.code.encode()) < INLINE_BYTES
        language = "python" if issue.script.endswith(".py") else "sh"
        return [
            words.run.format(script=issue.script),
            fenced(issue.run, "sh"),
            words.weights if issue.made else "",
            _details(f"{words.script}: {issue.script}", fenced(issue.code, language)) if short else "",
        ]

    def _tried(self) -> list[str]:
        lines = []
        for tried in by_element(self.reduction.certificate):
            element = self.words.phrase(tried.element)
            for template, changes in (
                (self.words.cured, tried.cured),
                (self.words.otherwise, tried.otherwise),
            ):
                if changes:
                    text = self.words.comma.join(map(self.words.phrase, changes))
                    lines.append("* " + template.format(element=element, changes=text))
        more = len(lines) - MOST_TRIED
        if not lines:
            return []
        return [
            self.words.tried_intro,
            "\n".join(lines[:MOST_TRIED]),
            self.words.more_tried.format(count=more) if more > 0 else "",
        ]

    def _versions(self) -> list[str]:
        issue = self.issue
        asked = {"RKNN-Toolkit2": issue.version, "target_platform": issue.target}
        known = {**asked, **{name: issue.environment.get(name) for name in MACHINE}}
        return [
            self.words.comma.join(f"{name} {value}" for name, value in known.items() if value),
            self.words.above
            or _details("environment.txt", fenced(environment_text(issue.environment), "text")),
        ]


def environment_text(environment: Mapping[str, str]) -> str:
    """One fact a line, `name: value`."""
    return redact("\n".join(f"{name}: {value}" for name, value in environment.items()))


def fenced(text: str, language: str) -> str:
    """A block of code; the fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _details(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _row(node: NodeFacts) -> str:
    cells = (
        node.name,
        node.operator,
        "; ".join(node.inputs),
        "; ".join(node.outputs),
        attributes_text(node.attributes) or "-",
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
