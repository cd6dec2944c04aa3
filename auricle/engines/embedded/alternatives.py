"""What parts of a sentence may be in place of what they are: the recogniser finds some of them nearly as likely.

The likeliest texts of a whole sentence differ in few places, and whoever has three words wrong finds all three right in
none of them. In Chinese and Japanese, where many words sound alike, the recogniser tells how likely the words of each
of these texts are at their place, in Mandarin also those of a list that sound like what was written, and `rescoring.py`
chooses place by place.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from auricle.engines.embedded import mandarin_words, readings
from auricle.engines.embedded.mandarin_words import Change
from auricle.types import Alternative, Segment

GAIN_WEIGHT = 0.5  # of how frequent words are, beside what the recogniser finds; merit is the sum of both
SURE_MERIT = 1.5  # of a word that is taken without asking the language model
SURE_GAIN = 5.0  # and its gain: what was written is no word, or a rare one
LEAST_MERIT = -3.0  # of an alternative that is told; with -5 a few more words are right, for twice the time
MERIT_MARGIN = 3.0  # by which it may be less than the greatest at its place
LEAST_LOGPROB = -8.0  # of the recogniser alone
PLACE_BY_PLACE = frozenset({"ja", "zh"})  # others are heard better as wholes (docs/quality.md)
MOST_DIFFERENCES = 24  # between a sentence and its readings
QUARTER_GAIN = 5.0  # who says four minutes past the hour does not say it so
MOST_WORDS = 4  # that are another way at one place
# Whisper writes a quarter past the hour with a 4, for it begins like it.
_QUARTERS = {
    "es": (re.compile(r"(?<=\d y )4\b"), "cuarto"),
    "fr": (re.compile(r"(?<=heures et )4\b|(?<=heure et )4\b"), "quart"),
}
_NOTHING = re.compile(r"(?!)")


class Ears(Protocol):
    """What is needed of `whisper.Whisper`."""

    def logprobs(self, states: Any, texts: Sequence[str], language: str) -> list[float]: ...


def changes(sentences: Sequence[Segment], language: str) -> list[list[Change]]:
    """For each sentence what may be in place of what is there, none where it is sure; `language`: ISO 639-1."""
    return [_changes(one, language) if readings.unsure(one) else [] for one in sentences]


def told(
    whisper: Ears, states: Any, sentences: Sequence[Segment], found: Sequence[Sequence[Change]], heard_as: str
) -> tuple[Segment, ...]:
    """The sentences of a window with those of the `changes` that surely belong there, and, best first, with the
    alternatives that are left.

    `states` [1, n, width]: those of the window; `heard_as`: Whisper's code of its language.
    """
    texts = [one.text for one in sentences]
    variants = [
        "".join([*texts[:number], change.applied(texts[number]), *texts[number + 1 :]])
        for number, each in enumerate(found)
        for change in each
    ]
    unchanged, *logprobs = whisper.logprobs(states, ["".join(texts), *variants], heard_as)
    less = iter(logprobs)
    return tuple(
        _weighed(one, [(change, next(less) - unchanged) for change in each])
        for one, each in zip(sentences, found, strict=True)
    )


def _weighed(sentence: Segment, changes: Sequence[tuple[Change, float]]) -> Segment:
    """The sentence with those changes that are sure, and those that are left; with each what the recogniser finds."""
    merits = sorted(
        ((logprob + GAIN_WEIGHT * change.gain, change, logprob) for change, logprob in changes),
        key=lambda each: -each[0],
    )
    taken: list[Change] = []
    left: list[tuple[float, Change, float]] = []
    for merit, change, logprob in merits:
        if any(change.overlaps(one) for one in taken) or logprob < LEAST_LOGPROB or merit < LEAST_MERIT:
            continue
        better = [best for best, one, _ in left if change.overlaps(one)]
        if merit >= SURE_MERIT and change.gain >= SURE_GAIN and not better:
            taken.append(change)
        elif merit >= max(better, default=merit) - MERIT_MARGIN:
            left.append((merit, change, logprob))
    alternatives = tuple(
        Alternative(one.start + shift, one.stop + shift, one.text, logprob)
        for _, one, logprob in left
        for shift in [sum(len(each.text) - (each.stop - each.start) for each in taken if each.start < one.start)]
    )
    text = sentence.text
    for change in sorted(taken, key=lambda each: -each.start):
        text = change.applied(text)
    return replace(sentence, text=text, alternatives=alternatives)


def _changes(sentence: Segment, language: str) -> list[Change]:
    found = mandarin_words.words().changes(sentence.text) if language == "zh" else []
    pattern, quarter = _QUARTERS.get(language, (_NOTHING, ""))
    found += [Change(*each.span(), quarter, QUARTER_GAIN) for each in pattern.finditer(sentence.text)]
    others = (
        change
        for reading in (sentence.readings if language in PLACE_BY_PLACE else ())
        for change in _differences(sentence.text, reading.text)
    )
    return [*found, *itertools.islice(dict.fromkeys(others), MOST_DIFFERENCES)]


def _differences(text: str, reading: str) -> Iterator[Change]:
    """What is in `reading` in place of words of `text`."""
    words, others, differences = readings.compared(text, reading)
    starts = [0, *itertools.accumulate(map(len, words))]
    for start, stop, first, last in differences:
        other = "".join(others[first:last])
        same = readings.bare("".join(words[start:stop])) == readings.bare(other)
        if not same and max(stop - start, last - first) <= MOST_WORDS:
            yield Change(starts[start], starts[stop], other, 0.0)
