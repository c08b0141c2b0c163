"""How a failure is called in a sentence, in English and in Chinese."""

from __future__ import annotations

import re

from rkmend.diagnose.oracle import Observation

_PREFIX = re.compile(r"^[DIWE] (?:RKNN: )?(?:\[[\d:.]+\] ?)?")
_WORDS = {
    "rejected": ("stops with an error", "报错退出"),
    "aborted": ("crashes", "进程崩溃"),
    "hung": ("does not finish", "长时间不返回（卡死）"),
    "exhausted": ("runs out of memory", "内存耗尽"),
    "unsound": (
        "exports a file although the compiler logs errors",
        "虽然导出了 rknn 文件，但编译器日志中有错误",
    ),
    "wrong": (
        "exports a model that computes wrong results in the simulator",
        "能导出 rknn 模型，但仿真结果错误",
    ),
}


def failed(observation: Observation) -> tuple[str, str]:
    """What happened, in English and in Chinese; outcomes of a check command, such as `exit 1`, stand as they are."""
    outcome = observation.outcome
    return _WORDS.get(outcome, (f"fails ({outcome})", f"失败（{outcome}）"))


def first_line(observation: Observation) -> str:
    """The first decisive line without level and time; the failure's own words when nothing was printed."""
    lines = [line for text in observation.message.splitlines() if (line := _PREFIX.sub("", text.strip()))]
    return lines[0] if lines else str(observation.failure)
