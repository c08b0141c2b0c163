"""The cause in words, English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from rkmend.diagnose.cause.family import Feature
from rkmend.diagnose.cause.predicate import Predicate
from rkmend.diagnose.cause.record import Confirmation


def in_words(predicate: Predicate, features: Sequence[Feature], confirmed: Confirmation) -> tuple[str, str]:
    """What was established, with the meaning of every feature that does not explain itself.

    Returns:
        English, Chinese.
    """
    used = {atom.feature for atom in predicate.atoms}
    meant = [feature for feature in features if feature.name in used and feature.meaning]
    numbers = f"{confirmed.agreed} of {confirmed.total}"
    english = [f"Fails iff {predicate}.", f"Confirmed on {numbers} fresh samples."]
    chinese = [
        f"当且仅当 {' 且 '.join(map(str, predicate.atoms))} 时失败。",
        f"在 {confirmed.total} 个新样本上验证, {confirmed.agreed} 个一致。",
    ]
    english[1:1] = [feature.meaning for feature in meant]
    chinese[1:1] = [feature.meaning_zh for feature in meant]
    return " ".join(english), "".join(chinese)


def not_established(why: str, without_influence: Sequence[str]) -> tuple[str, str]:
    """What is known where no predicate stood its test; `why` is a sentence without its full stop."""
    english, chinese = f"Not established: {why}.", f"未能确定原因: {why}。"
    if without_influence:
        listed = ", ".join(without_influence[:12])
        english += f" Without influence, each on its own: {listed}."
        chinese += f"单独改变时没有影响的因素: {listed}。"
    return english, chinese
