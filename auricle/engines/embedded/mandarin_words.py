"""Mandarin words, how often each is used, and which of them sound alike.

The table is mandarin_words.txt.xz beside this module, made of the word list of jieba 0.42.1 (Sun Junyi and others, MIT
licence, in mandarin_words.LICENSE; https://github.com/fxsjy/jieba) by bench/mandarin_words.py: a line for each level of
frequency, with the words that have it.
"""

from __future__ import annotations

import lzma
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auricle.engines.embedded.homophones import syllable

FILE = Path(__file__).with_name("mandarin_words.txt.xz")
LEVELS_PER_NEPER = 2  # a level is twice the natural logarithm of a word's count, rounded
LONGEST = 4  # characters of a word
SHORTEST = 2  # of one that is looked for by its sound: of single characters too many sound alike
UNKNOWN_LEVEL = 0  # of a character that is in no list
MOST_CHANGES = 40  # of a text
LEAST_GAIN = 0.0  # of a change: how much likelier its words are than those that are there, natural logarithm
_HAN = re.compile(r"[㐀-鿿]+")
# Speakers, and recognisers even more, do not tell these apart.
_RETROFLEX = re.compile("^([zcs])h")


@dataclass(frozen=True, slots=True)
class Change:
    """A word in place of characters of a text that sound like it."""

    start: int
    stop: int
    text: str
    gain: float
    """Natural logarithm of how much likelier all words are with it, each by itself."""

    def overlaps(self, other: Change) -> bool:
        return self.start < other.stop and other.start < self.stop

    def applied(self, text: str) -> str:
        """`text` with it."""
        return text[: self.start] + self.text + text[self.stop :]


class Words:
    """The table."""

    def __init__(self, levels: str) -> None:
        """`levels`: lines of a level, a tab, and words with blanks between them."""
        self._levels: dict[str, int] = {}
        self._alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for line in levels.splitlines():
            level, _, words = line.partition("\t")
            self._levels.update(dict.fromkeys(words.split(" "), int(level)))
        for word in self._levels:
            if len(word) >= SHORTEST:
                self._alike[sound(word)].append(word)
        self._all = math.log(sum(math.exp(level / LEVELS_PER_NEPER) for level in self._levels.values()))

    def logprob(self, text: str) -> float:
        """Natural logarithm of how likely the words are that `text`, all of it Chinese characters, is likeliest made
        of, each by itself."""
        best = [0.0]
        for stop in range(1, len(text) + 1):
            ways = [
                best[start] + level / LEVELS_PER_NEPER - self._all
                for start in range(max(0, stop - LONGEST), stop)
                if (level := self._level(text[start:stop])) is not None
            ]
            best.append(max(ways))
        return best[-1]

    def _level(self, word: str) -> int | None:
        return self._levels.get(word, UNKNOWN_LEVEL if len(word) == 1 else None)

    def changes(self, text: str) -> list[Change]:
        """The words that `text` may have by its sound in place of what it has, those first that gain most."""
        found = [change for run in _HAN.finditer(text) for change in self._changes(run.group(), run.start())]
        return sorted(found, key=lambda change: -change.gain)[:MOST_CHANGES]

    def _changes(self, run: str, at: int) -> Iterator[Change]:
        now, sounds = self.logprob(run), sound(run)
        for start in range(len(run)):
            for stop in range(start + SHORTEST, min(start + LONGEST, len(run)) + 1):
                for word in self._alike.get(sounds[start:stop], ()):
                    gain = self.logprob(run[:start] + word + run[stop:]) - now
                    if word != run[start:stop] and gain >= LEAST_GAIN:
                        yield Change(at + start, at + stop, word, gain)


def sound(text: str) -> tuple[str, ...]:
    """The syllables of Chinese characters without tones, and without what is easily misheard: zh is z, ang is an."""
    return tuple(_RETROFLEX.sub(r"\1", syllable(character)).removesuffix("g") for character in text)


@cache
def words() -> Words:
    """The table that comes with Auricle; it takes half a second and 40 MB."""
    return Words(lzma.decompress(FILE.read_bytes()).decode())
