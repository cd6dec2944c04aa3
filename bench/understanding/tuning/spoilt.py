"""Texts with mistakes like a recogniser's: who learns only from what is written right takes a misheard name for one
that nobody said."""

from __future__ import annotations

import random
import zlib
from collections import defaultdict
from dataclasses import replace

from pypinyin import lazy_pinyin
from text_to_num import alpha2digit

from auricle.engines.embedded.heard import Heard

SHARE = 0.45  # of readings that are spoilt
DIGITS = 0.8  # of sentences whose numbers are written in digits
WORDS, NAMES, CHARACTERS = 0.08, 0.25, 0.1  # of words, of words with a capital, and of Chinese characters, misheard
SHORTEST = 4  # letters of a word that is
NUMBERED = ("en", "fr", "es", "it", "pt", "de")  # languages whose numbers `alpha2digit` reads
VOWELS = "aeiou"
ENDINGS = "sdtnea"
_COMMON = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情"
    "明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给"
    "世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太"
    "量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔车票站店晚早午饭菜钱"
)


def spoilt(heard: Heard, seed: str) -> Heard:
    """`heard` with mistakes, or, of most, as it is; the same each time for one `seed`."""
    rng = random.Random(zlib.crc32(seed.encode()))
    if rng.random() > SHARE:
        return heard
    return replace(heard, segments=tuple(replace(s, text=_spoilt(s.text, s.language, rng)) for s in heard.segments))


def _spoilt(text: str, language: str, rng: random.Random) -> str:
    if language == "zh":
        return "".join(_homophone(c, rng) if rng.random() < CHARACTERS else c for c in text)
    if language in NUMBERED and rng.random() < DIGITS:
        text = alpha2digit(text, language)
    return " ".join(
        _misspelt(word, rng) if rng.random() < (NAMES if word[:1].isupper() else WORDS) else word
        for word in text.split(" ")
    )


def _misspelt(word: str, rng: random.Random) -> str:
    """With another vowel, a letter too few or too many, or another end; what stands behind it stays."""
    bare = word.rstrip(".,?!")
    rest = word[len(bare) :]
    if len(bare) < SHORTEST or not bare.isalpha():
        return word
    at = rng.randrange(1, len(bare) - 1)
    vowels = [i for i, letter in enumerate(bare) if letter.lower() in VOWELS]
    match rng.choices(("vowel", "drop", "double", "end"), (4, 2, 2, 2))[0]:
        case "vowel" if vowels:
            at, other = rng.choice(vowels), rng.choice(VOWELS)
            bare = bare[:at] + (other.upper() if bare[at].isupper() else other) + bare[at + 1 :]
        case "drop":
            bare = bare[:at] + bare[at + 1 :]
        case "double":
            bare = bare[:at] + bare[at] + bare[at:]
        case _:
            bare = bare[:-1] + rng.choice(ENDINGS)
    return bare + rest


def _homophone(character: str, rng: random.Random) -> str:
    """A common character that sounds like it, tones apart."""
    others = [other for other in _homophones()[lazy_pinyin(character)[0]] if other != character]
    return rng.choice(others) if others else character


def _homophones() -> dict[str, list[str]]:
    if not _by_sound:
        for character in _COMMON:
            _by_sound[lazy_pinyin(character)[0]].append(character)
    return _by_sound


_by_sound: defaultdict[str, list[str]] = defaultdict(list)
