"""Plans of small models: what each layer is taken for, what it costs, what is in memory when."""

from __future__ import annotations

import msgspec
import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.errors import InputError
from rkmend.planning import LayerPlan, Plan, plan
from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.cost import conv_cost

RK3588 = load_target("rk3588")


def weights(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


@pytest.fixture
def planned(tmp_path):
    """Plans a model that is made of nodes between `x` and `y`."""

    def make(nodes, shape, out, tensors=None, **options) -> Plan:
        path = tmp_path / "model.onnx"
        onnx.save(model(nodes, [value("x", shape)], [value("y", out)], tensors), path)
        return plan(path, target=options.pop("target", "rk3588"), **options)

    return make


def by_name(found: Plan) -> dict[str, LayerPlan]:
    return {layer.name: layer for layer in found.layers}


def test_a_conv_is_split_and_costed(planned):
    found = planned(
        [node("Conv", "x w b", "y", "conv", pads=[1, 1, 1, 1])], (1, 32, 48, 48), (1, 64, 48, 48),
        weights(w=(64, 32, 3, 3), b=(64,)),
    )  # fmt: skip
    (layer,) = found.layers
    shape = ConvGeometry(1, 32, 48, 48, 64, 3, 3, 1, 1, 1, 1, 1, 1)
    cost = conv_cost(shape, "fp16", RK3588)
    assert (layer.kind, layer.geometry) == ("Conv", shape)
    assert layer.split and layer.split.feature_banks + layer.split.weight_banks == 12
    assert (layer.macs, layer.cycles_npu, layer.cycles_ddr) == (
        48 * 48 * 64 * 32 * 9,
        cost.cycles_npu,
        cost.cycles_ddr,
    )
    assert layer.cycles == max(cost.cycles_npu, cost.cycles_ddr) == found.totals.cycles
    assert layer.utilisation == 1.0
    assert layer.bound == "compute"
    assert found.totals.peak_bytes == (32 + 64) * 48 * 48 * 2 and found.totals.peak_at == "conv"


def test_what_follows_a_conv_is_computed_along_with_it(planned):
    found = planned(
        [
            node("Conv", "x w", "c", "conv"),
            node("BatchNormalization", "c s t m v", "n", "norm"),
            node("Relu", "n", "r", "relu"),
            node("Add", "r x", "a", "add"),
            node("Sigmoid", "a", "g", "sigmoid"),
            node("Mul", "a g", "y", "mul"),
        ],
        (1, 16, 8, 8), (1, 16, 8, 8), weights(w=(16, 16, 1, 1), s=(16,), t=(16,), m=(16,), v=(16,)),
    )  # fmt: skip
    layers = by_name(found)
    assert layers["conv"].fused == ("BatchNormalization", "Relu", "Add", "Sigmoid", "Mul")
    assert all(
        layers[name].into == "conv" and layers[name].cycles is None for name in ("norm", "relu", "add", "mul")
    )
    plain = conv_cost(ConvGeometry(1, 16, 8, 8, 16, 1, 1), "fp16", RK3588, bias=False)
    assert layers["conv"].input_bytes == 2 * plain.input_bytes  # x is read to be added, too


def test_what_others_read_too_is_not_fused(planned):
    found = planned(
        [node("Conv", "x w", "c", "conv"), node("Relu", "c", "r", "relu"), node("Concat", "c r", "y", "cat", axis=1)],
        (1, 16, 8, 8), (1, 32, 8, 8), weights(w=(16, 16, 1, 1)),
    )  # fmt: skip
    layers = by_name(found)
    assert layers["conv"].fused == ()
    assert layers["relu"].kind == "other"


def test_a_sum_of_two_convs_is_computed_along_with_the_later(planned):
    found = planned(
        [node("Conv", "x w", "a", "one"), node("Conv", "x w", "b", "two"), node("Add", "a b", "y", "add")],
        (1, 16, 8, 8), (1, 16, 8, 8), weights(w=(16, 16, 1, 1)),
    )  # fmt: skip
    assert by_name(found)["add"].into == "two"


def test_nothing_is_added_along_with_a_swish(planned):
    found = planned(
        [
            node("Conv", "x w", "c", "conv"),
            node("Sigmoid", "c", "g", "sigmoid"),
            node("Mul", "c g", "m", "mul"),
            node("Add", "m x", "y", "add"),
        ],
        (1, 16, 8, 8), (1, 16, 8, 8), weights(w=(16, 16, 1, 1)),
    )  # fmt: skip
    layers = by_name(found)
    assert layers["conv"].fused == ("Sigmoid", "Mul") and layers["add"].kind == "other"


def test_only_what_leaves_the_model_is_written_in_whole_kernel_groups(planned):
    found = planned(
        [node("Conv", "x w", "c", "inner"), node("Conv", "c v", "y", "last")],
        (1, 16, 8, 8), (1, 24, 8, 8), weights(w=(24, 16, 1, 1), v=(24, 24, 1, 1)),
    )  # fmt: skip
    assert by_name(found)["inner"].output_bytes == 64 * 24 * 2  # three atoms of 8 channels
    assert by_name(found)["last"].output_bytes == 64 * 32 * 2  # two kernel groups of 16


def test_views_cost_nothing_and_take_no_memory(planned):
    found = planned(
        [
            node("Conv", "x w", "c", "conv"),
            node("Reshape", "c shape", "f", "flat"),
            node("Softmax", "f", "y", "soft", axis=1),
        ],
        (1, 16, 8, 8), (1, 1024), weights(w=(16, 16, 1, 1)) | {"shape": np.array([1, 1024])},
    )  # fmt: skip
    layers = by_name(found)
    assert layers["flat"].kind == "view" and layers["flat"].cycles is None
    assert layers["conv"].live_bytes == layers["soft"].live_bytes == 2 * 16 * 64 * 2


def test_the_convolution_unit_computes_products_of_matrices(planned):
    found = planned([node("MatMul", "x w", "y", "mm")], (1, 4, 20, 48), (1, 4, 20, 64), weights(w=(48, 64)))
    (layer,) = found.layers
    assert layer.kind == "MatMul" and layer.geometry == ConvGeometry(1, 48, 4, 20, 64, 1, 1)
    assert layer.macs == 4 * 20 * 48 * 64


def test_a_product_of_two_activations_is_one_for_each_matrix(planned):
    found = planned(
        [node("Transpose", "x", "t", "turn", perm=[0, 1, 3, 2]), node("MatMul", "x t", "y", "mm")],
        (1, 4, 20, 48), (1, 4, 20, 20),
    )  # fmt: skip
    layer = by_name(found)["mm"]
    assert layer.geometry == ConvGeometry(1, 48, 1, 20, 20, 1, 1)
    assert layer.macs == 4 * 20 * 48 * 20


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(planned, transposed):
    shape = (10, 32) if transposed else (32, 10)
    nodes = [node("Gemm", "x w b", "y", "fc", transB=transposed)]
    (layer,) = planned(nodes, (6, 32), (6, 10), weights(w=shape, b=(10,))).layers
    assert layer.geometry == ConvGeometry(1, 32, 1, 6, 10, 1, 1)
    assert layer.macs == 6 * 32 * 10


def test_conv_transpose_multiplies_over_its_output(planned):
    found = planned(
        [node("ConvTranspose", "x w", "y", "up", strides=[2, 2], kernel_shape=[2, 2])],
        (1, 16, 10, 12), (1, 8, 20, 24), weights(w=(16, 8, 2, 2)),
    )  # fmt: skip
    (layer,) = found.layers
    assert layer.kind == "ConvTranspose" and layer.geometry
    assert layer.geometry.output_shape == (1, 8, 20, 24)
    assert layer.input_bytes == 10 * 12 * 16 * 2  # as it lies in memory, not with the zeros between
    assert layer.split is None and "not known" in layer.unsplit


def test_a_signal_is_a_map_of_one_row(planned):
    found = planned(
        [node("Conv", "x w", "y", "conv", pads=[1, 1])], (1, 16, 100), (1, 32, 100), weights(w=(32, 16, 3))
    )
    (layer,) = found.layers
    assert layer.geometry and (layer.geometry.height, layer.geometry.kernel_h) == (1, 1)
    assert layer.split and len(layer.split.bands) == 1


def test_other_operators_cost_their_bytes(planned):
    found = planned(
        [node("MaxPool", "x", "y", "pool", kernel_shape=[2, 2], strides=[2, 2])], (1, 10, 8, 8), (1, 10, 4, 4)
    )
    (layer,) = found.layers
    assert (layer.input_bytes, layer.output_bytes) == (64 * 16 * 2, 16 * 16 * 2)  # channels in atoms of 8
    assert layer.cycles_npu is None and layer.cycles == layer.cycles_ddr == found.totals.cycles_other
    assert found.totals.cycles == 0


def test_constants_are_no_layers(planned):
    found = planned(
        [
            node("Shape", "x", "s", "shape"),
            node("Transpose", "w", "v", "turn", perm=[1, 0, 2, 3]),
            node("Conv", "x v", "c", "conv"),
            node("Reshape", "c s", "y", "back"),
        ],
        (1, 16, 8, 8), (1, 16, 8, 8), weights(w=(16, 16, 1, 1)),
    )  # fmt: skip
    assert [layer.name for layer in found.layers] == ["conv", "back"]


def test_shapes_that_do_not_follow_are_said_to_be_unknown(planned):
    found = planned(
        [node("NonZero", "x", "n", "where"), node("Cast", "n", "y", "cast", to=1)], (1, 16), (2, None)
    )
    assert all(layer.cycles is None and layer.unsplit for layer in found.layers)


def test_dynamic_inputs_are_asked_for(planned):
    nodes = [node("Relu", "x", "y", "relu")]
    with pytest.raises(InputError, match="dynamic inputs") as caught:
        planned(nodes, ("n", 8), ("n", 8))
    assert "--input" in caught.value.hint
    (layer,) = planned(nodes, ("n", 8), ("n", 8), inputs={"x": (5, 8)}).layers
    assert layer.output_shape == (5, 8)


def test_a_dtype_that_the_target_lacks_is_refused(planned):
    nodes = [node("Relu", "x", "y", "relu")]
    with pytest.raises(InputError, match="rv1106 does not compute in 'fp16'"):
        planned(nodes, (1, 8), (1, 8), target="rv1106", dtype="fp16")
    assert planned(nodes, (1, 8), (1, 8), target="rv1106").dtype == "int8"


def test_the_plan_is_json_and_back(planned):
    found = planned(
        [node("Conv", "x w", "y", "conv")], (1, 16, 8, 8), (1, 16, 8, 8), weights(w=(16, 16, 1, 1))
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Plan) == found


def test_int8_takes_half_the_bytes_and_half_the_cycles(planned):
    made = [
        planned(
            [node("Conv", "x w", "y", "conv")],
            (1, 64, 32, 32),
            (1, 64, 32, 32),
            weights(w=(64, 64, 3, 3)),
            dtype=dtype,
        ).layers[0]
        for dtype in ("fp16", "int8")
    ]
    wide, narrow = made
    assert narrow.input_bytes * 2 == wide.input_bytes
    assert narrow.cycles_npu and wide.cycles_npu == 2 * narrow.cycles_npu
