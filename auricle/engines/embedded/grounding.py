"""Whether an answer rests on what was heard: a small model likes to make up numbers and names, or to echo the question.

Judged is only what can be judged without understanding: numbers, in digits or in words, whether a reason is told at
all, and, where the answer is in the language that was spoken, names. Small numbers may have been counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from auricle.engines.embedded.question import Question
from auricle.engines.embedded.spoken_numbers import LANGUAGES, Number, in_digits, numbers_in
from auricle.engines.embedded.vocabularies import VOCABULARIES, every_character, every_word, pattern

MOST_COUNTED = 2  # numbers up to this may have been counted in the notes rather than read there, or be pronouns
LEAST_IN_A_ROW = 3  # digits that are found in others: fewer are in many
MOST_OF_A_REASON = 0.7  # of the words in an answer to why, where reasons are told
ALL_OF_A_REASON = 0.8  # where none is told as such
STEM_LETTERS = 5  # that tell words apart: ordered, order
LEAST_FORM_LETTERS = 3  # of a word without its ending
REASONED = frozenset(each.language for each in VOCABULARIES.values() if each.reasons)
"""Languages in which it is known how reasons are told."""

_SOME = pattern(lambda vocabulary: vocabulary.some)
_REASONS = pattern(lambda vocabulary: vocabulary.reasons)
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

_ENDINGS = ("s", "es", "d", "ed", "ing")
_DIGITS = re.compile(r"\d+")
_CALENDAR = re.compile(r"(?:星期|礼拜|周)[一二三四五六]|(?:\d{1,2}|十?[一二]|[三四五六七八九十])月")  # Friday, May
_QUARTER_TO = re.compile(r"\b(quarter|\d{1,2})(?: minutes)? to (\d{1,2})\b", re.IGNORECASE)  # quarter to 10
_NAME = re.compile(r"(?<![.!?:…。！？\"“”'’«»(\-])\s+([A-ZÀ-ÖØ-Þ][\w’'-]+)")
_CAPITALISED_WORD = re.compile(r"\b[A-ZÀ-ÖØ-Þ][\w’'-]+")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[㐀-鿿]")


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
    if not _CALENDAR.search(text):  # days and months that have names in the language that was spoken
        answer = _CALENDAR.sub("", answer)
    told = list(numbers_in(answer, language))
    judged = [number for number in told if number.value > MOST_COUNTED or not (counted or number.spelled)]
    found = _unheard(judged, "".join(number.digits for number in told), text) if judged else []
    if names:
        words = {word.lower() for word in _WORD.findall(text)}
        for name in _NAME.findall(answer):
            parts = [part.lower() for part in _WORD.findall(name) if len(part) > 1]
            if name.lower() not in _NO_NAMES and not words.issuperset(parts):
                found.append(name)
    return tuple(dict.fromkeys(found))


def _unheard(numbers: Sequence[Number], row: str, text: str) -> list[str]:
    """Those of `numbers` that are not in `text`, which is read in each language (0.06 s for an hour of speech).

    `row` has all digits of the answer: 0179 may be said as zero, one, seven, nine.
    """
    readings = [list(numbers_in(text, each)) for each in LANGUAGES]
    rows = ["".join(number.digits for number in each) for each in readings]

    def in_a_row(digits: str) -> bool:
        return len(digits) >= LEAST_IN_A_ROW and any(digits in row for row in rows)

    if in_a_row(row):
        return []
    lowered = text.lower()
    known = {number.value for each in readings for number in each}
    known |= {value for word, value in _MINUTES.items() if word in lowered}
    for minutes, hour in _QUARTER_TO.findall(in_digits(text, "en")):
        known |= {int(hour) - 1, 60 - int(_MINUTES.get(minutes.lower(), minutes))}
    return [f"{n.value:g}" for n in numbers if n.value not in known and not in_a_row(n.digits)]


def numberless(answer: str, question: Question) -> bool:
    """Whether `question` asks how many there are, and `answer` does not say it."""
    return (
        "number" in question.wants
        and not _SOME.search(answer)
        and next(numbers_in(answer, question.language), None) is None
        and not any(in_digits(answer, each).strip(" .").isdigit() for each in LANGUAGES)
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
    known = {form for word in set(said) for form in _forms(word)} | _SOMEBODY
    known |= _ONESELF if _FIRST_PERSON.intersection(said) else frozenset()
    words = [word for word in _WORD.findall(answer.lower()) if word not in _FILLERS]
    foreign = [word for word in words if len(word) > 2 and not _HAN.search(word) and known.isdisjoint(_forms(word))]
    return *foreign, *(character for character in _HAN.findall(answer) if character not in text + _SOMEBODY_HAN)


def echoes(answer: str, question: Question) -> bool:
    """Whether `answer` only says what `question` said: "The order." to "What was ordered?"."""
    if "choice" in question.wants:  # it has its answer in it
        return False
    known = set(_DIGITS.findall(in_digits(question.text, question.language)))
    if not known.issuperset(_DIGITS.findall(answer)):  # "Platform 4."
        return False
    asked = _WORD.findall(question.text.lower())
    words = [word for word in _WORD.findall(answer.lower()) if word not in _FILLERS]
    told = [word for word in words if not _HAN.search(word)]
    han = {character for word in words for character in word if _HAN.match(character)}
    return (
        bool(told or han)
        and all(any(_alike(word, other) for other in asked) for word in told)
        and han <= {*question.text, *_FILLERS_HAN}
    )


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


def _alike(word: str, other: str) -> bool:
    """Whether they are forms of one word: slip, slipped."""
    short, long = sorted((word, other), key=len)
    return word == other or _stem(word) == _stem(other) or (len(short) >= STEM_LETTERS - 1 and long.startswith(short))


def _stem(word: str) -> str:
    return word[:STEM_LETTERS]


def _forms(word: str) -> set[str]:
    """What other forms of the word may have in common with it: wants, want; calling, calls."""
    bare = {word.removesuffix(ending) for ending in _ENDINGS}
    return {word, _stem(word), *(form for form in bare if len(form) >= LEAST_FORM_LETTERS)}
