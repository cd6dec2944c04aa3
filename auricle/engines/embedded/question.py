"""A question, read once: which language its answer is to be in, and what kind of answer it wants.

Read are words (vocabularies.py), not sense. Who rests on it must do no harm where a word was meant otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from auricle.engines.embedded.answer_language import answer_language, asks_to_do
from auricle.engines.embedded.languages import language_of
from auricle.engines.embedded.vocabularies import VOCABULARIES, asking, every_word, pattern
from auricle.engines.embedded.vocabulary import Want

Topic = Literal["speech", "music"]
MARKS = ("?", "？", "؟")

_WANTS = {want: asking(want) for want in get_args(Want)}
# "Who is calling and why?", "谁打来的，为什么？"
_BESIDE_A_REASON = re.compile(
    r"(?:[?？]|\b(?:and|und|et|y|e|и)\b|(?:谁|哪|几|什么|多少).*[，,、和])\s*(?:{0})|"
    r"(?:{0})\s+(?:and|und|et|y|e|и)\b".format(_WANTS["reason"].pattern),
    re.IGNORECASE,
)
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
    marked = text.rstrip().endswith(MARKS)
    if marked and not asks_to_do(text):
        wants.discard("creation")
    if _BESIDE_A_REASON.search(text):
        wants -= {"reason", "person"}  # an answer to both has words of its own
    language = answer_language(text) or answer_language(instructions) or language_of(text)
    return Question(text, language, marked, frozenset(wants), _presence(text.strip()))


def _presence(text: str) -> Topic | None:
    for form in _PRESENCE:
        if found := form.fullmatch(text):
            return "music" if found["music"] else "speech"
    asked = frozenset(_WORD.findall(text.lower()))
    topics = [topic for topic, names in _TOPICS.items() if asked & names]
    return topics[0] if len(topics) == 1 and asked <= _NEUTRAL else None
