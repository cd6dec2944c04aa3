"""What a stretch of speech may say, told for each of its sentences."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import accumulate, pairwise

from auricle.types import Reading


def by_sentence(sentences: Sequence[str], readings: Sequence[Reading]) -> list[tuple[Reading, ...]]:
    """The readings of each sentence, the sentence itself first, from the readings of all of them together.

    The first of `readings` is the sentences as they are; the others come likeliest first. Where one of them says
    something else, that goes to the sentence that it stands in, with the whole text's log-probability; one that differs
    across the end of a sentence is left out.
    """
    bounds = list(pairwise(accumulate(map(len, sentences), initial=0)))
    text = "".join(sentences)
    found: list[dict[str, float]] = [{sentence: readings[0].logprob} for sentence in sentences]
    for reading in sorted(readings[1:], key=lambda other: -other.logprob):
        for told, said in zip(found, _sentences(text, bounds, reading.text) or (), strict=False):
            told.setdefault(said, reading.logprob)
    return [tuple(Reading(said, logprob) for said, logprob in told.items()) for told in found]


def _sentences(text: str, bounds: Sequence[tuple[int, int]], other: str) -> list[str] | None:
    """What `other` says in place of each sentence of `text`; None where that cannot be told."""
    said = [""] * len(bounds)
    for _, start, stop, begin, end in difflib.SequenceMatcher(None, text, other, autojunk=False).get_opcodes():
        within = [index for index, (first, last) in enumerate(bounds) if first <= start and stop <= last]
        if within:
            said[within[0]] += other[begin:end]
        elif text[start:stop] == other[begin:end]:
            for index, (first, last) in enumerate(bounds):
                said[index] += text[max(first, start) : max(first, start, min(last, stop))]
        else:
            return None
    return said
