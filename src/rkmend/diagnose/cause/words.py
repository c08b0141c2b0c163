"""The cause in words, English and Chinese; reasons are clauses, which stand after a colon."""

from __future__ import annotations

from collections.abc import Sequence

from rkmend.diagnose.cause.family import Both, Feature
from rkmend.diagnose.cause.predicate import Atom, Predicate
from rkmend.diagnose.cause.record import Confirmation

REDUCING: Both = ("the budget was spent while the model was being reduced", "预算在缩减模型的过程中已用完")
LEARNING: Both = ("the part of the budget that is for it was spent", "用于确定原因的那部分预算已用完")
NO_START: Both = (
    "the culprit on its own, with seeded weights, does not fail alike every time",
    "出错的部分单独取出并换用固定种子的随机权重后, 不能每次都以同样的方式失败",
)
SHOWN = 12
"""Factors without influence that are named."""


def nothing_helped(alike: int, otherwise: int) -> Both:
    """No model converted, of those that were tried."""
    english = f"nothing that was varied made the failure go away: {alike} models were tried that fail alike"
    chinese = f"改变任何因素都不能使故障消失, 试过的模型中有 {alike} 个以同样的方式失败"
    if otherwise:
        return f"{english}, {otherwise} that fail otherwise", f"{chinese}, {otherwise} 个以其他方式失败"
    return english, chinese


def one_sided(least: int) -> Both:
    """The test had too few samples on one side."""
    return (
        f"no {least} fresh samples could be found on each side of what was learned",
        f"在所得条件的两侧找不到各 {least} 个新样本",
    )


def no_predicate(tested: Confirmation | None) -> Both:
    """What was learned did not stand its test, or nothing was."""
    if tested is None:
        return (
            "no simple predicate separates what fails from what converts",
            "没有简单的条件能区分失败与成功的模型",
        )
    return (
        f"only {tested.agreed} of {tested.total} fresh samples agreed with the best simple predicate",
        f"{tested.total} 个新样本中只有 {tested.agreed} 个与最好的简单条件一致",
    )


def in_words(predicate: Predicate, features: Sequence[Feature], confirmed: Confirmation) -> Both:
    """What was established, with the meaning of every feature that does not explain itself."""
    named = {feature.name: feature for feature in features}
    used = [named[atom.feature] for atom in predicate.atoms]
    meant = [feature for feature in dict.fromkeys(used) if feature.meaning]
    conditions = [_in_chinese(atom, feature) for atom, feature in zip(predicate.atoms, used, strict=True)]
    english = [f"Fails iff {predicate}."]
    chinese = [f"当且仅当 {' 且 '.join(conditions)} 时失败。"]
    english += [feature.meaning for feature in meant]
    chinese += [feature.meaning_zh for feature in meant]
    english.append(f"Confirmed on {confirmed.agreed} of {confirmed.total} fresh samples.")
    chinese.append(f"在 {confirmed.total} 个新样本上验证, {confirmed.agreed} 个一致。")
    return " ".join(english), "".join(chinese)


def _in_chinese(atom: Atom, feature: Feature) -> str:
    if not atom.yes_no:
        return str(atom)
    return feature.name_zh if atom.at_least else f"并非 ({feature.name_zh})"


def not_established(why: Both, without_influence: Sequence[str]) -> Both:
    """What is known where no predicate stood its test."""
    english, chinese = f"Not established: {why[0]}.", f"未能确定原因: {why[1]}。"
    if without_influence:
        listed, more = ", ".join(without_influence[:SHOWN]), len(without_influence) - SHOWN
        english += f" Without influence, each on its own: {listed}{f' and {more} more' if more > 0 else ''}."
        chinese += (
            f"单独改变时没有影响的因素: {listed}{f' 等 {len(without_influence)} 项' if more > 0 else ''}。"
        )
    return english, chinese
