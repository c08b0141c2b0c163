"""Vela's check of supported operators alone, in Vela's own environment: `python vela_operators.py MODEL.tflite RUNS`.

Prints JSON: the operators, and for each run the seconds of wall and of processor time after imports.
"""

from __future__ import annotations

import json
import sys
import time

from ethosu.vela.model_reader import ModelReaderOptions
from ethosu.vela.tflite_model_semantic import TFLiteSemantic
from ethosu.vela.tflite_reader import read_tflite
from ethosu.vela.tflite_supported_operators import TFLiteSupportedOperators


def check(path: str) -> int:
    """Reads the file and asks for every operator whether the NPU has it."""
    options = ModelReaderOptions()
    network = read_tflite(
        path, options.batch_size, feed_dict={}, output_node_names=None, initialisation_nodes=None
    )
    semantic, supported = TFLiteSemantic(), TFLiteSupportedOperators()
    operators = [operator for graph in network.subgraphs for operator in graph.get_all_ops()]
    for operator in operators:
        if semantic.is_operator_semantic_valid(operator):
            supported.is_operator_supported(operator)
    return len(operators)


if __name__ == "__main__":
    sys.setrecursionlimit(100_000)  # Vela walks a graph node by node; its command line has an option for it
    seconds, operators = [], 0
    for _ in range(int(sys.argv[2])):
        started, used = time.perf_counter(), time.process_time()
        operators = check(sys.argv[1])
        seconds.append((time.perf_counter() - started, time.process_time() - used))
    json.dump({"operators": operators, "seconds": seconds}, sys.stdout)
