"""Parts of a model on what they are given in the model: real activations instead of random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph import CannotExtract, digest_ir, extract, save
from rkmend.graph.model import graph_inputs
from rkmend.graph.surgery import is_read
from rkmend.npz import read_npz, write_npz
from rkmend.toolkit.trial import Reference, Sample
from rkmend.verification import samples as sampling
from rkmend.verification.half import in_half
from rkmend.verification.int8 import in_int8, ranges
from rkmend.verification.noise import RUNS, Rounding, with_noise
from rkmend.verification.runner import run_model

if TYPE_CHECKING:
    import onnx_ir as ir


class Activations:
    """What the values of a model are on one sample.

    Args:
        model: With inferred shapes.
        sample: An .npz with `input0`, `input1`, ...
        folder: Of its own, for what is computed on the way; made if need be.
        digest: Names the model and the sample.
        inputs: Names of the inputs in the sample; those that something reads by default, in graph order.
    """

    def __init__(
        self,
        model: ir.Model,
        sample: Path,
        folder: Path,
        *,
        digest: str = "",
        inputs: Sequence[str] | None = None,
    ) -> None:
        self._model, self._folder, self._digest = model, folder, digest
        read = [str(value.name) for value in graph_inputs(model.graph) if is_read(value)]
        self._inputs = list(inputs) if inputs is not None else read
        self._known = {name: (sample, f"input{index}") for index, name in enumerate(self._inputs)}
        self._sample = sampling.Sample(sample.stem, sample)
        folder.mkdir(parents=True, exist_ok=True)

    def reference(self, part: ir.Model, path: Path, *, quantize: bool = False) -> Reference | None:
        """What a part computes and what rounding alone does to it; None when it cannot be run.

        Args:
            part: Its inputs are values of the model.
            path: Where it is saved; the sample goes into a folder of that name without the suffix.
            quantize: It is built in int8, calibrated on what it is given here.
        """
        folder = path.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        names = [str(value.name) for value in graph_inputs(part.graph)]
        try:
            self._compute([name for name in names if name not in self._known])
            fed = sampling.Sample("activations", folder / "activations.npz")
            write_npz(
                fed.path,
                ((f"input{index}", read_npz(*self._known[name])) for index, name in enumerate(names)),
            )
            run = run_model(path, [fed], folder / "reference")
            rounding: Rounding = in_half
            if quantize:
                rounding = partial(in_int8, measured=ranges(part, [fed], folder / "ranges"))
        except (InputError, CannotExtract):
            return None
        sample = Sample(fed.name, fed.path, run.outputs[0])
        plain = Reference(f"{self._digest} {digest_ir(part)}", run.output_names, (sample,))
        return with_noise(
            plain, part, [fed], folder / "noise", rounding=rounding, runs=RUNS if quantize else 0
        )

    def values(self, names: Sequence[str]) -> dict[str, tuple[Path, str]]:
        """Where values stand: an .npz and a key.

        Args:
            names: Of values of the model with a known dtype and a static shape; all are held at once.

        Raises:
            CannotExtract: The sample lacks an input.
            InputError: ONNX Runtime cannot run the model.
        """
        self._compute([name for name in names if name not in self._known])
        return {name: self._known[name] for name in names}

    def _compute(self, names: Sequence[str]) -> None:
        """Runs the whole model for values that are not known yet."""
        if not names:
            return
        number = len(list(self._folder.iterdir()))
        path = self._folder / f"{number}.onnx"
        nodes = [str(node.name) for node in self._model.graph]
        whole = extract(self._model, nodes, keep_outputs=names)
        save(whole, path)
        needed = [str(value.name) for value in graph_inputs(whole.graph)]
        if missing := [name for name in needed if name not in self._inputs]:
            raise CannotExtract(f"the sample has nothing for {', '.join(missing)}")
        left = [self._inputs.index(name) for name in needed]
        run = run_model(path, [self._sample], self._folder / str(number), order=left)
        for index, name in enumerate(run.output_names):
            self._known[name] = (run.outputs[0], f"output{index}")
