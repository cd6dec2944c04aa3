"""What parts of a sentence may be in place of what they are: the recogniser finds some of them nearly as likely.

The likeliest texts of a whole sentence differ in few places, and whoever has three words wrong finds all three right in
none of them. So words are looked up that sound like what was written, the recogniser tells how likely each of them is
at its place, and `rescoring.py` chooses place by place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
# Whisper writes a quarter past the hour with a 4, for it begins like it.
_QUARTERS = {
    "es": (re.compile(r"(?<=\d y )4\b"), "cuarto"),
    "fr": (re.compile(r"(?<=heures et )4\b|(?<=heure et )4\b"), "quart"),
}


class Ears(Protocol):
    """What is needed of `whisper.Whisper`."""

    def logprobs(self, states: Any, texts: Sequence[str], language: str) -> list[float]: ...


def told(whisper: Ears, states: Any, sentences: Sequence[Segment], language: str, heard_as: str) -> tuple[Segment, ...]:
    """The sentences of a window: those that are not sure with the words that surely belong there, and, best first, with
    the alternatives that are left.

    `states` [1, n, width]: those of the window; `language`: ISO 639-1, `heard_as` Whisper's code.
    """
    found = [_changes(one.text, language) if readings.unsure(one) else [] for one in sentences]
    if not any(found):
        return tuple(sentences)
    texts = [one.text for one in sentences]
    variants = [
        "".join([*texts[:number], change.applied(texts[number]), *texts[number + 1 :]])
        for number, changes in enumerate(found)
        for change in changes
    ]
    unchanged, *logprobs = whisper.logprobs(states, ["".join(texts), *variants], heard_as)
    less = iter(logprobs)
    return tuple(
        _weighed(one, [(change, next(less) - unchanged) for change in changes])
        for one, changes in zip(sentences, found, strict=True)
    )


def _weighed(sentence: Segment, changes: Sequence[tuple[Change, float]]) -> Segment:
    """The sentence with those changes that are sure, and those that are left; with each what the recogniser finds."""
    merits = sorted(
        ((logprob + GAIN_WEIGHT * change.gain, change, logprob) for change, logprob in changes),
        key=lambda each: -each[0],
    )
    text = sentence.text
    taken: list[Change] = []
    left: list[tuple[float, Change, float]] = []
    for merit, change, logprob in merits:
        if any(change.overlaps(one) for one in taken) or logprob < LEAST_LOGPROB or merit < LEAST_MERIT:
            continue
        if merit >= SURE_MERIT and change.gain >= SURE_GAIN:
            text = change.applied(text)
            taken.append(change)
        elif not any(change.overlaps(one) and merit < best - MERIT_MARGIN for best, one, _ in left):
            left.append((merit, change, logprob))
    alternatives = tuple(Alternative(one.start, one.stop, one.text, logprob) for _, one, logprob in left)
    return replace(sentence, text=text, alternatives=alternatives)


def _changes(text: str, language: str) -> list[Change]:
    if language == "zh":
        return mandarin_words.words().changes(text)
    pattern, quarter = _QUARTERS.get(language, (None, ""))
    return [Change(*each.span(), quarter, 0.0) for each in pattern.finditer(text)] if pattern else []
