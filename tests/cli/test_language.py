"""`--lang zh` and the locale: the same facts in Chinese, and no English sentence of rkmend's own left."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner
from models import conv

from check_models import MODELS
from rkmend.cli.main import group
from rkmend.report.log_story import NOT_A_LOG

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
ENGLISH = re.compile(r"(?:\b[a-z]+ ){5,}[a-z]+")
FIGURES = re.compile(r"\d+(?:[.,]\d+)*|/[\w/]+(?:\.\w+)*")


def told(*arguments: str) -> str:
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code in (0, 1), result.output
    return result.stdout


@pytest.mark.parametrize("log", sorted(LOGS.glob("*.log")), ids=lambda log: log.stem)
def test_logs(log):
    english, chinese = (told("log", str(log), "--lang", language) for language in ("en", "zh"))
    printed = log.read_text(errors="replace")
    for sentence in ENGLISH.findall(chinese):
        assert sentence in printed, sentence  # the toolkit's own words
    assert re.search(r"[\u4e00-\u9fff]{4}", chinese)
    paths = [
        {figure for figure in FIGURES.findall(text) if figure.startswith("/")} for text in (english, chinese)
    ]
    assert paths[0] == paths[1]


def test_what_is_no_log(tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    assert told("log", str(tmp_path / "x.txt"), "--lang", "en") == NOT_A_LOG
    assert "看起来不是" in told("log", str(tmp_path / "x.txt"), "--lang", "zh")


@pytest.mark.parametrize("more", [(), ("--node", "/body/body.0/conv/Conv"), ("--node", "/up/Resize")])
def test_plans(tmp_path, more):
    onnx.save(MODELS["decoder"](), tmp_path / "net.onnx")
    plan = ("plan", str(tmp_path / "net.onnx"), "--target", "rk3588", "--isolated", *more)
    english, chinese = told(*plan, "--lang", "en"), told(*plan, "--lang", "zh")
    assert set(FIGURES.findall(english)) == set(FIGURES.findall(chinese))
    assert not ENGLISH.search(chinese) and re.search(r"周期|代价", chinese)


def test_rules():
    assert "卷积核" in told("rule", "RKM101", "--lang", "zh") and "## What happens" in told("rule", "RKM101")
    english, chinese = told("rules").splitlines(), told("rules", "--lang", "zh").splitlines()
    assert [line.split()[:3] for line in english] == [line.split()[:3] for line in chinese]
    assert all("。" in line for line in chinese)


def test_reductions(tmp_path, monkeypatch):
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    conv(tmp_path / "net.onnx")
    check = """sh -c '! grep -q Conv "$1"' sh {}"""
    stories = []
    for language in ("en", "zh"):
        stories.append(
            told("reduce", str(tmp_path / "net.onnx"), "--check", check, "--lang", language, "--jobs", "1")
        )
        shutil.rmtree(tmp_path / "net.repro")
    english, chinese = stories
    assert english.startswith("reduced: ") or english.startswith("reproducer: ")
    assert re.match(r"(已缩减|复现模型)：", chinese) and "最小性" in chinese
    own = re.sub(
        r"(?m)^    .*\n(?:^ {6,}.*\n)*", "", chinese
    )  # the certificate names changes as they were tried
    assert not ENGLISH.search(own), own


def test_the_locale_decides(monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "。" in told("rules")
