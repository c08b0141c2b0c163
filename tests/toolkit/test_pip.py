"""What pip prints becomes progress, or a failure that says what to do."""

import pytest

from rkmend.toolkit.pip import _Meter, failure

# As pip 25 printed them, cut.
NO_NETWORK = [
    "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError(\"Failed to "
    "establish a new connection: [Errno 111] Connection refused\")': /simple/numpy/",
    "ERROR: Could not find a version that satisfies the requirement numpy==1.26.4 (from versions: none)",
    "ERROR: No matching distribution found for numpy==1.26.4",
]
NO_WHEEL = [
    "ERROR: Ignored the following versions that require a different python version: 4.1.1 Requires-Python >=3.11",
    "ERROR: Could not find a version that satisfies the requirement onnx==1.14.1 (from versions: 1.16.0, 1.18.0)",
    "ERROR: No matching distribution found for onnx==1.14.1",
]
NO_DISK = [
    "Collecting torch",
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
]


@pytest.mark.parametrize(
    ("lines", "message", "hint"),
    [
        (NO_NETWORK, "No matching distribution found for numpy", "Check the connection"),
        (NO_WHEEL, "onnx==1.14.1", "no such wheel for this Python"),
        (NO_DISK, "No space left on device", "RKMEND_CACHE"),
        (["Traceback ...", "ValueError: odd", ""], "Traceback ...; ValueError: odd", ""),
        ([], "it printed nothing", ""),
    ],
)
def test_failures(lines, message, hint):
    error = failure(lines)
    assert message in error.message
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)
    assert "Ignored the following" not in error.message
    assert error.exit_code == 3


def test_the_meter_never_goes_back_and_knows_the_packages():
    told = []
    meter = _Meter(3, lambda text, fraction: told.append((text, fraction)))
    for line in (
        "Looking in indexes: somewhere",
        "Collecting numpy==1.26.4",
        "Progress 0 of 18000000",
        "Progress 9000000 of 18000000",
        "Processing ./fast_histogram-0.14-cp311-cp311-linux_x86_64.whl",
        "Requirement already satisfied: ruamel-yaml==0.18.17 in ./lib (0.18.17)",
        "Installing collected packages: numpy, fast-histogram",
    ):
        meter(line)
    assert [text for text, _ in told] == [
        *["fetching numpy"] * 3,
        "fetching fast_histogram",
        "fetching ruamel-yaml",
        "unpacking",
    ]
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0 and fractions[2] == pytest.approx(0.5 / 6) and fractions[-1] == 0.5
