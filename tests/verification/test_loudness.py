"""Which tensors make the noise of an int8 build."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from drowning import SHAPE, drowning
from rkmend.graph import freeze, load
from rkmend.verification.loudness import loudest
from rkmend.verification.samples import Sample


@pytest.mark.parametrize(
    ("factor", "apart", "loud"),
    [(1000, (), ("r",)), (1, (), ()), (1000, ("r",), ())],
    ids=["a huge channel", "channels alike", "not rounded anyhow"],
)
def test_the_tensor_with_a_huge_channel_is_the_loudest(tmp_path, factor, apart, loud):
    onnx.save(drowning(factor), tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", input0=np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32))
    given = freeze(load(tmp_path / "m.onnx"), {})
    assert loudest(given.ir, [Sample("s", tmp_path / "s.npz")], tmp_path, apart) == loud
