"""Which language is spoken, where the model is not sure: with an accent, in a word or two, in noise.

Whisper's own guess goes astray in two ways. It names languages that it hardly knows: Latin, Burmese, Breton. So those
count less, and more of one is wanted before it is believed. And it goes by the accent: Russian with an Italian one may
be far down its list, below Polish and Croatian, and is the likeliest text of all once it is written down. So a doubtful
window is also tried in languages that many people speak. See docs/performance.md for what that saves.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from auricle.engines.embedded import guards
from auricle.engines.embedded.whisper import Decoded, Whisper

# By hours of transcribed speech in the training data: Radford et al. 2022, figure 11, https://arxiv.org/abs/2212.04356
_KNOWN = (
    "en zh yue de es ru fr pt ko ja tr pl it sv nl ca fi id ar uk vi he el da ms hu ro no th cs ta ur"  # 100 and more
)
_HALF_KNOWN = "hr sk bg tl cy lt lv az et sl sr fa eu is mk hy hi kk bs"  # 10 to 100
_WEIGHTS = (1.0, 0.3, 0.1)  # of those, of these, and of all others; the cube root of their hours did the same
COMMON = ("en", "zh", "es", "fr", "ru", "pt", "de", "it")
LIKELIEST = 3  # of the list that are tried beside the common ones
SETTLED = 0.8  # probability from which on a language is not doubted, however improbable the text
LEAST_TOKENS = 12  # that a text is taken to have: else an empty one were the best of all
MARGIN = 0.1  # of merit; 0 saves as many errors in speech with an accent, 0.2 fewer
PROBE_TOKENS = 48  # that are written in each language at most: nobody needs more to tell, and some loop

Ranked = Sequence[tuple[str, float]]
"""Whisper's codes and probabilities, likeliest first."""


def weighed(found: Ranked) -> list[tuple[str, float]]:
    """`found` with what the model knows of each language taken into account."""
    values = [(code, probability * _weight(code)) for code, probability in found]
    whole = sum(value for _, value in values) or 1.0
    return sorted(((code, value / whole) for code, value in values), key=lambda pair: -pair[1])


@functools.cache
def _weight(code: str) -> float:
    known, half_known, others = _WEIGHTS
    return known if code in _KNOWN.split() else half_known if code in _HALF_KNOWN.split() else others


def rank(whisper: Whisper, states: Any) -> list[list[tuple[str, float]]]:
    """The languages of each row of `states` as the decoder is to see them, weighed."""
    return [weighed(found) for found in whisper.detect_languages(states)]


def candidates(ranked: Ranked, found: str) -> list[str]:
    """The languages to try where a text was `found` in one of them; none where the likeliest is settled."""
    if not ranked or ranked[0][1] >= SETTLED:
        return []
    known = {code for code, _ in ranked}
    likeliest = [code for code, _ in ranked[:LIKELIEST]]
    return list(dict.fromkeys([found, *likeliest, *(code for code in COMMON if code in known)]))


def probe(whisper: Whisper, states: Any, languages: list[str]) -> str:
    """In which of `languages` one window makes the likeliest text; `states` has a row of it for each of them."""
    prompts = [whisper.prompt(language, translate=False, prefix=None) for language in languages]
    return likeliest(whisper, whisper.decode(states, prompts, languages, beam_size=1, limit=PROBE_TOKENS)).language


def likeliest(whisper: Whisper, texts: Sequence[Decoded]) -> Decoded:
    """The best of a window's texts in different languages; the first, unless another is better by some margin."""
    merits = [merit(whisper, text) for text in texts]
    merits[0] = merits[0][0], merits[0][1] + MARGIN
    return texts[merits.index(max(merits))]


def merit(whisper: Whisper, decoded: Decoded) -> tuple[bool, float]:
    """What texts of one window in different languages are compared by.

    The mean log-probability prefers texts in syllables, of which the model is sure one by one (Japanese for anything);
    the sum prefers what is short. This is half-way between.
    """
    sound = not (guards.repeats(whisper.text(decoded.tokens)) or guards.loops(decoded.tokens))
    return sound, decoded.avg_logprob * math.sqrt(max(len(decoded.tokens), LEAST_TOKENS) + 1)
