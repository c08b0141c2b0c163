"""What counts as the same numbers."""

from __future__ import annotations

import msgspec

from rkmend.toolkit.tolerance import FP16, INT8, disagreements, tolerance_for
from rkmend.toolkit.verdict import Noise, OutputAgreement

GOOD = OutputAgreement("y", "normal", cosine=0.99999, max_abs=0.01, max_rel=0.002, reference_max=5.0)


def but(**changes):
    return msgspec.structs.replace(GOOD, **changes)


def test_rounding_noise_holds():
    assert FP16.holds(GOOD)


def test_each_measure_can_refuse():
    for bad in (
        but(cosine=0.99),
        but(max_rel=0.5),
        but(worst_channel_cosine=0.5),
        but(shape_ok=False),
        but(finite=False),
    ):
        assert not FP16.holds(bad)
        assert disagreements([GOOD, bad], FP16) == [bad]


def test_an_output_that_is_all_but_zero_is_held_by_difference():
    assert FP16.holds(but(reference_max=1e-5, cosine=0.3, max_rel=1.0, max_abs=1e-5))
    assert not FP16.holds(but(reference_max=1e-5, cosine=0.3, max_abs=0.1))


def test_int8_is_looser_and_says_why():
    assert tolerance_for(quantized=True) is INT8
    assert INT8.cosine < FP16.cosine and INT8.reason and FP16.reason


def noisy(sample: str = "normal", *, ratio: float = 1.0, peak: float = 1.0, share: float = 0.05):
    """Outside of the tolerance; compared with what rounding alone does."""
    return but(sample=sample, cosine=0.95, noise=Noise(share=share, ratio=ratio, peak=peak, differ=9))


def test_what_fp16_alone_makes_is_no_disagreement():
    assert not disagreements([noisy()], FP16)


def test_what_is_more_than_fp16_makes_is_one():
    for bad in (noisy(ratio=9.0), noisy(peak=9.0), but(cosine=0.95)):
        assert disagreements([GOOD, bad], FP16) == [bad]


def test_noise_is_no_excuse_where_no_sample_tells():
    drowned = noisy("zeros", share=0.9)
    assert disagreements([drowned], FP16) == [drowned]
    assert disagreements([drowned, but(reference_max=0.0, max_abs=0.0)], FP16) == [drowned]
    assert not disagreements([drowned, GOOD], FP16)
    assert disagreements([drowned, but(output="z")], FP16) == [drowned]
