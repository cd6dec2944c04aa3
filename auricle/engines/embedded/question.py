"""A question, read once: which language its answer is to be in, and what kind of answer it wants.

Read are words (vocabularies.py), not sense. Who rests on it must do no harm where a word was meant otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from auricle.engines.embedded.answer_language import answer_language
from auricle.engines.embedded.languages import language_of
from auricle.engines.embedded.vocabularies import VOCABULARIES, asking, every_word, pattern
from auricle.engines.embedded.vocabulary import Want

Topic = Literal["speech", "music"]
MARKS = ("?", "？", "؟")

_WANTS = {want: asking(want) for want in get_args(Want)}
_PEOPLE = pattern(lambda vocabulary: vocabulary.people)
_TOPICS: dict[Topic, frozenset[str]] = {
    "speech": every_word(lambda vocabulary: vocabulary.speech),
    "music": every_word(lambda vocabulary: vocabulary.music),
}
_NEUTRAL = every_word(lambda vocabulary: vocabulary.neutral).union(*_TOPICS.values())
_PRESENCE = tuple(re.compile(each.presence, re.IGNORECASE) for each in VOCABULARIES.values() if each.presence)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Question:
    """What a client's text asks for."""

    text: str
    language: str
    """ISO 639-1, of the answer: that which is asked for, or else the question's own."""
    marked: bool
    """Whether it ends with a question mark."""
    wants: frozenset[Want]
    presence: Topic | None
    """What it asks the presence of, if it asks nothing else."""


def read(text: str, instructions: str = "") -> Question:
    """`text` as a question, which it need not be; `instructions` are those for the whole conversation."""
    wants: set[Want] = {want for want, found in _WANTS.items() if found.search(text)}
    if not _PEOPLE.search(text):
        wants.discard("name")
    language = answer_language(text) or answer_language(instructions) or language_of(text)
    return Question(text, language, text.rstrip().endswith(MARKS), frozenset(wants), _presence(text.strip()))


def _presence(text: str) -> Topic | None:
    for form in _PRESENCE:
        if found := form.fullmatch(text):
            return "music" if found["music"] else "speech"
    asked = frozenset(_WORD.findall(text.lower()))
    topics = [topic for topic, names in _TOPICS.items() if asked & names]
    return topics[0] if len(topics) == 1 and asked <= _NEUTRAL else None
