"""What the values of a model are on a sample, for its parts."""

from __future__ import annotations

import numpy as np
import onnx
from graphs import model, node, value

from rkmend.graph import extract, freeze, load, save
from rkmend.npz import read_npz, write_npz
from rkmend.verification.activations import Activations


def test_a_part_is_given_what_it_gets_in_the_model_whatever_nothing_reads(tmp_path):
    """The samples leave out inputs that nothing reads, as the toolkit does."""
    nodes = [node("Sigmoid", "x", "a", "first"), node("Sub", "a z", "y", "second")]
    inputs = [value(name, [1, 4]) for name in ("unread", "x", "z")]
    onnx.save(model(nodes, inputs, [value("y", [1, 4])]), tmp_path / "m.onnx")
    whole = freeze(load(tmp_path / "m.onnx"), {}).ir
    x, z = np.float32([[0, 1, 2, 3]]), np.float32([[4, 5, 6, 7]])
    write_npz(tmp_path / "sample.npz", [("input0", x), ("input1", z)])
    given = Activations(whole, tmp_path / "sample.npz", tmp_path / "activations", digest="it")
    part, path = extract(whole, ["second"]), tmp_path / "part.onnx"
    save(part, path)
    reference = given.reference(part, path)
    assert reference is not None
    # One rounding of float32 in the Sigmoid, on either side.
    np.testing.assert_allclose(
        read_npz(reference.samples[0].outputs, "output0"), 1 / (1 + np.exp(-x)) - z, rtol=1e-6
    )
