"""What costs more than what. The search itself is tested on the real toolkit, in tests/cli/test_convert.py."""

from __future__ import annotations

from rkmend.mend.choose import chip_cycles, cost
from rkmend.targets import load_target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Layer, Outcome, Stage, Verdict

RK3588, RK3566 = load_target("rk3588"), load_target("rk3566")
ALL, ONE = BuildOptions(), BuildOptions(single_core_mode=True)


def layer(target: str, cycles: int, rw_kb: int = 10, op_type: str = "Conv") -> Layer:
    return Layer(op_type, "FLOAT16", target, "", "", 0, cycles, cycles, rw_kb, f"{op_type}:x")


def verdict(*layers: Layer) -> Verdict:
    return Verdict(Outcome.CONVERTED, Stage.DONE, None, "", layers, {}, (), (), 0.0, {})


def test_a_row_moved_to_the_cpu_never_wins():
    """A CPU row has no cycles in the table, so by cycles alone it would."""
    on_cpu = verdict(layer("CPU", 0, op_type="Pad"), layer("NPU", 10))
    on_npu = verdict(layer("NPU", 1000), layer("NPU", 10))
    assert cost(on_npu, ALL, RK3588) < cost(on_cpu, ALL, RK3588)


def test_graph_inputs_and_outputs_are_no_cpu_operators():
    plain = verdict(
        layer("CPU", 0, op_type="InputOperator"), layer("NPU", 10), layer("CPU", 0, op_type="OutputOperator")
    )
    assert plain.cpu_ops == () and cost(plain, ALL, RK3588)[0] == 0


def test_idle_cores_are_charged():
    table = verdict(layer("NPU", 100))
    assert chip_cycles(table, ONE, RK3588) == 300
    assert chip_cycles(table, ALL, RK3588) == 100
    assert chip_cycles(table, ONE, RK3566) == 100  # there is only one


def test_bytes_decide_between_equal_cycles():
    light, heavy = verdict(layer("NPU", 100, rw_kb=5)), verdict(layer("NPU", 100, rw_kb=6))
    assert cost(light, ALL, RK3588) < cost(heavy, ALL, RK3588)
