"""RKM301: quantisation at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.quantised.dynamic_forms import write
from rkmend.rules.quantised.dynamic_sites import SITES, region, sites
from rkmend.rules.quantised.everywhere import EverywhereRule

if TYPE_CHECKING:
    import onnx_ir as ir

PRODUCT_NOISE, LSTM_NOISE = 2.0**-5, 2.0**-3
"""Derived and measured in the rule's page."""


class DynamicQuantisation(EverywhereRule):
    """The model measures the range of its activations at run time and computes with integers.

    ## What happens

    `build` raises one of

        ValueError: The DynamicQuantizeLinear('x_QuantizeLinear') will cause the graph to be a dynamic graph! ...
        ValueError: The input 1 of QuantizeLinear('y') need to be constant! ...
        TypeError: 'NoneType' object is not iterable

    the last for the operators that ONNX Runtime has of its own.

    ## Why

    The compiler fixes the scale of every tensor before any data is seen. Quantising at run time makes a model small
    and fast on a CPU; the NPU computes in fp16 or with constant scales.

    ## Example

    What `onnxruntime.quantization.quantize_dynamic` writes: `DynamicQuantizeLinear`, `MatMulInteger` or `ConvInteger`,
    `Cast`, `Mul` by both scales; `DynamicQuantizeLSTM`.

    ## What rkmend does

    * `float-weights`: computes in floats, with the weights that the integers stand for, per tensor or per channel:
      MatMulInteger, ConvInteger, MatMulIntegerToFloat, DynamicQuantizeMatMul, DynamicQuantizeLSTM and
      DequantizeLinear. Allow it with `--exactness bounded`.

    ## Exactness and its limits

    `bounded`: the weights are the same; what is left out is the rounding of the activations to 256 steps. A step is
    at most 2/255 of the largest absolute activation, so each was off by at most 1/255 of it, and an output by no more
    than 1/255 of the largest value that the operator can give for activations of that size. Relative to the outputs
    that occur the difference is like noise. For normal activations, which span ten standard deviations, a step has
    the standard deviation 10 / 255 / sqrt(12) = 1.1 % of theirs, and so has the product; with two such operands it is
    1.6 %. 3.1 % in the root mean square is allowed. An LSTM feeds its rounded state back; 1.2 % to 6.2 % were
    measured, the most for inputs ten times as large as they should be, and 12.5 % is allowed. The float form is the
    nearer one to the network before it was quantised. Keeping the rounding would not make it the same: in fp16 the
    values near 256 steps are themselves only known to an eighth of one.

    ## Evidence

    Toolkit 2.3.2, rk3588: all of 16 models that `quantize_dynamic` wrote (MatMul, Conv, attention, LSTM; int8 and uint8
    weights, per tensor and per channel) fail and 12 convert with the mend, against the quantised original with a
    cosine above 0.9999; the other four, attention, abort before and after quantisation alike. Three networks with
    LSTMs and int8 weights: cosines of 0.99995, 1.0 and 1.0 against the original.
    """

    code = "RKM301"
    name = "dynamic-quantisation"
    level = Level.ERROR
    operators = SITES
    what = "The model quantises at run time"
    mend = "float-weights"
    summary = "Computes in floats with dequantised weights what was quantised at run time."
    exactness = Exactness.BOUNDED

    def places(self, graph: ir.Graph) -> tuple[list[ir.Node], list[ir.Node]]:
        """The operators on integers made at run time, and what makes these and turns them into floats."""
        found = list(sites(graph))
        return [site.node for site in found], region(graph, found)

    def noise(self, finding: Finding) -> float:
        """Of activations rounded to 256 steps."""
        return LSTM_NOISE if "DynamicQuantizeLSTM" in finding.facts else PRODUCT_NOISE

    def rewrite(self, model: ir.Model) -> None:
        """The float form of every site."""
        graph = model.graph
        found = list(sites(graph))
        replaced = region(graph, found)
        for site in found:
            *others, last = site.nodes
            new = self.replacement(last, others)
            new.finish(*write(site, new))
        for node in reversed(replaced):  # those that only served them
            if node.graph is graph:
                graph.remove(node, safe=True)
