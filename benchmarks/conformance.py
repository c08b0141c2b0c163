"""The ONNX backend tests through rkmend: how many of those that an NPU could run come out right.

    python benchmarks/conformance.py [--sample N] [--seed S] [--only TEXT ...] [--finished] [--fresh]

Takes the 1,590 models of the onnx 1.18.0 wheel (later wheels ship no node folder), downloaded on first use. Inputs
that have to be constant for a static graph (shapes, axes, k) become constants with the values of the test. What falls
outside of the demand, and why, is in results/conformance.md.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from common import RESULTS, say, table, verdict, write
from many import Job, names_in, right, run
from onnx import TensorProto, numpy_helper

from rkmend.conversion import Wishes
from rkmend.errors import RkmendError
from rkmend.graph import freeze, load, specialise
from rkmend.npz import write_npz
from rkmend.paths import cache_dir
from rkmend.rules import Exactness
from rkmend.rules.model.constant_inputs import constant_inputs

WHEEL = "1.18.0"
FOLDERS = ("node", "simple", "pytorch-operator", "pytorch-converted")
DTYPES = {
    getattr(TensorProto, name): name.lower()
    for name in ("FLOAT", "FLOAT16", "INT8", "UINT8", "INT32", "INT64", "BOOL")
}
DEMAND = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=None, help="that many tests, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--finished", action="store_true", help="run nothing, report the rows that there are")
    parser.add_argument("--fresh", action="store_true", help="forget the rows of earlier runs")
    arguments = parser.parse_args()
    keep = RESULTS / "conformance.rows.jsonl"
    if arguments.fresh:
        keep.unlink(missing_ok=True)
    tests = list(_tests(_data()))
    if arguments.only:
        tests = [
            test
            for test in tests
            if any(text in f"{test.parent.name}/{test.name}" for text in arguments.only)
        ]
    if arguments.sample:
        tests = random.Random(arguments.seed).sample(tests, arguments.sample)
    with tempfile.TemporaryDirectory() as folder:
        outside: dict[str, str] = {}
        jobs = []
        for test in tests:
            name = f"{test.parent.name}/{test.name}"
            try:
                jobs.append(_job(name, test, Path(folder)))
            except (Outside, RkmendError) as reason:
                outside[name] = str(reason).replace(f"{test}/", "")
        if arguments.finished:
            done = names_in(keep)
            jobs = [job for job in jobs if job.name in done]
        report(run(jobs, keep), outside)


class Outside(Exception):
    """A test that no NPU of this kind could run, and why."""


def _data() -> Path:
    folder = cache_dir() / "peers" / f"onnx-{WHEEL}"
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, f"onnx=={WHEEL}", "--dest", str(folder)], check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            data = [name for name in wheel.namelist() if name.startswith("onnx/backend/test/data/")]
            wheel.extractall(folder, data)
        (folder / "ready").touch()
    return folder / "onnx" / "backend" / "test" / "data"


def _tests(data: Path) -> Iterator[Path]:
    for kind in FOLDERS:
        yield from sorted(path for path in (data / kind).iterdir() if (path / "model.onnx").exists())


def _job(name: str, test: Path, folder: Path) -> Job:
    """The conversion of a test.

    Raises:
        Outside: Its inputs and outputs are not tensors of the dtypes, or not static.
    """
    model = onnx.load(test / "model.onnx")
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    for value in (*inputs, *model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            raise Outside(f"{value.name} is a {kind.removesuffix('_type') if kind else 'value without type'}")
        dtype = value.type.tensor_type.elem_type
        if dtype not in DTYPES:
            raise Outside(f"{value.name} is of dtype {TensorProto.DataType.Name(dtype).lower()}")
    given = {}
    for number, value in enumerate(inputs):
        file = test / "test_data_set_0" / f"input_{number}.pb"
        tensor = TensorProto()
        tensor.ParseFromString(file.read_bytes())
        given[value.name] = numpy_helper.to_array(tensor)
        if given[value.name].size == 0:
            raise Outside(f"{value.name} holds no elements")
    read = load(test / "model.onnx")
    constants = {key: given[key] for key in constant_inputs(read.ir)}
    samples = folder / f"{name.replace('/', '-')}.npz"
    write_npz(samples, [(key, array) for key, array in given.items() if key not in constants])
    if len(constants) == len(inputs):
        raise Outside("all of its inputs have to be constant: there is nothing left to compute")
    shapes = {key: array.shape for key, array in given.items() if key not in constants}
    static = freeze(specialise(read, constants, folder / "specialised.onnx"), shapes)
    for spec in static.outputs:
        if not spec.static:
            raise Outside(f"the shape of {spec} follows from the data")
        if 0 in spec.sizes:
            raise Outside(f"{spec} holds no elements")
    wishes = Wishes(inputs=shapes, constants=constants, samples=samples, exactness=Exactness.BOUNDED)
    return Job(name, test / "model.onnx", wishes)


def report(rows: dict[str, Any], outside: dict[str, str]) -> None:
    """Prints the tables."""
    groups = sorted({name.partition("/")[0] for name in rows})
    lines = []
    for group in groups:
        members = [row for name, row in rows.items() if name.startswith(f"{group}/")]
        alone = sum(row.get("alone") == "converted" for row in members)
        lines.append([group, len(members), alone, sum(map(right, members))])
    table(["tests", "inside", "right alone", "right with rkmend"], lines)
    say("\nOutside of the demand:\n")
    table(["why", "tests"], Counter(map(_kind, outside.values())).most_common())
    say("\nNot right:\n")
    for name, row in sorted(rows.items()):
        if not right(row):
            say(f"* {name}: {row['status']}: {row['why'][:400]}")
    share = sum(map(right, rows.values())) / max(1, len(rows))
    named = [name for name, row in rows.items() if not right(row) and not row.get("findings")]
    bare = [name for name, row in rows.items() if row["status"] == "traceback"]
    verdict("right, of those inside", round(share, 3), f">= {DEMAND}", share >= DEMAND)
    verdict("refused without a named rule", len(named), "0", not named)
    verdict("tracebacks", len(bare), "0", not bare)
    write("conformance", {"rows": rows, "outside": outside})


def _kind(why: str) -> str:
    """A reason without names."""
    if "/model.onnx " in why:
        why = f"... {why.partition('/model.onnx ')[2]}"
    for phrase in ("of dtype", "is a", "holds no elements", "follows from the data", "have to be constant"):
        if phrase in why:
            return f"... {why[why.index(phrase) :]}" if phrase in ("of dtype", "is a") else f"... {phrase}"
    return why[:100]


if __name__ == "__main__":
    main()
