"""Mandarin words that sound alike: their characters have the same syllables, whatever the tones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

REMEMBERED = 8192  # characters whose syllables are kept
# Characters of words that are in any question, and in any text by chance.
_FUNCTION = frozenset("的了是吗呢什么谁哪几多少在有他她它们这那个为怎会要能从到和跟对被把给就都也还不没很")
_HAN = re.compile(r"[㐀-鿿]+")


def spelled(text: str, words: Iterable[str]) -> str:
    """`text` with those of `words` that have two Chinese characters in place of what sounds like them.

    What is one of them is left, and words that are in any question are looked for in vain.
    """
    wanted = sorted(word for word in words if len(word) == 2 and _HAN.fullmatch(word) and _FUNCTION.isdisjoint(word))
    if not wanted:
        return text
    by_sound = {(syllable(word[0]), syllable(word[1])): word for word in wanted}
    sounds = [syllable(character) if _HAN.match(character) else "" for character in text]
    found = list(text)
    right = {at + k for word in wanted for at in _places(text, word) for k in (0, 1)}
    for at, sound in enumerate(pairwise(sounds)):
        word = by_sound.get(sound, "")
        changed = [at + k for k in range(len(word)) if found[at + k] != word[k]]
        if right.isdisjoint(changed):
            found[at : at + len(word)] = word
            right.update(changed)
    return "".join(found)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


@lru_cache(maxsize=REMEMBERED)
def syllable(character: str) -> str:
    """How it is read most often, in pinyin without the tone."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # of 44 MB; only single characters are looked up
    from pypinyin import lazy_pinyin  # 0.07 s and 13 MB, for those who ask in Chinese

    return str(lazy_pinyin(character)[0])
