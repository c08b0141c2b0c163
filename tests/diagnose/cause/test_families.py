"""Which family an explanation speaks of."""

from __future__ import annotations

from dataclasses import replace

import onnx_ir as ir
from conv_cases import NODE, SMALL, Case
from models import chain

from rkmend.diagnose.cause.conv_family import ConvFamily
from rkmend.diagnose.cause.conv_point import geometry
from rkmend.diagnose.cause.families import families
from rkmend.diagnose.cause.general_family import GeneralFamily
from rkmend.graph import validated
from rkmend.targets import load_target

RK3588 = load_target("rk3588")


def test_a_single_conv_is_varied_between_what_is_left_and_what_it_was():
    large = replace(SMALL, height=50, channels=7)
    culprit, reproducer = Case(large).model(), Case(SMALL, bias=False).model()
    for conv in reproducer.graph:
        conv.name = "short"
    first, second = families(culprit, reproducer, {"short": NODE}, RK3588)
    assert isinstance(first, ConvFamily) and isinstance(second, GeneralFamily)
    assert geometry(first.start) == SMALL and geometry(first.original) == large
    assert first.start["bias"] == "no" and first.original["bias"] == "yes"


def test_of_several_convs_the_one_it_came_from_is_taken():
    twice = Case(replace(SMALL, channels=9), consumers=("Relu",)).model()
    first, _ = families(twice, Case(SMALL).model(), {}, RK3588)
    assert geometry(first.original).channels == 9
    unknown, _ = families(twice, Case(SMALL).model(), {NODE: "gone"}, RK3588)
    assert unknown.original == unknown.start


def test_anything_else_is_varied_by_what_the_reducer_knows():
    model = validated(ir.from_proto(chain(3)))
    (only,) = families(model, model, {}, RK3588)
    assert isinstance(only, GeneralFamily) and only.culprit is model
