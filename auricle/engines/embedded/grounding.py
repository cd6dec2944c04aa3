"""Whether an answer rests on what was heard: a small model likes to make up numbers and names, or to echo the question.

Judged is only what can be judged without understanding: numbers, in digits or in words, whether a reason is told at
all, and, where the answer is in the language that was spoken, names. Small numbers may have been counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from auricle.engines.embedded.question import Question
from auricle.engines.embedded.vocabularies import VOCABULARIES, every_character, every_word, pattern

MOST_COUNTED = 2  # numbers up to this may have been counted in the notes rather than read there, or be pronouns
MOST_OF_A_REASON = 0.7  # of the words in an answer to why, where reasons are told
ALL_OF_A_REASON = 0.8  # where none is told as such
STEM_LETTERS = 5  # that tell words apart: ordered, order
REASONED = frozenset(each.language for each in VOCABULARIES.values() if each.reasons)
"""Languages in which it is known how reasons are told."""

_SOME = pattern(lambda vocabulary: vocabulary.some)
_REASONS = pattern(lambda vocabulary: vocabulary.reasons)
_NUMBERS = {name: number for each in VOCABULARIES.values() for name, number in each.numbers.items()}
_NUMBERS_IN = {each.language: each.numbers for each in VOCABULARIES.values() if each.numbers}
_MINUTES = {name: number for each in VOCABULARIES.values() for name, number in each.minutes.items()}
_FILLERS = every_word(lambda vocabulary: vocabulary.fillers)
_STARTERS = every_word(lambda vocabulary: vocabulary.starters)
_SOMEBODY = every_word(lambda vocabulary: vocabulary.somebody)
_FIRST_PERSON = every_word(lambda vocabulary: vocabulary.first_person)
_ONESELF = every_word(lambda vocabulary: vocabulary.oneself)
_EMPTY = _FILLERS | every_word(lambda vocabulary: f"{vocabulary.frequent} {vocabulary.oneself}") | {"because", "not"}
_EMPTY_HAN = "因为所以由于什么何原"
_FILLERS_HAN = every_character(lambda vocabulary: vocabulary.fillers)
_SOMEBODY_HAN = _FILLERS_HAN + every_character(lambda vocabulary: vocabulary.somebody)
_NO_NAMES = every_word(lambda vocabulary: vocabulary.capitalised)

_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<![.!?:…。！？\"“”'’«»(\-])\s+([A-ZÀ-ÖØ-Þ][\w’'-]+)")
_CAPITALISED_WORD = re.compile(r"\b[A-ZÀ-ÖØ-Þ][\w’'-]+")
_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HAN = re.compile(r"[㐀-鿿]")
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}


def unfounded(
    answer: str, question: Question, said: Sequence[str], sources: Sequence[str], *, names: bool, reasons: bool
) -> bool:
    """Whether `answer` only echoes `question`, lacks what was asked for, or has numbers or names from nowhere.

    `said` is what was said and what the client wrote before; `sources` has the notes and the question, too. `names`
    and `reasons`: whether these can be judged in the languages of the question and of what was said; where names can,
    other words can be compared, too.
    """
    if (
        echoes(answer, question)
        or numberless(answer, question)
        or (reasons and "reason" in question.wants and reasonless(answer, question, said, comparable=names))
        or (names and nameless(answer, question, said))
        or (names and "person" in question.wants and strangers(answer, sources))
        or (names and invented(answer, sources, language=question.language, names=True))
    ):
        return True
    # The times in the notes are no prices.
    numbers = sources if "time" in question.wants else [*said, question.text]
    counted = "count" in question.wants
    return bool(invented(answer, numbers, language=question.language, names=False, counted=counted))


def invented(
    answer: str, sources: Iterable[str], *, names: bool, counted: bool = True, language: str = ""
) -> tuple[str, ...]:
    """The numbers, and with `names` the names, in `answer`, which is in `language`, that are in none of `sources`.

    With `counted`, small numbers in digits may have been counted; small ones in words always may.
    """
    text = " ".join(sources)
    numbers = [number for _, number in sorted(_numbers(text))]
    numbers_in_a_row = "".join(f"{number:g}" for number in numbers)  # 0179 may be said as zero, one, seven, nine
    known = {*numbers, *(value for word, value in _MINUTES.items() if word in text.lower())}
    found = []
    for at, number in _numbers(answer, language):
        digits = _DIGITS.match(answer, at)
        in_a_row = digits is not None and digits.group() in numbers_in_a_row
        small = number <= MOST_COUNTED and (counted or digits is None)
        if not small and number not in known and not in_a_row:
            found.append(f"{number:g}")
    if names:
        words = {word.lower() for word in _WORD.findall(text)}
        for name in _NAME.findall(answer):
            parts = [part.lower() for part in _WORD.findall(name) if len(part) > 1]
            if name.lower() not in _NO_NAMES and not words.issuperset(parts):
                found.append(name)
    return tuple(dict.fromkeys(found))


def numberless(answer: str, question: Question) -> bool:
    """Whether `question` asks how many there are, and `answer` does not say it."""
    return (
        "number" in question.wants
        and not _SOME.search(answer)
        and next(_numbers(answer, question.language), None) is None
    )


def tells_reasons(said: Iterable[str]) -> bool:
    """Whether anything in `said`, in REASONED languages, is told as a reason."""
    return any(_REASONS.search(text) for text in said)


def reasonless(answer: str, question: Question, said: Sequence[str], *, comparable: bool) -> bool:
    """Whether `answer` gives a reason that is not told.

    One is told as such ("because"), or what is asked about is said, and what is answered is, too, and does not only say
    the question again. Where words are `comparable`, most of a reason's own must have been said in any case.
    """
    told = tells_reasons(said)
    if not comparable:
        return not told
    answered, asked = _said_share(answer, said, question.text), _said_share(question.text, said)
    if told:
        return answered < MOST_OF_A_REASON
    again = _said_share(question.text, [answer]) > 0 and not tells_reasons([answer])
    return again or min(answered, asked) < ALL_OF_A_REASON


def nameless(answer: str, question: Question, said: Iterable[str]) -> bool:
    """Whether `question` wants a person's name, and `answer` has no word that is written like one in `said`."""
    if "name" not in question.wants:
        return False
    written = {word.lower() for text in said for word in _CAPITALISED_WORD.findall(text)}
    names = written - _STARTERS - _NO_NAMES
    return not names.intersection(word.lower() for word in _CAPITALISED_WORD.findall(answer))


def strangers(answer: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Words of an answer to who it was that are in none of `sources`: people are called what they were called."""
    text = " ".join(sources).lower()
    said = _WORD.findall(text)
    known = {_stem(word) for word in said} | _SOMEBODY | (_ONESELF if _FIRST_PERSON.intersection(said) else frozenset())
    words = [word for word in _WORD.findall(answer.lower()) if word not in _FILLERS]
    foreign = [word for word in words if len(word) > 2 and not _HAN.search(word) and not {word, _stem(word)} & known]
    return *foreign, *(character for character in _HAN.findall(answer) if character not in text + _SOMEBODY_HAN)


def echoes(answer: str, question: Question) -> bool:
    """Whether `answer` only says what `question` said: "The order." to "What was ordered?"."""
    if "choice" in question.wants:  # it has its answer in it
        return False
    if not set(_DIGITS.findall(answer)) <= set(_DIGITS.findall(question.text)):  # "Platform 4."
        return False
    asked = {_stem(word) for word in _WORD.findall(question.text.lower())}
    words = [word for word in _WORD.findall(answer.lower()) if word not in _FILLERS]
    told = [word for word in words if not _HAN.search(word)]
    han = {character for word in words for character in word if _HAN.match(character)}
    return bool(told or han) and all(_stem(word) in asked for word in told) and han <= {*question.text, *_FILLERS_HAN}


def _said_share(text: str, said: Iterable[str], known: str = "") -> float:
    """How many of the words in `text` that tell something, and are not in `known`, are in `said`; 0 where none is."""
    source, known = " ".join(said).lower(), known.lower()
    stems = {_stem(word) for word in _WORD.findall(source)}
    old = {_stem(word) for word in _WORD.findall(known)}
    found = []
    for word in set(_WORD.findall(text.lower())):
        if _HAN.search(word):
            new = set(_HAN.findall(word)) - {*known, *_FILLERS_HAN, *_EMPTY_HAN}
            found += [character in source for character in new]
        elif word not in _EMPTY and _stem(word) not in old:
            found.append(_stem(word) in stems)
    return sum(found) / len(found) if found else 0.0


def _stem(word: str) -> str:
    return word[:STEM_LETTERS]


def _numbers(text: str, language: str = "") -> Iterator[tuple[int, float]]:
    """All numbers in `text` and where they are, however they are written; "9:15" are two.

    Words are read in `language`, if it is known, for "once" is eleven in Spanish; else in every one.
    """
    numbers = _NUMBERS_IN.get(language, _NUMBERS)
    for digits in _DIGITS.finditer(text):
        whole = digits.group()
        if re.fullmatch(r"\d{1,3}(,\d{3})+", whole):  # 10,000
            whole = whole.replace(",", "")
        parts = re.split("[:,]", whole)
        yield from ((digits.start(), float(part)) for part in parts if re.fullmatch(r"\d+(\.\d+)?", part))
    for word in _HYPHENATED.finditer(text):
        names = [word.group().lower()] if word.group().lower() in numbers else word.group().lower().split("-")
        yield from ((word.start(), float(numbers[name])) for name in names if name in numbers)
    for han in _HAN_NUMBER.finditer(text):
        yield from ((han.start(), value) for value in _han(han.group()))


def _han(number: str) -> list[float]:
    """What Chinese characters may count: 三百五十 is 350, 一二三 are 1, 2, 3."""
    if not any(unit in number for unit in _HAN_UNITS):
        digits = [_HAN_DIGITS[digit] for digit in number]
        together = [float("".join(map(str, digits)))] if len(digits) > 1 else []
        return [*map(float, digits), *together]
    total, section, digit = 0, 0, 0
    for character in number:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        elif character == "万":
            total, section, digit = (total + section + digit) * _HAN_UNITS["万"], 0, 0
        else:
            section, digit = section + max(1, digit) * _HAN_UNITS[character], 0
    return [float(total + section + digit)]
