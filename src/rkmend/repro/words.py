"""The sentences of an issue, in the two languages in which the vendor's tracker is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One language; `{...}` are filled in by `issue.py`, which is the only reader."""

    index: int
    """Where this language stands in the pairs of `outcomes.failed`."""
    phrase: Callable[[str], str]
    """Puts words of the certificate into a list."""
    comma: str
    gap: str
    """Between two sentences."""
    what: str
    happens: str
    happens_check: str
    flaky: str
    expected: str
    expected_wrong: str
    expected_check: str
    model: str
    reduced: str
    minimal: str
    not_minimal: str
    columns: str
    more_nodes: str
    no_matter: str
    reproduce: str
    run: str
    weights: str
    script: str
    tried: str
    tried_intro: str
    cured: str
    otherwise: str
    more_tried: str
    cause: str
    versions: str
    above: str
    """What is not said again in this language."""
    made: str


_PHRASES = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r"node '(.+)' \((.+)\)", r"节点 `\1`（\2）"),
        (r"(axis|entry) (\d+) of '(.+)'( by groups)?", r"`\3` 第 \2 维的大小"),
        (r"every size equal to (axis|entry) (\d+) of '(.+)'", r"所有与 `\3` 第 \2 维相等的大小"),
        (r"kernel and padding of '(.+)' on axis (\d+)", r"`\1` 第 \2 维的卷积核和填充"),
        (r"(input|output) (\d+) of '(.+)'", r"`\3` 的第 \2 个 \1"),
        (r"values of '(.+)'", r"`\1` 的取值"),
        (r"(.+) of '(.+)'", r"`\2` 的 `\1`"),
        (r"weights", "权重"),
        (r"removed", "删除"),
        (r"left out(: .+)?", "省略"),
        (r"all (\d)", r"全部置 \1"),
        (r"replaced by seeded random numbers", "换成随机数"),
        (r"bypassed by its input '(.+)'", r"旁路，直接使用输入 `\1`"),
        (r"replaced by its (.+)", r"替换为其 `\1`"),
        (r"runs once", "只执行一次"),
    )
)
"""The phrases of the certificate that are met most; others are quoted as they are."""


def _english(text: str) -> str:
    """The words of the certificate for an English list."""
    return f"`{text}`"


def _chinese(text: str) -> str:
    """The same for a Chinese one: the common phrases are translated, what is left is quoted as it is."""
    for pattern, replacement in _PHRASES:
        if found := pattern.fullmatch(text):
            return found.expand(replacement)
    return f"`{text}`"


ENGLISH = Words(
    index=0,
    phrase=_english,
    comma=", ",
    gap=" ",
    what="What happens",
    happens="RKNN-Toolkit2 {version} {failed} when it converts the model below for {target}. "
    "The failure is `{failure}`; the decisive lines of the log:",
    happens_check="The check below {failed}. The failure is `{failure}`; the decisive lines of its output:",
    flaky="It does not happen every time: in {share:.0%} of the runs of the original model.",
    expected="Expected: the model is valid ONNX and should convert.",
    expected_wrong="Expected: the simulator computes what ONNX Runtime computes.",
    expected_check="Expected: the check ends with exit status 0.",
    model="Minimal model",
    reduced="Attached as `repro.onnx`: the original model, cut down automatically (nodes: {before} -> {after}). "
    "It fails in the same way.",
    minimal="No single further simplification that was tried keeps the failure.",
    not_minimal="It may not be the smallest one yet.",
    columns="| Node | Operator | Inputs | Outputs | Attributes |",
    more_nodes="{count} more nodes are in the file.",
    no_matter="The failure does not depend on the trained weights: with random numbers it is the same.",
    reproduce="How to reproduce",
    run="Attached are `repro.onnx` and `{script}`; in one folder, run:",
    weights="The larger weights are not attached: the script writes them first.",
    script="The script",
    tried="What was tried already",
    tried_intro="Each of these changes to the minimal model, alone, makes this failure go away:",
    cured="{element}: {changes}",
    otherwise="{element}: {changes} (it then fails in another way)",
    more_tried="{count} more are left out here.",
    cause="Cause, as far as experiments show it",
    versions="Versions",
    above="",
    made="The model was reduced and this report was written with rkmend {rkmend}. Thank you for looking into it.",
)

CHINESE = Words(
    index=1,
    phrase=_chinese,
    comma="，",
    gap="",
    what="问题现象",
    happens="使用 RKNN-Toolkit2 {version} 转换下面的模型（target_platform 为 {target}）时，{failed}。"
    "失败特征为 `{failure}`，日志中的关键信息如下：",
    happens_check="执行下面的检查命令时，{failed}。失败特征为 `{failure}`，输出中的关键信息如下：",
    flaky="该问题并非每次必现：原模型多次运行中约 {share:.0%} 会出现。",
    expected="期望结果：该模型是合法的 ONNX 模型，应能正常转换。",
    expected_wrong="期望结果：仿真器的输出与 ONNX Runtime 一致。",
    expected_check="期望结果：检查命令的退出码为 0。",
    model="最小复现模型",
    reduced="见附件 `repro.onnx`：由原模型自动裁剪得到（节点数：{before} → {after}），失败现象与原模型相同。",
    minimal="在已尝试的范围内，再做任何一处简化，该问题都不再出现。",
    not_minimal="该模型可能还不是最小的。",
    columns="| 节点 | 算子 | 输入 | 输出 | 属性 |",
    more_nodes="其余 {count} 个节点见模型文件。",
    no_matter="该问题与权重的取值无关：换成随机数后现象相同。",
    reproduce="复现步骤",
    run="附件为 `repro.onnx` 和 `{script}`，放在同一目录下，执行：",
    weights="较大的权重没有放在附件中，由脚本在第一步生成。",
    script="复现脚本",
    tried="已做过的尝试",
    tried_intro="对最小模型单独做以下任意一处修改后，该问题不再出现：",
    cured="{element}：{changes}",
    otherwise="{element}：{changes}（但会出现另一种失败）",
    more_tried="另有 {count} 项未列出。",
    cause="原因分析（基于实验结果）",
    versions="版本信息",
    above="脚本内容和完整的软件包版本见上文英文部分。",
    made="以上模型裁剪和报告由 rkmend {rkmend} 完成。麻烦帮忙看一下，谢谢！",
)
