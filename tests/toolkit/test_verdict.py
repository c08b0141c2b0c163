"""What a verdict says of its numbers."""

from __future__ import annotations

import pytest

from rkmend.toolkit.verdict import Noise


@pytest.mark.parametrize(
    ("ratio", "told"), [(3.14, "3.1"), (722.0, "720"), (51234.0, "51,000"), (0.04, "0.04")]
)
def test_a_multiple_of_the_noise_is_written_out(ratio, told):
    assert Noise(share=0.1, ratio=ratio, peak=0.0, differ=1).told == told
