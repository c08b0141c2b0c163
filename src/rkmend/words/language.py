"""Language: the ones that rkmend speaks, and which one a terminal is set to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Language(str, Enum):
    """A language of the stories and reports; the values are those of `--lang` and of the `lang` of a page."""

    EN = "en"
    ZH = "zh"
    """Simplified Chinese."""


VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""In the order of POSIX: the first that is set and not empty counts."""


def language_of(environment: Mapping[str, str]) -> Language:
    """The language of a locale: Chinese for `zh`, `zh_CN.UTF-8`, `zh_TW` ..., English for all others."""
    locale = next((value for name in VARIABLES if (value := environment.get(name))), "")
    primary = locale.replace("-", "_").split(".")[0].split("@")[0].split("_")[0]
    return Language.ZH if primary.lower() == "zh" else Language.EN
