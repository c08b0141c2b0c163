"""The list of all rules. A new rule is a new file and a line here."""

from __future__ import annotations

import difflib
from functools import cache

from rkmend.errors import InputError
from rkmend.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in order of code."""
    from rkmend.rules.affine import AffineOperator
    from rkmend.rules.constant_of_shape import ConstantOfShapeOperator
    from rkmend.rules.conv_padding import PaddingBeyondKernel
    from rkmend.rules.crop import CropOperator
    from rkmend.rules.image_scaler import ImageScalerOperator
    from rkmend.rules.opset import OpsetTooNew
    from rkmend.rules.toolkit_rule import ToolkitRuleCrash

    return (
        OpsetTooNew(),
        PaddingBeyondKernel(),
        ConstantOfShapeOperator(),
        ImageScalerOperator(),
        CropOperator(),
        AffineOperator(),
        ToolkitRuleCrash(),
    )


def get_rule(code: str) -> Rule:
    """The rule with this code or name.

    Raises:
        InputError: No such rule.
    """
    for rule in all_rules():
        if code.upper() == rule.code or code.lower() == rule.name:
            return rule
    known = [rule.code for rule in all_rules()] + [rule.name for rule in all_rules()]
    near = difflib.get_close_matches(code, known, n=1)
    raise InputError(
        f"unknown rule '{code}'" + (f"; did you mean '{near[0]}'?" if near else ""),
        hint="Known rules: " + ", ".join(f"{rule.code} ({rule.name})" for rule in all_rules()),
    )
