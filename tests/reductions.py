"""Reductions as the reducer gives them, for tests of what is told of them."""

from __future__ import annotations

from rkmend.diagnose.oracle import Observation
from rkmend.diagnose.reduction.record import NodeFacts, OtherFailure, Proviso, Reduction

CONFIG = "E RKNN: [00:00:00.000] Failed to config layer: 'Conv:conv', Fatal Error"
FAILURE = "build: SIGABRT: Failed to config layer"


def ran(failure: str | None = FAILURE, outcome: str = "aborted", message: str = CONFIG) -> Observation:
    return Observation(failure, outcome, message if failure else "", 0.3, False, "")


def converted() -> Observation:
    return ran(None, "converted")


def certificate() -> tuple[Proviso, ...]:
    return (
        Proviso("node 'conv' (Conv)", "removed", None, "nothing would be left"),
        Proviso("pads[2] of 'conv'", "1 -> 0", converted(), ""),
        Proviso("width of 'x'", "1198 -> 1197", converted(), ""),
        Proviso("width of 'x'", "1198 -> 1", ran("build: SIGSEGV: ", message=""), ""),
    )


def reduction(**changes) -> Reduction:
    """A Conv that is left of 60 nodes."""
    facts: dict = {
        "rkmend": "0.1.0",
        "model": "net.onnx",
        "sha256": "0" * 64,
        "oracle": "RKNN-Toolkit2 2.3.2 for rk3588",
        "failure": FAILURE,
        "baseline": (ran(),) * 3,
        "final": (ran(),) * 3,
        "flaky": None,
        "repetitions": 1,
        "nodes_before": 60,
        "nodes_after": 1,
        "bytes_before": 9_000_000,
        "bytes_after": 197_000,
        "nodes": (
            NodeFacts(
                "conv",
                "Conv",
                "/lila2/conv/Conv",
                ("float32 [1, 384, 3, 1198]", "float32 [128, 384, 1, 1]"),
                ("float32 [1, 128, 4, 1198]",),
                {"kernel_shape": "[1, 1]", "pads": "[0, 0, 1, 0]"},
            ),
        ),
        "steps": ("node 'relu' (Relu): removed",),
        "certificate": certificate(),
        "minimal": True,
        "unfinished": "",
        "weights_matter": False,
        "other_failures": (),
        "trials": 40,
        "remembered": 3,
        "invalid": 7,
        "resumed": False,
        "seconds": 12.5,
        "files": {},
    }
    return Reduction(**{**facts, **changes})


def other(number: int) -> OtherFailure:
    return OtherFailure(
        f"build: ValueError: kind {number}", number, "without node 'relu'", f"other-{number}.onnx"
    )
