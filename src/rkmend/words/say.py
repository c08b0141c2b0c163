"""Say: a message of the code in the words of a language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from rkmend.words.language import Language

if TYPE_CHECKING:
    from gettext import GNUTranslations


class Text(msgspec.Struct, frozen=True):
    """A sentence in every language."""

    en: str
    zh: str


class Say:
    """Tells messages in one language. A message is English, with `{}` fields as `str.format` has them."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, message: str, /, **values: object) -> str:
        """A message with its values; what has no translation is told in English."""
        if self.language is Language.ZH:
            message = _chinese().gettext(message)
        return message.format(**values) if values else message

    def many(self, one: str, more: str, count: int, /, **values: object) -> str:
        """A message that depends on a number, which is its field `count`."""
        message = one if count == 1 else more
        if self.language is Language.ZH:
            message = _chinese().ngettext(one, more, count)
        return message.format(count=count, **values)

    def again(self, text: str) -> str:
        """A text that was made in English, as those of records are: known sentences in the language, others as is."""
        if self.language is Language.EN:
            return text
        from rkmend.words.retell import retell

        return retell(text)

    def listed(self, items: Iterable[str]) -> str:
        """Items of a list within a sentence."""
        return ("、" if self.language is Language.ZH else ", ").join(items)

    def joined(self, sentences: Iterable[str]) -> str:
        """Sentences, one after the other."""
        kept = [sentence for sentence in sentences if sentence]
        return "".join(kept) if self.language is Language.ZH else " ".join(kept)


def translator(language: Language | str) -> Say:
    """The words of a language, for example `translator("zh")`; English costs nothing, Chinese is read when used."""
    return Say(Language(language))


ENGLISH = translator(Language.EN)


def both(tell: Callable[[Say], str]) -> Text:
    """What is told, in every language."""
    return Text(en=tell(ENGLISH), zh=tell(translator(Language.ZH)))


def N_(message: str) -> str:
    """Marks a message of a table, which is said later, so that it is extracted."""
    return message


@cache
def _chinese() -> GNUTranslations:
    from gettext import GNUTranslations

    with (resources.files(__package__) / "zh.mo").open("rb") as file:
        return GNUTranslations(file)
