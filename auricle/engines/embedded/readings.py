"""What else a sentence may say, as a whole: `rescoring.py`, `alternatives.py` and `biasing.py` choose from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from auricle.engines.embedded.selection import CJK
from auricle.engines.embedded.windows import Span, Window
from auricle.types import Reading, Segment
from auricle.waveform import SAMPLE_RATE

MARGIN_SECONDS = 0.15  # on both sides of a sentence: word times are right to about a tenth of a second
UNSURE_PROBABILITY = 0.8  # of a word that may be another one
AMBIGUOUS_PROBABILITY = 0.65  # of one that is; the 14 sentences that rescoring made better all had one of at most 0.6
LOST_LOGPROB = -0.4  # mean log-probability of a token under which all readings are rather wrong
_WORD = re.compile(rf"[\W_]*(?:{CJK.pattern}|(?:(?!{CJK.pattern})[^\W_])+)|[\W_]+$")  # and what is before it


def unsure(sentence: Segment) -> bool:
    """Whether the sentence, with its words, may have other readings."""
    return any(word.probability < UNSURE_PROBABILITY for word in sentence.words)


def ambiguous(sentence: Segment) -> bool:
    """Whether one of its readings may be right that is not the likeliest: one of its words may sound like another."""
    doubted = any(word.probability < AMBIGUOUS_PROBABILITY for word in sentence.words)
    return doubted and sentence.avg_logprob >= LOST_LOGPROB


def window_of(sentence: Segment, window: Window) -> Window:
    """The part of `window` in which the sentence is said."""
    start = max(window.pieces[0].start, round((sentence.start - MARGIN_SECONDS) * SAMPLE_RATE))
    stop = min(window.pieces[-1].stop, round((sentence.end + MARGIN_SECONDS) * SAMPLE_RATE))
    return Window(window.index, (Span(start, stop),))


def told(sentence: str, found: Sequence[Reading]) -> tuple[Reading, ...]:
    """The sentence and the other readings of it. One that was not found again is as likely as the likeliest of them."""
    known = {bare(reading.text): reading.logprob for reading in reversed(found)}
    likeliest = max(reading.logprob for reading in found)
    space = sentence[: len(sentence) - len(sentence.lstrip())]
    others = (Reading(space + reading.text.lstrip(), reading.logprob) for reading in found)
    return (Reading(sentence, known.get(bare(sentence), likeliest)), *others)


def bare(text: str) -> str:
    """The text without what is not heard: case, spaces and punctuation."""
    return "".join(character for character in text.casefold() if character.isalnum())


def compared(text: str, other: str) -> tuple[list[str], list[str], list[tuple[int, int, int, int]]]:
    """The words of both texts, each with what is before it, and where they differ: from which word of the first to
    which, and of the second. Characters are the words of Chinese and Japanese.
    """
    words, others = _WORD.findall(text), _WORD.findall(other)
    matcher = SequenceMatcher(None, list(map(bare, words)), list(map(bare, others)), autojunk=False)
    differences = [(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    return words, others, differences
