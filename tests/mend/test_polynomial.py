from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from conv_cases import SMALL, Case
from hypothesis import given
from hypothesis import strategies as st

from rkmend.mend.polynomial import EXACT, demand_exact, largest_integers, longest_sum
from rkmend.mend.region import Unproved


@given(st.integers(1, 1_000_000))
def test_the_largest_integers_keep_sums_exact_and_the_next_would_not(products):
    m = largest_integers(products)
    assert products * m * m + m < EXACT
    assert (products + 1) * (m + 1) ** 2 >= EXACT


def region(weight: float) -> ir.Model:
    model = Case(SMALL).model()
    for value in model.graph.initializers.values():
        value.const_value = ir.tensor(np.full(value.shape.numpy(), weight, np.float32), name=value.name)
    return model


def test_a_conv_sums_one_product_per_weight_of_a_channel():
    assert longest_sum(region(1)) == 3


def test_degree_and_size_of_a_conv():
    assert demand_exact(region(1), 100) == 2
    limit = (EXACT - 1) // 3 // 1000  # three products of weights of 1000, and a bias of 1000
    assert demand_exact(region(1000), limit - 1) == 2
    with pytest.raises(Unproved, match=r"can reach \d+"):
        demand_exact(region(1000), limit + 1)


def test_float32_is_exact_below_the_limit_and_not_above():
    assert np.float32(EXACT - 1) != np.float32(EXACT)
    assert np.float32(EXACT + 1) == np.float32(EXACT)
