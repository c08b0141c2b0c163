from __future__ import annotations

import pytest

from recorded_logs import VERSIONS, recorded
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.log_exception import LogException, find_exception


def read(name: str) -> LogException:
    found = find_exception(clean(recorded(name), pasted=False))
    assert found
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rule_that_failed(version: str) -> None:
    """Every version prints the match; 2.2.0 says `Ruler:`."""
    assert read(f"{version}-exception") == LogException(
        kind="KeyError",
        message="'LayerNormalization'",
        op_type="LayerNormalization",
        node="/model.1/LayerNormalization",
        nodes=("/model.1/LayerNormalization",),
        rule="convert_layernorm_to_exnorm",
        where="get_attr",
    )


def test_all_nodes_of_the_match() -> None:
    found = read("2.5.0-fuse_rule")
    assert (found.rule, found.op_type, found.nodes) == (
        "fuse_pad_into_conv",
        "Pad",
        ("/model.1/Pad", "/model.2/Conv"),
    )


def test_a_tensor_in_a_key_error() -> None:
    found = read("2.3.2-fold_constant")
    assert (found.kind, found.op_type, found.node) == ("KeyError", "", "/model.1/Transpose_output_0")
    assert (found.where, found.rule) == ("fold_constant", "")


def test_the_toolkits_own_words_have_no_place() -> None:
    found = read("2.3.2-dynamic_graph")
    assert found.message.startswith("The input 1 of TopK('/model.1/TopK') need to be constant!")
    assert (found.kind, found.op_type, found.node, found.where) == ("ValueError", "TopK", "/model.1/TopK", "")


def test_words_that_begin_on_the_next_line() -> None:
    found = read("2.5.0-random_node")
    assert found.message.startswith("Found Random node '/model.1/RandomNormalLike'")
    assert found.node == "/model.1/RandomNormalLike"


def test_onnx_runtimes_classes() -> None:
    found = read("2.3.2-ort_session")
    assert (found.kind, found.where) == ("InvalidArgument", "fold_constant")


def test_a_private_class() -> None:
    found = read("2.2.0-out_of_memory")
    assert (found.kind, found.rule) == ("_ArrayMemoryError", "gather_to_conv")


def test_an_operator_of_an_int8_model() -> None:
    message = (
        "The DynamicQuantizeLinear('/lstm/X_QuantizeLinear') will cause the graph to be a dynamic graph!"
    )
    found = find_exception([f"ValueError: {message}"])
    assert found
    assert (found.op_type, found.node) == ("DynamicQuantizeLinear", "/lstm/X_QuantizeLinear")


def test_the_toolkits_traceback_goes_before_others() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "numpy/__init__.py", line 1, in <module>',
        "AttributeError: _ARRAY_API not found",
        "",
        "Traceback (most recent call last):",
        '  File "rknn/api/graph_optimizer.py", line 9, in rknn.api.graph_optimizer.GraphOptimizer.correct_ops',
        "IndexError: list index out of range",
    ]
    found = find_exception(lines)
    assert found
    assert (found.kind, found.where) == ("IndexError", "correct_ops")
    first = find_exception(lines[:3])
    assert first
    assert first.kind == "AttributeError"


@pytest.mark.parametrize("version", VERSIONS)
def test_none_where_there_is_none(version: str) -> None:
    for name in ("success", "seed", "segfault", "regtask", "cpu"):
        assert find_exception(clean(recorded(f"{version}-{name}"))) is None
