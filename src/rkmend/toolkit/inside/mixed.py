"""Builds an int8 model of which some tensors stay in float16, in the current folder: hybrid quantisation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

NONE = "custom_quantize_layers: {}\n"
"""How the toolkit writes into its configuration that no tensor is an exception."""
OPERAND = re.compile(r"^ {4}(?P<quote>'?)(?P<name>.+)(?P=quote):$", re.MULTILINE)
"""A tensor of `quantize_parameters`; only names that look like numbers are quoted."""


def build_mixed(rknn: Any, request: dict[str, Any], must: Callable[[Any], None]) -> Any:
    """Quantises, excepts the tensors, and builds.

    Args:
        rknn: With the model loaded; used up.
        request: As for `attempt`, with `float16`.
        must: Gets what each call of the toolkit returned.

    Returns:
        What is built.

    Raises:
        ValueError: None of the tensors is there once the toolkit has fused the layers.
    """
    from rknn.api import RKNN

    must(rknn.hybrid_quantization_step1(dataset=request["dataset"], proposal=False))
    (path,) = Path().glob("*.quantization.cfg")
    text = path.read_text(encoding="utf-8")
    known = {found["name"] for found in OPERAND.finditer(text)}
    kept = [name for name in request["float16"] if name in known]
    if not kept:
        raise ValueError(f"none of the tensors is left to keep in float16: {', '.join(request['float16'])}")
    lines = "".join(f"    '{name}': float16\n" for name in kept)
    path.write_text(text.replace(NONE, f"custom_quantize_layers:\n{lines}", 1), encoding="utf-8")
    stem = path.name.removesuffix(".quantization.cfg")
    mixed = RKNN(verbose=True)
    must(mixed.config(target_platform=request["target"], **request["config"]) or 0)
    must(
        mixed.hybrid_quantization_step2(
            model_input=f"{stem}.model", data_input=f"{stem}.data", model_quantization_cfg=path.name
        )
    )
    return mixed
