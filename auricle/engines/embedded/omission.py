"""A sentence that was left out without a sign: found by the voice that none of the written words attend to.

In a window of several sentences Whisper's decoder now and then steps over one after a pause; the likelihood of what it
does write tells nothing of that. Its attention does: the token before or after then seems to last as long as the
sentence. A look at the attention costs one more run of the decoder, so only windows with few tokens for their voice
are looked at.

Found on windows of up to 14 s put together of sentences of three people in English, Spanish, Italian and Japanese, some
in noise, rooms and telephones, some soft and some loud: of 101 windows that lacked a sentence without being doubted,
the longest such stretch was 1.36 s or more in each, and under 1.2 s in 98.2 % of 552 that lacked none.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from auricle.engines.embedded.timestamps import onsets
from auricle.engines.embedded.whisper import Decoded, Whisper
from auricle.engines.embedded.windows import Window
from auricle.waveform import SAMPLE_RATE

LEFT_OUT_SECONDS = 1.2  # of voice, in which no token begins
COVERED_SECONDS = 0.3  # of a voice in that stretch, from which on it is taken to be left out
SENTENCE_PAUSE_SECONDS = 0.5  # between two of them; what is shorter, or beside less than a second, is in a sentence
MOST_PARTS = 5  # of a window; with more, what was left out is one part: each may cost as much as a window of 30 s
LEAST_VOICES = 2  # that have pauses between; a lone sentence is not left out
SPARSE = {"en": 3.4, "es": 3.9, "it": 4.5, "ja": 5.0}
"""Tokens for a second of voice, under which a window is looked at: no window with a sentence left out had as many,
and of the others about one in six has fewer. Windows in other languages are all looked at.
"""


def sparse(window: Window, decoded: Decoded) -> bool:
    """Whether so little is written for the voice in `window` that a sentence may be missing."""
    if len(window.voices) < LEAST_VOICES or not decoded.tokens:
        return False
    return len(decoded.tokens) < SPARSE.get(decoded.language, math.inf) * window.voiced_seconds


def unwritten(whisper: Whisper, states: Any, decoded: Decoded, window: Window) -> list[int]:
    """The voices of `window` that no word was written for; empty if none of them was left out.

    `states` [1, n, width] is what the text was decoded from.
    """
    text = [token for token in decoded.tokens if token < whisper.tokenizer.eot]
    if not text:
        return []
    times, _ = onsets(whisper, states, text, decoded.language, window, translate=False)
    return covered(window, times)


def covered(window: Window, times: list[float]) -> list[int]:
    """The voices of `window` in its longest stretch of voice without a token, if that is long; `times`: of tokens."""
    edges = [0.0, *times[1:], window.seconds]
    voices = [(window.seconds_at(voice.start), window.seconds_at(voice.stop)) for voice in window.voices]
    stretches = [
        [max(0.0, min(stop, until) - max(start, at)) for start, stop in voices] for at, until in pairwise(edges)
    ]
    longest = max(stretches, key=sum)
    if sum(longest) < LEFT_OUT_SECONDS:
        return []
    return [number for number, seconds in enumerate(longest) if seconds >= COVERED_SECONDS]


def parts(window: Window, left_out: list[int]) -> list[Window]:
    """`window` taken apart: what was left out, sentence by sentence, and what is before and after it.

    `left_out`: numbers of voices, in a row.
    """
    voices = window.voices
    runs: list[tuple[int, int]] = []
    for number, voice in enumerate(voices):
        same = bool(runs) and (number in left_out) == (number - 1 in left_out)
        if same and number in left_out:
            pause = (voice.start - voices[number - 1].stop) / SAMPLE_RATE
            same = pause < SENTENCE_PAUSE_SECONDS or min(voice.length, voices[number - 1].length) < SAMPLE_RATE
        if same:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    if len(runs) > MOST_PARTS:
        first, last = left_out[0], left_out[-1]
        runs = [(0, first - 1), (first, last), (last + 1, len(voices) - 1)]
        runs = [run for run in runs if run[0] <= run[1]]
    return [window.part(first, last) for first, last in runs] if len(runs) > 1 else []
