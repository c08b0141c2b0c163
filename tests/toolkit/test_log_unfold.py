from __future__ import annotations

import textwrap

import pytest

from recorded_logs import PASTED, VERSIONS, mail, recorded, terminal
from rkmend.toolkit.log import parse_log
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.log_records import ConfigFailure

BLOCK = """\
E RKNN: [12:31:52.727] Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error
E RKNN: [12:31:52.727] core_num 1 ori_Ih 126 ori_Iw 1198 ori_Ic 384 ori_Ib 1
E RKNN: [12:31:52.727] ori_Kh 1 ori_Kw 1 ori_Kk 128 ori_Kc 384 ori_Ksx 1 ori_Ksy 1
E RKNN: [12:31:52.727] ori_Oh 128 oriOw 1200 oriOc 128 pad_t 1 pad_b 1 pad_l 1 pad_r 1,
E RKNN: [12:31:52.727]  dilation_h 1 dilation_w 1 is_deconv 0,
E RKNN: [12:31:52.727] Please help report this bug!"""
BARE = "\n".join(line.split("] ", 1)[1] for line in BLOCK.split("\n"))
SEED = ConfigFailure(
    op_type="Conv", node="/lila2/conv/conv/Conv", fatal=True, reason="", core_num=1,
    ih=126, iw=1198, ic=384, batch=1, kh=1, kw=1, kk=128, kc=384, stride_w=1, stride_h=1,
    oh=128, ow=1200, oc=128, pad_t=1, pad_b=1, pad_l=1, pad_r=1, dilation_h=1, dilation_w=1, is_deconv=0,
)  # fmt: skip


WIDTHS = range(40, 141)


@pytest.mark.parametrize(
    "fold",
    [mail, terminal, lambda width: terminal(width, strip=True)],
    ids=["mail", "terminal", "terminal, stripped"],
)
@pytest.mark.parametrize("block", [BLOCK, BARE], ids=["whole", "without prefix"])
def test_the_block_alone_is_read_at_every_width(block: str, fold) -> None:
    for width in WIDTHS:
        assert parse_log(fold(width)(block)).config_failures == (SEED,), width


def test_the_block_on_one_line_is_read_at_every_width() -> None:
    for width in WIDTHS:
        assert parse_log(textwrap.fill(BLOCK.replace("\n", " "), width)).config_failures == (SEED,), width


@pytest.mark.parametrize("paste", PASTED)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_seed_is_read_however_it_was_pasted(version: str, paste: str) -> None:
    plain = "\n".join(clean(recorded(f"{version}-seed"), pasted=False))
    report = parse_log(PASTED[paste](plain))
    (failure,) = report.config_failures
    assert (failure.op_type, failure.node, failure.fatal) == ("Conv", "/lila2/conv/conv/Conv", True)
    assert (failure.ih, failure.iw, failure.ic, failure.oh, failure.ow, failure.oc) == (
        126,
        1198,
        384,
        128,
        1200,
        128,
    )
    assert (failure.pad_t, failure.pad_b, failure.pad_l, failure.pad_r, failure.is_deconv) == (1, 1, 1, 1, 0)
    assert report.toolkit_version == version
    assert report.unfinished_pass == "RKNNTilingPass"


def test_separate_records_stay_apart() -> None:
    records = [
        "E RKNN: [12:00:00.000] failed to config argb mode layer!",
        "Aborted (core dumped)",
        "what does this mean, please?",
    ]
    assert clean("\n".join(records)) == records


def test_two_blocks_stay_apart() -> None:
    other = BLOCK.replace("core_num 1", "core_num 3").replace(
        "Fatal Error", "using 3Core fallback to single core mode,"
    )
    failures = parse_log(terminal(72)(f"{other}\n{BLOCK}")).config_failures
    assert [(failure.core_num, failure.fatal) for failure in failures] == [(3, False), (1, True)]
