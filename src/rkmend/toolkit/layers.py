"""Asks the toolkit's simulator for every tensor within a network, in a process of its own like that of a Trial."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rkmend.toolkit.lookahead import Stop
from rkmend.toolkit.trial import Limits, Sample, Trial
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.toolkit.worker import Ending
from rkmend.toolkit.workers import Workers


class FoundLayer(msgspec.Struct, frozen=True):
    """One tensor of the graph that the toolkit built."""

    operator: str
    """What makes it, as the toolkit calls it: `Conv`, `exSwish` ..."""
    tensor: str
    value: str
    """The value of the model that it is; empty for what the toolkit added."""
    single_cosine: float | None
    """Of the layer alone on right inputs, by the toolkit's own measure; None where it is not finite."""
    reference: str
    """What it was compared with: a value of the `original` or `delivered` model, or the `toolkit`'s own in float32."""
    agreement: OutputAgreement


def compare_layers(
    trial: Trial,
    sample: Sample,
    values: Mapping[str, tuple[str, Path, str]],
    workers: Workers,
    folder: Path,
    limits: Limits,
) -> tuple[list[FoundLayer], str]:
    """Builds the model of a Trial once more and looks at its tensors.

    Args:
        trial: It converted; its outputs have names.
        sample: What the simulator is given.
        values: What ONNX Runtime says of tensors: of which model (`original`, `delivered`), .npz, key.
        workers: One of them does it.
        folder: Empty; what the analysis dumps there (26 bytes an element) is gone afterwards.
        limits: Where it is ended.

    Returns:
        The tensors that could be compared, in the toolkit's order, and why there are no more: empty where it came to
        its end, else one sentence without a full stop.

    Raises:
        EnvironmentFailure: The toolkit cannot be imported.
    """
    asked = {
        "sample": {"name": sample.name, "inputs": str(sample.inputs)},
        "values": {tensor: (of, str(path), key) for tensor, (of, path, key) in values.items()},
        "outputs": list(trial.reference.output_names) if trial.reference else [],
    }
    request = {**trial.request(folder, folder / "model.rknn"), "samples": [], "layers": asked}
    try:
        with workers.borrow(trial.toolkit, stop := Stop()) as worker:
            ending = worker.run(request, limits, stop)
        return _read(folder / "diary.jsonl", ending)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(diary: Path, ending: Ending) -> tuple[list[FoundLayer], str]:
    found, complete, why = list[FoundLayer](), False, ""
    for line in diary.read_bytes().splitlines() if diary.exists() else []:
        try:
            event = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            continue  # the last line of a killed process may be cut
        if "layer" in event:
            complete = event["layer"] is None
            found += [] if complete else [msgspec.convert(event["layer"], FoundLayer)]
        elif "exception" in event:
            why = f"{event['exception'][0]}: {event['exception'][1]}".partition("\n")[0]
    return found, "" if complete else why or _ended(ending)


def _ended(ending: Ending) -> str:
    if ending.ended_by == "itself":
        return f"its process ended with {f'signal {ending.signal}' if ending.signal else f'status {ending.code}'}"
    return f"its process was ended: {ending.ended_by}"
