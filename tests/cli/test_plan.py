"""`rkmend plan` as a user runs it: a process of its own, no toolkit."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import onnx
import pytest
from graphs import model, node, value

SIZED = ("--target", "rk3588", "--input", "x=1x64x96x96")


def rkmend_plan(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rkmend", "plan", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def network(tmp_path):
    random = np.random.default_rng(0)
    weights = {
        "w0": random.standard_normal((64, 64, 3, 3)).astype(np.float32),
        "w1": random.standard_normal((64, 1, 3, 3)).astype(np.float32),
    }
    nodes = [
        node("Conv", "x w0", "a", "backbone/first", strides=[2, 2]),
        node("Relu", "a", "b", "backbone/relu"),
        node("Conv", "b w1", "c", "backbone/deep", group=64, pads=[1, 1, 1, 1]),
        node("MaxPool", "c", "y", "pool", kernel_shape=[2, 2]),
    ]
    path = tmp_path / "network.onnx"
    onnx.save(model(nodes, [value("x", ("n", 64, 96, 96))], [value("y", ("n", 64, 46, 46))], weights), path)
    return path


def test_the_table_and_the_sums(network):
    done = rkmend_plan(network, *SIZED, "--dtype", "int8")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        "layer",
        "operator",
        "output",
        "banks",
        "tasks",
        "MMAC",
        "used",
        "KB",
        "kcycles",
        "bound",
    ]
    assert lines[1].split()[:7] == ["backbone/first", "Conv", "3x3/2", "+Relu", "64x47x47", "10+2", "2"]
    assert lines[2].split()[:3] == ["backbone/deep", "dw", "3x3"]
    assert lines[3].split()[:4] == ["pool", "MaxPool", "64x46x46", "-"]
    assert all(len(line) <= 100 for line in lines if str(network) not in line)
    assert "3 layers, 2 of them computed by the" in done.stdout.replace("\n  ", " ")


def test_all_about_one_layer(network):
    done = rkmend_plan(
        network,
        *SIZED,
        "--dtype",
        "int8",
        "--node",
        "backbone/first",
    )
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "10 for features, 2 for weights; a row takes 96 entries" in text
    assert "Row bands: 2 of up to 26 output rows: out 0-25 from in 0-52; out 26-46 from in 52-95" in text
    assert "Cores: 3, which share the rows" in text


def test_what_is_fused_says_into_what(network):
    done = rkmend_plan(network, *SIZED, "--node", "backbone/relu")
    assert done.returncode == 0 and "computed along with 'backbone/first'" in done.stdout


def test_json_and_csv_say_the_same(network, tmp_path):
    table = tmp_path / "plan.csv"
    done = rkmend_plan(network, "--target", "rk3576", "--input", "x=1x64x96x96", "--json", "--csv", table)
    plan = json.loads(done.stdout)
    assert plan["schema"] == "rkmend-plan/1" and plan["target"] == "rk3576"
    rows = list(csv.DictReader(table.open(newline="")))
    assert [row["name"] for row in rows] == [layer["name"] for layer in plan["layers"]]
    assert [int(row["macs"]) for row in rows] == [layer["macs"] for layer in plan["layers"]]
    assert int(rows[0]["bands"]) == len(plan["layers"][0]["split"]["bands"])


@pytest.mark.parametrize("node_option", [(), ("--node", "backbone/first")])
def test_a_picture_of_the_network_or_of_a_layer(network, tmp_path, node_option):
    picture = tmp_path / "picture.svg"
    options = (*SIZED, "--svg", picture, *node_option)
    assert rkmend_plan(network, *options).returncode == 0
    root = ElementTree.parse(picture).getroot()
    assert root.tag.endswith("svg")
    assert any("backbone/first" in (text.text or "") for text in root.iter() if text.tag.endswith("text"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "rk3588"), "--input x=1x64x96x96"),
        (("--target", "rk3558"), "did you mean 'rk3588'"),
        ((), "Missing option '--target'"),
        (("--target", "rv1106", "--dtype", "fp16", "--input", "x=1x64x96x96"), "does not compute in 'fp16'"),
        (
            ("--target", "rk3588", "--input", "x=1x64x96x96", "--node", "backbone/frist"),
            "did you mean 'backbone/first'",
        ),
        (
            ("--target", "rk3588", "--input", "x=1x64x96x96", "--node", "pool", "--svg", "p.svg"),
            "no tiling of 'pool'",
        ),
    ],
)
def test_bad_usage_is_told_in_words(network, options, said):
    done = rkmend_plan(network, *options)
    assert done.returncode == 2
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_no_toolkit_and_no_torch_is_imported(network):
    code = (
        "import sys, rkmend; rkmend.plan(sys.argv[1], target='rk3588', inputs={'x': (1, 64, 96, 96)});"
        "print([name for name in sys.modules if name.split('.')[0] in ('rknn', 'torch', 'onnxruntime')])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(network)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
