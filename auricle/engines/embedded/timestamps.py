"""Words and their times, from the attention of the model's alignment heads (openai/whisper's `timing.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from auricle.engines.embedded.sentence_end import ends_sentence
from auricle.engines.embedded.whisper import Whisper
from auricle.engines.embedded.windows import Window
from auricle.types import Segment, Word

STATE_SECONDS = 0.02  # of one encoder state
PAUSE_SECONDS = 1.0  # between sentences that no full stop parts
FIRST_WORD_SECONDS = 1.0  # that a sentence's first word lasts at most: what sounds before it is aligned with it, too
_BEFORE = "\"'“¿([{-「『（"  # punctuation that belongs to the word after it
_AFTER = "\"'.。,，!！?？:：”)]}、」』）;；…"  # and to the word before it


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as the model wrote it, its times in the audio, and its tokens."""

    text: str
    start: float
    end: float
    probability: float
    tokens: tuple[int, ...]


def words(
    whisper: Whisper, states: Any, tokens: tuple[int, ...], language: str, window: Window, *, translate: bool
) -> tuple[TimedWord, ...]:
    """The words of `tokens` with their times in the audio; `states` [1, n, width] is what they were decoded from."""
    text = [token for token in tokens if token < whisper.tokenizer.eot]
    if not text:
        return ()
    times, token_probabilities = onsets(whisper, states, text, language, window, translate=translate)
    texts, groups = whisper.split(text, language)
    ends = np.cumsum([len(group) for group in groups])
    starts = ends - [len(group) for group in groups]
    found: list[TimedWord] = []
    for word, group, first, last in zip(texts, groups, starts.tolist(), ends.tolist(), strict=True):
        begin = times[min(first, len(times) - 1)]
        end = times[last] if last < len(times) else window.seconds
        probabilities = token_probabilities[first:last]
        begin, end = min(begin, window.seconds), min(max(begin, end), window.seconds)
        at, until = window.time(begin), window.time(end, is_end=True)
        probability = round(float(np.mean(probabilities)), 4)
        found.append(TimedWord(word, round(at, 2), round(max(at, until), 2), probability, tuple(group)))
    return _merge_punctuation(found)


def onsets(
    whisper: Whisper, states: Any, text: list[int], language: str, window: Window, *, translate: bool
) -> tuple[list[float], list[float]]:
    """When each token of `text`, and the end token, begins, in seconds of the window; and each token's probability."""
    start = whisper.prompt(language, translate=translate, prefix=None)[:-1]
    frames = max(2, min(round(window.seconds / 0.01), 2 * states.shape[1]))
    result = whisper.model.align(states, start, [text], frames, median_filter_width=7)[0]
    pairs = np.array(result.alignments)
    token_indices, time_indices = pairs[:, 0], pairs[:, 1]
    jumps = np.pad(np.diff(token_indices), (1, 0), constant_values=1).astype(bool)
    return (time_indices[jumps] * STATE_SECONDS).tolist(), list(result.text_token_probs)


def _merge_punctuation(found: list[TimedWord]) -> tuple[TimedWord, ...]:
    """Give punctuation that stands alone to the word it belongs to."""
    merged: list[TimedWord] = []
    opening: TimedWord | None = None
    for word in found:
        bare = word.text.strip()
        if opening is not None:
            text, tokens = opening.text + word.text.lstrip(), opening.tokens + word.tokens
            word = replace(word, text=text, tokens=tokens)
            opening = None
        elif bare and word.text.startswith(" ") and all(character in _BEFORE for character in bare):
            opening = word
            continue
        elif bare and merged and all(character in _AFTER for character in bare):
            before = merged[-1]
            merged[-1] = replace(before, text=before.text + word.text, tokens=before.tokens + word.tokens)
            continue
        merged.append(word)
    return tuple(merged) if opening is None else (*merged, opening)


def split(segment: Segment, found: tuple[TimedWord, ...], write: Callable[[str], str]) -> tuple[Segment, ...]:
    """A segment for each sentence of `segment`, with its words; `write` puts a text into the wanted script.

    A sentence ends at its full stop, or before a pause of a second; what is between digits is none.
    """
    parts: list[list[TimedWord]] = [[]]
    for word, after in zip_longest(found, found[1:]):
        if parts[-1] and word.start - parts[-1][-1].end > PAUSE_SECONDS:
            parts.append([])
        parts[-1].append(word)
        number = after is not None and word.text[-2:-1].isdigit() and after.text[:1].isdigit()
        if ends_sentence(word.text) and not number:
            parts.append([])
    segments = []
    for part in filter(None, parts):
        part[0] = replace(part[0], start=max(part[0].start, round(part[0].end - FIRST_WORD_SECONDS, 2)))
        words = tuple(Word(write(word.text), word.start, word.end, word.probability) for word in part)
        segments.append(
            replace(
                segment,
                text="".join(word.text for word in words),
                start=words[0].start,
                end=words[-1].end,
                tokens=tuple(token for word in part for token in word.tokens),
                words=words,
            )
        )
    return tuple(segments) or (segment,)
