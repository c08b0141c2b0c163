"""Writes the folder with a reproducer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.record import Reduction
from rkmend.errors import InputError
from rkmend.files import atomic_copy, atomic_write, read_ends
from rkmend.graph import export
from rkmend.graph.model import graph_inputs, spec_of
from rkmend.graph.tensors import weights
from rkmend.repro.certificate import shown
from rkmend.repro.issue import Issue, environment_text, issue_text
from rkmend.repro.private import redact
from rkmend.repro.script import Setting, python_script, shell_script
from rkmend.repro.weights import WEIGHTS_FILE, Made, export_without, made_by_script
from rkmend.toolkit.options import BuildOptions

if TYPE_CHECKING:
    import onnx_ir as ir

MADE_FROM = 256 << 10
"""Bytes of weights from which those that the script can make are left to it."""
INPUTS_UP_TO = 500_000
"""Bytes of inputs that are handed over; larger ones the script makes by seed."""
LOG_HEAD, LOG_TAIL = 64 << 10, 192 << 10
"""Bytes of a long log that are kept from its beginning and its end; a check command may print gigabytes."""


def write_repro(
    folder: Path,
    reduction: Reduction,
    model: ir.Model,
    *,
    target: str | None,
    toolkit_version: str | None,
    options: BuildOptions | None,
    log: Path | None,
    environment: Mapping[str, str],
    samples: Path | None = None,
    cause: str = "",
    cause_zh: str = "",
) -> dict[str, Path]:
    """Writes everything that shows the failure to somebody who does not have rkmend.

    Args:
        folder: Exists; files of an earlier reproducer in it are replaced.
        reduction: With at least its baseline.
        model: The reproducer, with static inputs; left as it is.
        target: An SoC; None where a check command judged.
        toolkit_version: Of RKNN-Toolkit2; None where a check command judged.
        options: Of the conversion; None for the defaults.
        log: What was printed when the reproducer failed.
        environment: Fact -> value, see `environment_of`.
        samples: An .npz with `input0`, `input1`, ... on which the results were wrong.
        cause: In English, if it was established.
        cause_zh: The same in Chinese.

    Returns:
        The files by kind: `repro`, `script`, `inputs`, `log`, `environment`, `issue`.

    Raises:
        InputError: A file cannot be written.
    """
    _clear(folder)
    files = {"repro": folder / "repro.onnx"}
    made = _write_model(model, files["repro"])
    wrong = shown(reduction).outcome == "wrong"
    if wrong and samples is not None and samples.stat().st_size < INPUTS_UP_TO:
        files["inputs"] = folder / "inputs.npz"
        atomic_copy(samples, files["inputs"])
    if target is None or toolkit_version is None:
        files["script"], code, run = folder / "repro.sh", shell_script(reduction, made), "sh repro.sh"
    else:
        inputs = [spec_of(value) for value in graph_inputs(model.graph)]
        options = options or BuildOptions()
        setting = Setting(target, toolkit_version, options, inputs, made, stored="inputs" in files)
        files["script"], code = folder / "repro.py", python_script(reduction, setting)
        run = f"{setting.install}\npython repro.py"
    atomic_write(files["script"], code.encode())
    if log is not None and log.is_file():
        files["log"] = folder / "log.txt"
        atomic_write(files["log"], redact(read_ends(log, LOG_HEAD, LOG_TAIL)).encode())
    files["environment"] = folder / "environment.txt"
    atomic_write(files["environment"], f"{environment_text(environment)}\n".encode())
    name = files["script"].name
    issue = Issue(target, toolkit_version, name, code, run, bool(made), environment, cause, cause_zh)
    files["issue"] = folder / "issue.md"
    atomic_write(files["issue"], issue_text(reduction, issue).encode())
    return files


def _clear(folder: Path) -> None:
    """Takes away what an earlier reproducer left, above all weights that would be taken for this one's."""
    names = ("repro.onnx", "repro.onnx.data", "repro.py", "repro.sh", "repro.rknn", WEIGHTS_FILE)
    for name in (*names, "inputs.npz", "log.txt", "environment.txt", "issue.md"):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot replace {folder / name}: {error.strerror or error}",
                hint="Choose another output folder.",
            ) from error


def _write_model(model: ir.Model, path: Path) -> Sequence[Made]:
    """Writes repro.onnx; gives the weights that are left to the script, in order."""
    large = sum(tensor.nbytes for tensor in weights(model)) > MADE_FROM
    made = made_by_script(model) if large else []
    if made:
        export_without(model, made, path)
    else:
        export(model, path)
    return made
