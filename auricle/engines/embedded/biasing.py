"""Words that the question knows: of what an unsure sentence may say, that which has words of the question is taken.

Who asks for 裙子 knows that one is spoken of; the recogniser, which does not, writes 群自, and has the right word among
its next guesses. Contextual biasing, of what was heard already: nothing is heard again, and a word that no reading of
the sentence has, or that sounds like none of its words, does not get into it, whatever is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher
from functools import partial
from itertools import takewhile

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.homophones import spelled
from auricle.engines.embedded.readings import compared
from auricle.engines.embedded.selection import CJK, terms
from auricle.engines.embedded.vocabularies import every_word
from auricle.types import Segment

LEAST_LETTERS = 4  # of a word that is looked for: shorter ones are in too many questions
LEAST_SPELLED_LETTERS = 5  # of one that is looked for by its spelling
MOST_SPELLED_WORDS = 32  # that are; texts of more are no questions, and each is held against each doubtful word
SPELLED_ALIKE = 0.7  # of letters that two words have in common, in order
LEAST_STEM_LETTERS = 4  # that forms of a word begin with
MOST_ENDING_LETTERS = 3  # in which they differ
_FREQUENT = every_word(lambda vocabulary: f"{vocabulary.frequent} {vocabulary.fillers}")


def wanted(texts: Iterable[str]) -> frozenset[str]:
    """The words of a client's messages that are looked for: of Chinese, Japanese and Korean pairs of characters."""
    found = {term for text in texts for term in terms(text)}
    return frozenset(term for term in found - _FREQUENT if len(term) >= LEAST_LETTERS or CJK.match(term))


def biased(heard: Heard, words: frozenset[str]) -> Heard:
    """`heard` with those of the `words` that a sentence may have, and has not."""
    segments = [sentence(segment, words) for segment in heard.segments]
    missing = words.difference(*(terms(segment.text) for segment in segments))
    missing = frozenset(word for word in missing if len(word) >= LEAST_SPELLED_LETTERS and not CJK.search(word))
    if len(missing) > MOST_SPELLED_WORDS:
        missing = frozenset()
    return replace(heard, segments=tuple(respelled(segment, missing) for segment in segments))


def respelled(segment: Segment, missing: frozenset[str]) -> Segment:
    """The sentence with those of `missing`, which are said nowhere, in place of words that are spelled nearly so and
    that the recogniser wavers at: most of the sentence's other readings have others there.
    """
    text = segment.text
    readings = [set(terms(reading.text)) for reading in segment.readings]
    said = {word for word in terms(text) if 2 * sum(word in each for each in readings) < len(readings)} - missing
    for word in sorted(missing):
        alike = {other: SequenceMatcher(None, word, other, autojunk=False).ratio() for other in sorted(said)}
        nearest = max(alike, key=lambda other: alike[other], default="")
        if nearest and alike[nearest] >= SPELLED_ALIKE and not _is_form(word, nearest):
            text = re.sub(rf"\b{re.escape(nearest)}\b", partial(_cased, word), text, flags=re.IGNORECASE)
            said.discard(nearest)
    return segment if text == segment.text else replace(segment, text=text)


def _is_form(word: str, other: str) -> bool:
    """Whether one is rather another form of the other: closed, closing."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    return same >= LEAST_STEM_LETTERS and max(len(word), len(other)) - same <= MOST_ENDING_LETTERS


def _cased(word: str, found: re.Match[str]) -> str:
    return word.capitalize() if found.group()[:1].isupper() else word


def sentence(segment: Segment, words: frozenset[str]) -> Segment:
    """One sentence of `biased`: of another reading it takes the places that have such words, and loses none for it.

    In Mandarin what sounds like such a word is taken for it, too. A sentence without other readings is sure, and stays.
    """
    text = segment.text
    for reading in segment.readings:
        if words.intersection(terms(reading.text)).difference(terms(text)):
            text = _mended(text, reading.text, words)
    if segment.readings and segment.language == "zh":
        text = spelled(text, words)
    return segment if text == segment.text else replace(segment, text=text)


def _mended(text: str, reading: str, words: frozenset[str]) -> str:
    pieces, others, differences = compared(text, reading)
    for start, stop, first, last in reversed(differences):
        changed = [*pieces[:start], *others[first:last], *pieces[stop:]]
        before, after = (words.intersection(terms("".join(each))) for each in (pieces, changed))
        if after > before:
            pieces = changed
    return "".join(pieces)
