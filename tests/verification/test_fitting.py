"""Samples and calibration data for a model whose interface a mend has changed."""

from __future__ import annotations

import numpy as np

from rkmend.graph import TensorSpec
from rkmend.npz import read_npz, write_npz
from rkmend.toolkit.trial import Calibration, Reference, Sample
from rkmend.verification.fitting import fit_calibration, fit_reference

INPUTS = (TensorSpec("a", "uint8", (2, 2)), TensorSpec("k", "float64", ()))
OUTPUTS = (TensorSpec("y", "float64", (2, 2)), TensorSpec("z", "int64", (4,)))
A, K = np.arange(4, dtype=np.uint8).reshape(2, 2), np.array(0.5)
Y, Z = np.full((2, 2), 0.25), np.arange(4)


def reference(folder) -> Reference:
    write_npz(folder / "in.npz", [("input0", A), ("input1", K)])
    write_npz(folder / "out.npz", [("output0", Y), ("output1", Z)])
    sample = Sample("normal", folder / "in.npz", folder / "out.npz")
    return Reference("d", ("y", "z"), (sample,), INPUTS, OUTPUTS)


def test_the_same_interface_is_the_same_reference(tmp_path):
    made = reference(tmp_path)
    assert fit_reference(made, INPUTS, OUTPUTS, tmp_path) is made


def test_samples_follow_shape_dtype_and_order(tmp_path):
    made = reference(tmp_path)
    inputs = (TensorSpec("k", "float32", (1,)), TensorSpec("a", "float32", (1, 2, 2)))
    fitted = fit_reference(made, inputs, (TensorSpec("z", "int32", (2, 2)),), tmp_path)
    assert fitted.digest != made.digest
    assert fitted.output_names == ("z",)
    (sample,) = fitted.samples
    k, a = (read_npz(sample.inputs, f"input{n}") for n in (0, 1))
    assert (k.shape, k.dtype, a.shape, a.dtype) == ((1,), np.float32, (1, 2, 2), np.float32)
    assert np.array_equal(a.ravel(), A.ravel())
    z = read_npz(sample.outputs, "output0")
    assert (z.dtype, z.shape) == (np.int32, (2, 2))
    assert np.array_equal(z.ravel(), Z)


def test_calibration_follows(tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "k.npy", K)
    listing = tmp_path / "dataset.txt"
    listing.write_text(f"{tmp_path / 'a.npy'} {tmp_path / 'k.npy'}\n")
    given = Calibration("c", listing)
    assert fit_calibration(given, INPUTS, INPUTS, tmp_path) is given
    fitted = fit_calibration(given, INPUTS, (TensorSpec("a", "float32", (4,)),), tmp_path / "fitted")
    (line,) = fitted.listing.read_text().splitlines()
    assert np.load(line).dtype == np.float32
    assert np.array_equal(np.load(line), A.ravel())
    assert fitted.digest != given.digest
