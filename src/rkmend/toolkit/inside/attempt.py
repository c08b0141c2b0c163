"""One conversion attempt, from `rknn.config` to the simulator, in the process that calls it.

The process is expected to die: the compiler's native code aborts, segfaults and hangs. So what is
known is written down before each step, and the reader trusts only what stands in the file.
"""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path
from typing import Any


class Diary:
    """A file of JSON lines, one per event, each flushed to the kernel when written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def write(self, **event: Any) -> None:
        """Adds one event; values are JSON."""
        self._file.write(json.dumps(event) + "\n")


class Refused(Exception):
    """A call of the toolkit returned an error code."""


def attempt(request: dict[str, Any], diary: Diary) -> None:
    """Runs one Trial.

    Args:
        request: `model` (path), `target`, `config` (keyword arguments of `rknn.config`), `quantize`, `float16` (names
            of tensors that an int8 build keeps so), `dataset` (path of the toolkit's dataset list or None), `rknn`
            (path to export to), `samples` (list of {name, inputs, outputs: paths of .npz}), `output_names`, `parts`
            (path of an .npz with the parts of outputs, or None). With `layers` (see `compare_layers`) nothing is
            exported: the tensors within the network are looked at instead.
        diary: Gets {stage, at} before each step, {agreement} per output and sample or {layer} per tensor, and last
            {returned} or {exception}.
    """
    try:
        _steps(request, diary)
    except Refused as refused:
        diary.write(returned=int(refused.args[0]))
    except BaseException as error:
        diary.write(exception=[type(error).__name__, str(error)], traceback=traceback.format_exc())
    else:
        diary.write(returned=0)


def _steps(request: dict[str, Any], diary: Diary) -> None:
    from rknn.api import RKNN

    def stage(name: str) -> None:
        diary.write(stage=name, at=time.monotonic())

    def must(code: Any) -> None:
        if code != 0:
            raise Refused(code if isinstance(code, int) else -1)

    stage("config")
    rknn = RKNN(verbose=True)
    must(rknn.config(target_platform=request["target"], **request["config"]) or 0)
    stage("load")
    must(rknn.load_onnx(model=request["model"]))
    stage("build")
    if request.get("float16"):
        from mixed import build_mixed

        rknn = build_mixed(rknn, request, must)
    else:
        must(rknn.build(do_quantization=request["quantize"], dataset=request["dataset"]))
    if "layers" in request:
        from layers import compare_layers

        compare_layers(rknn, request["layers"], lambda record: diary.write(layer=record))
        return
    stage("export")
    must(rknn.export_rknn(request["rknn"]))
    if request["samples"]:
        stage("simulate")
        must(rknn.init_runtime())
        for sample in request["samples"]:
            _simulate(rknn, sample, request, diary)
    stage("done")


def _simulate(rknn: Any, sample: dict[str, Any], request: dict[str, Any], diary: Diary) -> None:
    import numpy as np
    from compare import compare, missing
    from noise import known_noise, known_parts, measure

    with np.load(sample["inputs"]) as inputs:
        arrays = [inputs[f"input{index}"] for index in range(len(inputs.files))]
    # Four axes mean NHWC to the toolkit unless it is told otherwise; for other ranks the word has no effect.
    got = rknn.inference(inputs=arrays, data_format=["nchw"] * len(arrays))
    del arrays
    if got is None:
        raise RuntimeError("the simulator returned nothing")
    with np.load(sample["outputs"]) as outputs:
        for index, name in enumerate(request["output_names"]):
            reference = outputs[f"output{index}"]
            if index < len(got) and len(got) == len(request["output_names"]):
                given = np.asarray(got[index])
                parts = known_parts(request["parts"], name)
                record = compare(reference, given, output=name, sample=sample["name"], parts=parts)
                known = known_noise(sample.get("noise"), name)
                if known and record["shape_ok"]:
                    record["noise"] = measure(reference, given, known)
            else:
                record = missing(reference, output=name, sample=sample["name"])
            diary.write(agreement=record)
