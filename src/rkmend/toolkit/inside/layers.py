"""Layer by layer: what the toolkit's simulator makes of every tensor of the graph that it built.

`rknn.accuracy_analysis` (API guide 2.3.2; with `target=None` it needs no board) writes three things per tensor: what
the simulator gives, what the toolkit's own graph gives in float32, and how near the two are when the layer alone is
computed by the simulator. The tensors keep their ONNX names, but the graph is the toolkit's: operators are fused,
others are new.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SAME_COSINE = 0.9999
SAME_REL = 0.01
"""Two float32 results of one value are at least so near: they differ by the order of sums, 2^-24 each. What differs by
more is another value that happens to keep the name, as the output of a layer that a factor was moved into or out of."""


class Row(NamedTuple):
    """A line of the toolkit's table."""

    operator: str
    tensor: str
    single_cosine: float | None
    """None where it is no number: the layer alone is not finite."""


class Known(NamedTuple):
    """What ONNX Runtime says of a tensor."""

    of: str
    """`original` or `delivered`: the model that it is a value of."""
    path: str
    key: str
    """Of the array in the .npz."""

    def array(self) -> np.ndarray:
        """The numbers."""
        with np.load(self.path) as arrays:
            array: np.ndarray = arrays[self.key]
        return array


def compare_layers(
    rknn: Any, request: dict[str, Any], write: Callable[[dict[str, Any] | None], None]
) -> None:
    """Runs the analysis in the current folder and hands on a record per tensor.

    Args:
        rknn: Built.
        request: `sample` ({name, inputs: path of an .npz with `input0`, ...}), `values` ({tensor: fields of Known})
            and `outputs` (names of the model's outputs).
        write: Called with a record for each tensor that could be compared, and last with None.
    """
    from compare import compare

    folder = Path("layers").absolute()
    inputs = _inputs(request["sample"]["inputs"])
    if rknn.accuracy_analysis(inputs=inputs, output_dir=str(folder), target=None) != 0:
        raise RuntimeError("the toolkit's accuracy analysis failed")
    dump = _Dump(folder)
    values = {tensor: Known(*known) for tensor, known in request["values"].items()}
    renamed = _computes_the_same(dump, values, request["outputs"])
    for row in read_table((folder / "error_analysis.txt").read_text()):
        got, golden = dump.load("simulator", row.tensor), dump.load("golden", row.tensor)
        if got is None or golden is None or got.size != golden.size:
            continue
        name, of, want = origin(row.tensor, values), "toolkit", golden
        value = name if name == row.tensor else ""
        if name:
            array = values[name].array()
            if _same(array, golden) or (value and not renamed and array.size == golden.size):
                value, of, want = name, values[name].of, array
        agreement = compare(
            want, got.reshape(want.shape), output=row.tensor, sample=request["sample"]["name"]
        )
        write({**row._asdict(), "value": value, "reference": of, "agreement": agreement})
    write(None)


def origin(tensor: str, values: Collection[str]) -> str:
    """The value of the model that a tensor is by its name, or by what is left of it without suffixes; else nothing.

    The toolkit calls what it reshaped `y_rs`, what it quantised `y_int8`. A shorter name says nothing by itself: the
    numbers have to be the same.
    """
    while tensor and tensor not in values:
        tensor = tensor.rpartition("_")[0]
    return tensor


def read_table(text: str) -> Iterator[Row]:
    """The rows of error_analysis.txt, but for inputs and for layers without numbers, which the next one computes."""
    for line in text.splitlines():
        found = re.match(r"\[(\w+)\] (.+?)\s+\S+\s*\|\s*\S+\s+(\S+)\s*\|\s*\S+\s*$", line)
        if found is not None:
            operator, tensor, cosine = found.groups()
            if operator != "Input":
                yield Row(operator, tensor, _number(cosine))


def read_names(text: str) -> Mapping[str, str]:
    """From tensors to names of files without suffix; without those that share a file, since one overwrote the other."""
    found = re.findall(r"^(.+?)\s{2,}(.+)\.txt\s*$", text, re.MULTILINE)
    uses = Counter(file for _, file in found)
    return {tensor: file for tensor, file in found if uses[file] == 1}


class _Dump:
    """The arrays that the analysis wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = read_names((folder / "map_name_to_file.txt").read_text())

    def load(self, whose: str, tensor: str) -> np.ndarray | None:
        """What the `simulator` gives, or the toolkit's own graph in float32 (`golden`)."""
        path = self._folder / whose / "npy" / f"{self._files.get(tensor)}.npy"
        return np.load(path) if path.exists() else None


def _inputs(path: str) -> list[str]:
    files = []
    with np.load(path) as arrays:
        for index in range(len(arrays.files)):
            files.append(str(Path(f"layer-input{index}.npy").absolute()))
            np.save(files[-1], arrays[f"input{index}"])
    return files


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # q_inf, q_nan
        return None


def _computes_the_same(dump: _Dump, values: Mapping[str, Known], outputs: list[str]) -> bool:
    """Whether the toolkit's graph, in float32, gives the outputs of the model.

    Then what differs within it is another value under the same name, and no error.
    """
    pairs = ((dump.load("golden", name), values.get(name)) for name in outputs)
    return all(_same(known.array(), given) for given, known in pairs if given is not None and known)


def _same(value: np.ndarray, other: np.ndarray) -> bool:
    from compare import compare

    if value.size != other.size:
        return False
    found = compare(value, other.reshape(value.shape), output="", sample="")
    close = found["cosine"] >= SAME_COSINE and found["max_rel"] <= SAME_REL
    return bool(found["finite"] and (found["max_abs"] == 0 or close))
