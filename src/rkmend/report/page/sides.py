"""The two models of a conversion, as far as they can be read, with their plans and the roles of their nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rkmend.checking import Found, check_of
from rkmend.errors import InputError
from rkmend.planning import Plan, plan_of
from rkmend.report.page import pictures, roles
from rkmend.report.page.opened import Opened
from rkmend.report.page.plans import plan_rows
from rkmend.report.page.record import Picture
from rkmend.report.page.results import Results
from rkmend.report.page.rows import PlanRow, Which
from rkmend.words import Language, Say, Text, both

MENDED = ("mended", "head")
"""Kinds of file in which the mended model is: what is in the .rknn, where it is not the model as it was given."""


@dataclass
class Side:
    """One of the two models.

    Attributes:
        opened: The model.
        plan: None where shapes are missing.
        roles: Of its nodes.
        rows: Of the plan.
    """

    opened: Opened
    plan: Plan | None
    roles: roles.Roles = field(default_factory=dict)
    rows: tuple[PlanRow, ...] = ()


class Sides:
    """Both models.

    Attributes:
        original: The model as it was given; None where it is gone.
        mended: None where no mend changed it, or where it is gone.
        findings: What the rules say of the original.
        pictures: How layers of both are cut, and what bounds the delivered one.
        notes: What cannot be shown.
        delivered: Which of the two is in the .rknn.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._result = results.conversion
        self._dtype = "int8" if self._result.options.quantize else None
        self.notes: list[Text] = []
        self.pictures: list[Picture] = []
        self.original, self.mended = self._read_original(), self._read_mended()
        self.findings = self._check()
        self._give_roles()
        for side in self.both:
            self._plan_and_draw(side)
        changed = self._result.ok and any(kind in self._result.files for kind in MENDED)
        self.delivered: Which = "mended" if changed else "original"
        last = self.of(self.delivered)
        if last and last.plan:
            self.pictures += pictures.roofline(self.delivered, last.plan)

    @property
    def both(self) -> list[Side]:
        """Those that there are."""
        return [side for side in (self.original, self.mended) if side is not None]

    def of(self, which: Which) -> Side | None:
        """One of them."""
        return self.mended if which == "mended" else self.original

    def _read_original(self) -> Side | None:
        path = self._results.model()
        if path is None:
            named = self._result.model.path
            self._note(
                lambda say: say(
                    "The model {model} is not there any more, or is another one now, so its graph is not shown.",
                    model=named,
                )
            )
            return None
        return self._read(
            "original", path, {spec.name: spec.sizes for spec in self._result.model.inputs if spec.static}
        )

    def _read_mended(self) -> Side | None:
        kind = next((kind for kind in MENDED if kind in self._result.files), None)
        path = self._results.file(kind) if kind else None
        if kind and path is None:
            self._note(lambda say: say("The mended model is gone, so its graph is not shown."))
        return self._read("mended", path, {}) if path else None

    def _read(self, which: Which, path: Path, shapes: dict[str, tuple[int, ...]]) -> Side | None:
        try:
            opened = Opened.read(which, path, shapes)
        except InputError as error:
            self._left_out(Text(path.name, path.name), error)
            return None
        try:
            planned = plan_of(opened.seen, str(path), target=self._result.target, dtype=self._dtype)
        except InputError as error:
            self._left_out(both(lambda say: say("the plan of {model}", model=path.name)), error)
            planned = None
        return Side(opened, planned)

    def _check(self) -> Sequence[Found]:
        if self.original is None:
            return ()
        opened = self.original.opened
        try:
            return check_of(opened.seen, str(opened.path), self._result.target, dtype=self._dtype).findings
        except InputError as error:
            self._left_out(both(lambda say: say("what the rules say")), error)
            return ()

    def _give_roles(self) -> None:
        original, mended = (side.opened if side else None for side in (self.original, self.mended))
        if self.original and original:
            self.original.roles = roles.roles_of_original(self._result, original, mended, self.findings)
        if self.mended and mended:
            self.mended.roles = roles.roles_of_mended(original, mended)

    def _plan_and_draw(self, side: Side) -> None:
        """The rows of its plan, and how the culprits are cut, or what replaced them."""
        if side.plan is None:
            return
        wanted = "new" if side.opened.which == "mended" else "culprit"
        names = [name for name, (role, _code) in side.roles.items() if role == wanted]
        places = {}
        for name, picture in pictures.tilings(side.opened.which, side.plan, names):
            places[name] = len(self.pictures)
            self.pictures.append(picture)
        side.rows = plan_rows(side.plan, side.opened, places)

    def _left_out(self, what: Text, error: InputError) -> None:
        self._note(
            lambda say: say(
                "Left out: {what}: {why}.",
                what=what.zh if say.language is Language.ZH else what.en,
                why=say.again(error.message),
            )
        )

    def _note(self, tell: Callable[[Say], str]) -> None:
        self.notes.append(both(tell))
