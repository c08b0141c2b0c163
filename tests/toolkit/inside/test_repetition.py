"""A log of graph rules that undo one another for ever."""

from __future__ import annotations

from rkmend.toolkit.inside.repetition import TAIL, circle, circle_in

ROUND = b"""\
D     squeeze_1_in_nd_transpose: remove node = [], add node = ['x_rs', 'y-rs']
D     swap_reshape_transpose_v2: remove node = ['x_rs', 'n'], add node = ['n', 'x_rs']
D     bypass_two_reshape: remove node = ['y-rs', 'x_rs']
"""
RULES = ("squeeze_1_in_nd_transpose", "bypass_two_reshape", "swap_reshape_transpose_v2")


def test_a_circle():
    assert circle_in(b"I beginning\n" + ROUND * (TAIL // len(ROUND) + 2)) == RULES


def test_what_is_printed_a_few_times_is_none():
    assert circle_in(ROUND * 10) == ()


def test_many_nodes_are_none():
    lines = b"".join(b"D     fuse_bn: remove node = ['n%d']\n" % number for number in range(TAIL // 20))
    assert circle_in(lines) == ()


def test_of_a_file(tmp_path):
    log = tmp_path / "log.txt"
    assert circle(log) == ()
    log.write_bytes(ROUND * (TAIL // len(ROUND) + 2))
    assert circle(log) == RULES
