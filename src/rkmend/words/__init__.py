"""Words: the sentences that people read, in English and in Simplified Chinese.

English stands in the code, Chinese in `zh.po` (compiled: `zh.mo`; `make words` brings both up to date). The language is
an argument, never a setting of the process, since a report is told in both at once:

    say = translator(Language.ZH)
    say("{count} trials", count=8)      # what the code says, in the language
    say.again(conversion.reason)        # what stands in a record, in English, told again
    both(lambda say: say("Why"))        # Text(en="Why", zh="原因")
"""

from rkmend.words.language import Language, language_of
from rkmend.words.rules import LogWords, RuleWords, log_words, rule_words
from rkmend.words.say import ENGLISH, N_, Say, Text, both, translator

__all__ = [
    "ENGLISH",
    "N_",
    "Language",
    "LogWords",
    "RuleWords",
    "Say",
    "Text",
    "both",
    "language_of",
    "log_words",
    "rule_words",
    "translator",
]
