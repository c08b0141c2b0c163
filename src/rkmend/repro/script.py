"""repro.py: the plain script that shows the failure, and repro.sh where a check command judged."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Any

from rkmend.diagnose.oracle import Observation
from rkmend.diagnose.reduction.record import Reduction
from rkmend.diagnose.reduction.weights import SCALE, SEED
from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.repro.certificate import shown
from rkmend.repro.outcomes import failed, first_line
from rkmend.repro.private import redact
from rkmend.repro.weights import WEIGHTS_FILE, Made
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.pins import pins_for
from rkmend.toolkit.tolerance import tolerance_for

BESIDE = ("onnx", "numpy", "setuptools")
"""Packages that the toolkit does not work with in every version its own metadata allows."""
EXPECTED = {
    "unsound": "every step ends, and the compiler logs no error (lines that start with `E`)",
    "wrong": "the outputs of the simulator agree with those of ONNX Runtime",
}


@dataclass(frozen=True)
class Setting:
    """How the reproducer is converted.

    Attributes:
        target: An SoC.
        version: Of RKNN-Toolkit2.
        options: What differs from the toolkit's defaults.
        inputs: Of the model, static.
        weights: What the script makes; empty when the .onnx file holds everything.
        stored: Whether there is an inputs.npz to read the inputs from.
    """

    target: str
    version: str
    options: BuildOptions
    inputs: Sequence[TensorSpec]
    weights: Sequence[Made]
    stored: bool

    @property
    def install(self) -> str:
        """The command that installs the toolkit."""
        wanted = [f"rknn-toolkit2=={self.version}"]
        try:
            pins = pins_for(self.version).packages
        except InputError:  # one that rkmend does not install itself
            pins = {}
        wanted += [f"{name}=={pins[name]}" for name in BESIDE if name in pins]
        return " ".join(["pip install", *wanted])


def python_script(reduction: Reduction, setting: Setting) -> str:
    """The text of repro.py: standard library, NumPy and the toolkit's own API."""
    wrong = shown(reduction).outcome == "wrong"
    parts = [_head(reduction, setting)]
    if setting.weights:
        parts.append(_weights(setting.weights))
    if wrong or setting.options.quantize:
        parts.append(_inputs(setting))
    if setting.options.quantize:
        parts.append(_template("dataset"))
    if wrong:
        tolerance = tolerance_for(quantized=setting.options.quantize)
        parts.append(_template("compare", cosine=tolerance.cosine, max_rel=tolerance.max_rel))
    parts.append(_main(setting, wrong=wrong))
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def shell_script(reduction: Reduction, weights: Sequence[Made]) -> str:
    """The text of repro.sh: the check command, on repro.onnx."""
    lines = ["#!/bin/sh", f"# {_happens(shown(reduction))}", 'cd "$(dirname "$0")" || exit']
    if weights:
        maker = f"import pathlib\n\nimport numpy as np\n\n{_weights(weights)}\n"
        lines += [
            f"[ -f {WEIGHTS_FILE} ] || python3 - <<'END'",
            maker,
            f'make_weights(pathlib.Path("{WEIGHTS_FILE}"))',
            "END",
        ]
    return "\n".join([*lines, reduction.oracle.replace("{}", "repro.onnx"), ""])


def _head(reduction: Reduction, setting: Setting) -> str:
    seen = shown(reduction)
    english, _ = failed(seen)
    quantized = setting.options.quantize
    imports = ["import sys", "from pathlib import Path"]
    arrays = setting.weights or quantized or seen.outcome == "wrong"
    third = ["import numpy as np"] * bool(arrays) + ["from rknn.api import RKNN"]
    story = f"RKNN-Toolkit2 {setting.version} for {setting.target} {english} on repro.onnx."
    expected = EXPECTED.get(seen.outcome, "every step ends, and repro.rknn is written")
    docstring = "\n".join(
        [
            f'"""{story}',
            "",
            *_folded("Expected: ", f"{expected}."),
            *_folded("Happens:  ", _happens(seen)),
            "",
            "How to run, on Linux, in a virtual environment of its own:",
            "",
            f"    {setting.install}",
            "    python repro.py",
            "",
            f"Reduced by rkmend {reduction.rkmend}.",
            '"""',
        ]
    )
    here = "HERE = Path(__file__).resolve().parent"
    return "\n".join([docstring, "", *imports, "", *third, "", here])


def _happens(seen: Observation) -> str:
    """The first decisive line, safe in a docstring and in a comment."""
    return redact(first_line(seen)).replace("\\", "/").replace('"', "'")


def _folded(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=head, subsequent_indent=" " * len(head))


def _weights(made: Sequence[Made]) -> str:
    return _template("weights", weights=_listed(one.source for one in made), seed=SEED, scale=SCALE)


def _inputs(setting: Setting) -> str:
    if setting.stored:
        return _template("loaded")
    dtypes = ("float32" if spec.dtype == "bfloat16" else spec.dtype for spec in setting.inputs)
    pairs = (f'({spec.sizes}, "{dtype}")' for spec, dtype in zip(setting.inputs, dtypes, strict=True))
    return _template("inputs", inputs=_listed(pairs))


def _main(setting: Setting, *, wrong: bool) -> str:
    options = setting.options
    prepare, simulate = "", ""
    if setting.weights:
        prepare += f'    if not (HERE / "{WEIGHTS_FILE}").exists():\n'
        prepare += f'        make_weights(HERE / "{WEIGHTS_FILE}")\n'
    build = f"do_quantization={options.quantize}"
    if options.quantize:
        prepare += '    make_dataset(HERE / "dataset.txt")\n'
        build += ', dataset=str(HERE / "dataset.txt")'
    done = "repro.rknn is written"
    if wrong:
        simulate = _template("simulate", feeds=_feeds(setting))
        done = "the outputs agree"
    config = {"target_platform": setting.target, **options.config()}
    return _template(
        "main", prepare=prepare, config=_arguments(config), build=build, simulate=simulate, done=done
    )


def _feeds(setting: Setting) -> str:
    """What ONNX Runtime gets: the toolkit takes mean and std away itself, per channel of axis 1."""
    lines = ["    feeds = list(inputs)\n"]
    for sign, values in (("-", setting.options.mean_values), ("/", setting.options.std_values)):
        for index, (own, spec) in enumerate(zip(values, setting.inputs, strict=False)):
            lines.append(f"    feeds[{index}] = feeds[{index}] {sign} {_channels(own, spec)}\n")
    return "".join(lines)


def _channels(values: tuple[float, ...], spec: TensorSpec) -> str:
    shape = ", ".join(["-1", *["1"] * (len(spec.shape) - 2)])
    return f"np.float32({_literal(values)}).reshape({shape})"


def _arguments(keywords: Mapping[str, Any]) -> str:
    """Keyword arguments on a line, or one a line when that is long."""
    texts = [f"{name}={_literal(value)}" for name, value in keywords.items()]
    line = ", ".join(texts)
    return line if len(line) < 90 else "\n" + "".join(f"        {text},\n" for text in texts) + "    "


def _literal(value: object) -> str:
    """As Python source: the toolkit's API guide shows lists and double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)


def _listed(texts: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {text},\n" for text in texts) + "]"


def _template(name: str, **values: object) -> str:
    text = (resources.files(__package__) / "templates" / f"{name}.py.txt").read_text(encoding="utf-8")
    return Template(text).substitute({key: str(value) for key, value in values.items()})
