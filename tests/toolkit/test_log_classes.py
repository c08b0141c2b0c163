"""Every class on a line as the toolkit or the runtime printed it: from public threads, or recorded."""

from __future__ import annotations

import pytest

from recorded_logs import recorded
from rkmend.toolkit.log_classes import all_classes, sightings
from rkmend.toolkit.log_clean import clean

VERBATIM = {
    "config-layer": [
        "E RKNN: [12:31:52.727] Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error",
        "E RKNN: X tile buffer overflow! Failed to config layer: 'Conv:a', Fatal Error input W too large",
    ],
    "config-layer-fallback": [
        "W RKNN: [09:58:32.167] Failed to config layer: 'Conv:/m/Conv' using 3Core fallback to single core mode,",
    ],
    "regtask-width": [
        "E RKNN: [10:00:00.000] REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4030, "
        "shift = 0, limit: 0x1fff, value: 0x20cf",
    ],
    "argb-mode": ["E RKNN: [17:34:40.458] failed to config argb mode layer!"],
    "cpu-placement": ["E RKNN: [10:00:00.000] Unkown op target: 0"],
    "transpose-too-large": [
        "W RKNN: Transpose will fallback to CPU, because input shape has exceeded the max limit, "
        "height(256) * width(2560) = 655360, required product no larger than 8192!",
    ],
    "pad-on-cpu": ["W RKNN: Pad: mode constant unsupport pads[5] = 0"],
    "datain-entries": [
        "D RKNN: [17:34:40.245] DatainEntries overflow, need to tiling more, datain_entries: 4200, limitation: 2048",
    ],
    "range-check": [
        "  what():  vector::_M_range_check: __n (which is 2) >= this->size() (which is 3)",
        "IndexError: _Map_base::at",
    ],
    "native-crash": [
        "Segmentation fault (core dumped)",
        "段错误 (核心已转储)",
        "corrupted size vs. prev_size",
    ],
    "out-of-memory": ["Killed", "已杀死", "terminate called after throwing an instance of 'std::bad_alloc'"],
    "zero-size-tensor": ["E RKNN: invalid tensor malloc size, tensor name: , target: CPU, size: 0"],
    "no-lowering": [
        "No lowering found for: Atan_129, node type = Atan, use CustomOperatorLower instead.",
    ],
    "dataconvert": ["E RKNN: [13:04:04.332] dataconvert type -1 is unsupport in current!"],
    "unsupported-dtype": ["E RKNN: [13:04:02.641] Not Support Dtype: 2. please check precision!"],
    "integer-dtype": [
        "E RKNN: Unsupport tyep bits 64",
        "Unsupport type bits 64 for depthwise",
        "Meet unsupported output dtype for all Cast nodes",
        "ElementwiseLogical: unsupported A type: INT8, B type: FLOAT!",
    ],
    "bias-scale": ["E RKNN: clip_truncate < 0, plz make sure bias_scale > weight_scale * input_scale"],
    "scale-count": ["scale_inf.shape error!"],
    "unsupported-case": [
        'Fatal: Meet unsupported operator: Einsum(name="Einsum_12").',
        "Meet unsupported first tensor dtype for per-layer mul",
        "Meet unsupported case for Mod op",
        "Meet unsupported ArgMax indice layout",
    ],
    "qtype-default": [
        "W RKNN: [13:04:02.000] Warning: Tensor const_0 need parameter qtype, type is set to float16 by default!",
    ],
    "layout-forced": [
        "W RKNN: LayoutMatchManager: recursion_depth=3, Logic is Dangerous, Will Force layout to native.",
        "W RKNN: tensor name: images_rs#1_weight_0 is already in IndependentMap",
    ],
    "dynamic-shape": [
        "ValueError: The input shape ['B', 'T', 80] of 'speech' is not support! Please set the 'inputs' / "
        "'input_size_list' parameters of 'rknn.load_onnx', or set the 'dyanmic_input' parameter of 'rknn.config' to "
        "fix the input shape!",
        "Invalid input_shape = [0, 300, 300, 3] for input 0!",
        "Loading dynamic inputs model is not support, please fix it first",
    ],
    "dynamic-graph": [
        "E build: The input 0 of TopK('/model.23/TopK') need to be constant! It will cause the graph to be a dynamic "
        "graph! Remove TopK('/model.23/TopK') manually and try again!",
        "ValueError: The If('If_12') will cause the graph to be a dynamic graph! Remove it manually and try again!",
    ],
    "opset": ["ValueError: Unsupport onnx opset 21, need <= 19!"],
    "opset-advice": ["It is recommended onnx opset 19, but your onnx model opset is 12!"],
    "fuse-rule": ["W build: Show op fuse match nodes:"],
    "fold-constant": [
        '  File "rknn/api/graph_optimizer.py", line 960, in rknn.api.graph_optimizer.GraphOptimizer.fold_constant',
    ],
    "graph-optimiser": [
        '  File "rknn/api/graph_optimizer.py", line 1338, in rknn.api.graph_optimizer.GraphOptimizer.correct_ops',
    ],
    "ort-session": [
        "onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : "
        "Invalid rank for input: x Got: 4 Expected: 2 Please fix either the inputs/outputs or the model.",
    ],
    "ort-missing-kernel": [
        "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Gemm(11) node",
    ],
    "invalid-model": ["[ShapeInferenceError] Attribute dilations has incorrect size"],
    "topological-order": ["INVALID_GRAPH : Nodes in a graph must be topologically sorted"],
    "all-constant": [
        "All outputs ['y'] of model are constants, The model is invalid! Please check if the original model is valid?",
    ],
    "abnormal-shape": ["The shape of 'x' is (1, 0), it is abnormal!"],
    "random-node": [
        "Found Random node '/model.1/RandomNormalLike', which is not supported, please remove it manually",
    ],
    "operator-refused": [
        "ValueError: The Op of 'SequenceConstruct' is not supported yet, please remove it and try again!",
        "Unsupported ops: Counter({'Conv3DBackpropInputV2': 6})",
    ],
    "input-dtype": ["E build: Not support input data type 'float16'!"],
    "pool-too-large": ["ValueError: Global Average Pool input height/width > 128, which is not suppoted!"],
    "pytorch-operators": [
        "E load_pytorch: The following operators are not implemented: ['aten::format', 'aten::dim', 'aten::conv2d']",
    ],
    "wrong-platform-name": [
        "E config: Invalid target_platform 'rv1126'!",
        "E The target_platform contains platforms that are not currently supported. Unsupport platforms: RK3588",
    ],
    "old-catch": ["E build: Catch exception when building RKNN model!"],
    "mask-clamped": [
        "W build: For tensor ['m'], the value smaller than -3e+38 has been corrected to -10000. "
        "Set opt_level to 2 or lower to disable this correction.",
    ],
    "io-changed": [
        "The output shape of '1084' is changed from [1, 4] to [1, 1, 1, 4] in rknn model for performance!",
    ],
    "pkg-resources": ["ModuleNotFoundError: No module named 'pkg_resources'"],
    "onnx-mapping": ["AttributeError: module 'onnx' has no attribute 'mapping'"],
    "numpy-2": ["A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash"],
    "pip-requirement": [
        "ERROR: Could not find a version that satisfies the requirement onnxruntime==1.16.0",
        'AssertionError: Could not find "cmake" executable!',
        "Invalid requirement: 'rknn-toolkit2==1.4.0-22dcfef4'",
    ],
    "run-platform": ["Exception: Unsupported run platform: Linux aarch64"],
    "needs-quantization": ["E build: Current target_platform(rv1106) not support do_quantization = False!"],
    "already-quantized": [
        "E build: If a quantized model has been import, please set do_quantization = False.",
    ],
    "dataset": ["E build: Unsupport file #!!", "There is no valid data in the dataset"],
    "outlier": ["W build: found outlier value, this may affect quantization accuracy"],
    "hybrid-names": ["Invalid operands name 'x' in custom_quantize_layers!"],
    "fp16-range": ["W inference: The range [-1.0, inf] of 'ReduceMean_1_2avgpool' is out of the float16!"],
    "submit-failed": [
        "E RKNN: [10:00:00.000] failed to submit!, op id: 1, op name: Conv:/model.0/conv/Conv, flags: 0x5, "
        "task start: 0, task number: 3, run task counter: 0, int status: 0",
    ],
    "runtime-version": [
        "E RKNN: Invalid RKNN model version 6",
        "parseRKNN: exportDataSize large then model size: 12 vs 10!",
        "Invalid RKNN format!",
        "rknn_query, info_len(372) < sizeof(rknn_tensor_attr)(376)!",
    ],
    "driver-advice": [
        "W RKNN: Current driver version: 0.8.2, recommend to upgrade the driver to the new version: >= 0.8.8",
        "RKNN Model version: 1.6.0 not match with rknn runtime version: 1.5.2",
    ],
    "unsupported-cpu-op": [
        "E RKNN: Unsupport CPU op: GridSample in this librknnrt.so, please try to register custom op by calling "
        "rknn_register_custom_ops",
        "E RKNN: ERROR: unsupport Selu op in current",
    ],
    "mini-runtime-cpu": [
        "E RKNN: unsupport cpu Transpose op, op name: Transpose:606-rs_tp in current, please try updating",
        "E RKNN: rknn fallback cpu failed",
    ],
    "npu-malloc": [
        "failed to malloc npu memory!, size: 123456, flags: 0xa",
        "failed to allocate handle, ret: -1, errno: 22",
    ],
    "input-layout": [
        "E RKNN: Meet unsupported src layout for normalize: 0, only support NHWC src layout!",
        "KeyError: 'nchw'",
        "shape (1,3,480,640) is wrong, expect 'nhwc'",
        "W The input[0] need NHWC data format, but NCHW set, the data format and data buffer will be changed to NHWC.",
    ],
    "core-mask": ["Not support core mask: 7, fallback to single core auto mode"],
    "dynamic-input": [
        "W config: Please make sure the model can be dynamic when enable 'config.dynamic_input'!",
        "The 'dynamic_input' function has been enabled, the MaxShape is dynamic_input[3] = [[1, 5]]",
    ],
    "dump-missing": ["adb: error: remote object '/userdata/dumps' does not exist"],
}


def codes(text: str) -> list[str]:
    return [sighting.kind.code for sighting in sightings(clean(text))]


@pytest.mark.parametrize(
    ("code", "line"), [(code, line) for code, lines in VERBATIM.items() for line in lines]
)
def test_a_line_tells_its_class(code: str, line: str) -> None:
    assert code in codes(line)


def test_every_class_has_a_line() -> None:
    assert {kind.code for kind in all_classes()} == VERBATIM.keys()


@pytest.mark.parametrize("kind", all_classes(), ids=lambda kind: kind.code)
def test_every_class_is_told_in_full(kind) -> None:
    assert kind.title and not kind.title.endswith(".")
    assert kind.meaning.endswith(".")
    assert 1 <= kind.meaning.count(". ") + 1 <= 4
    assert kind.what_to_do
    assert kind.reference.startswith("https://github.com/")
    assert "\n" not in kind.meaning + kind.what_to_do + kind.title
    assert kind.harmless or not kind.alarming
    assert not (kind.harmless and kind.on_board)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2.3.2-seed", ["config-layer"]),
        ("2.3.2-success", []),
        ("2.3.2-exception", ["fuse-rule"]),
        ("2.3.2-segfault", []),
        ("2.2.0-regtask", ["config-layer-fallback", "regtask-width"]),
        ("2.2.0-cpu", []),
        ("2.3.2-cpu", ["cpu-placement"]),
        ("2.3.2-range_check", ["range-check"]),
        ("2.3.2-dtype", ["unsupported-dtype"]),
        ("2.3.2-dynamic_graph", ["dynamic-graph"]),
        ("2.3.2-dynamic_shape", ["dynamic-shape"]),
        ("2.3.2-fold_constant", ["topological-order", "fold-constant"]),
        ("2.3.2-ort_session", ["fold-constant", "ort-session"]),
        ("2.3.2-correct_ops", ["graph-optimiser"]),
        ("2.3.2-opset", ["opset"]),
        ("2.3.2-needs_quantization", ["needs-quantization"]),
        ("2.3.2-already_quantized", ["already-quantized"]),
        ("2.3.2-all_constant", ["all-constant"]),
        ("2.3.2-transpose_rv1106", ["io-changed", "transpose-too-large"]),
        ("2.2.0-out_of_memory", ["fuse-rule", "out-of-memory"]),
        ("2.5.0-random_node", ["random-node"]),
        ("2.5.0-fuse_rule", ["fuse-rule"]),
        ("2.5.0-fallback", ["config-layer-fallback"]),
    ],
)
def test_recorded_logs_in_order(name: str, expected: list[str]) -> None:
    assert codes(recorded(name)) == expected


def test_first_line_and_count() -> None:
    (sighting,) = (each for each in sightings(clean(recorded("2.3.2-regtask"))) if each.kind.on_board)
    assert sighting.count == 14
    assert sighting.line.startswith("E RKNN: [") and "shift = 0" in sighting.line


def test_an_anchored_signature_needs_the_beginning_of_the_line() -> None:
    assert codes("it was Killed by somebody") == []
