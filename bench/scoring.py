"""Error rates: a text as units that are counted, and how many of them are wrong."""

from __future__ import annotations

import re

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


_SHORT_FORMS = {  # English says the same words either way, and so does who writes them down
    r"\b(that|it|there|what|here|where|who|he|she)'s\b": r"\1 is",
    r"\b(can't|cannot)\b": "can not",
    r"\bwon't\b": "will not",
    r"n't\b": " not",
    r"\bi'm\b": "i am",
    r"'re\b": " are",
    r"'ll\b": " will",
    r"'ve\b": " have",
}


def normalize(text: str, language: str) -> list[str]:
    """The units that errors are counted in: words, or characters for Chinese and Japanese."""
    text = text.casefold().replace("’", "'")
    if language in {"zh", "ja"}:
        return [character for character in text if character.isalnum()]
    if language == "en":
        for short, whole in _SHORT_FORMS.items():
            text = re.sub(short, whole, text)
    text = re.sub(r"\d+", lambda found: _number(found.group(), language), text)
    text = re.sub(r"(?<=\w)[-–](?=\w)", " ", text)
    return re.sub(r"[^\w\s']", "", text).replace("ё", "е").split()


def _number(digits: str, language: str) -> str:
    if language != "en":
        return digits
    value = int(digits)
    if value in (1000, 1_000_000):
        return {1000: "thousand", 1_000_000: "million"}[value]
    if value >= 1000:
        return digits
    words = [_ONES[value // 100], "hundred"] if value >= 100 else []
    rest = value % 100
    if rest >= 20:
        words.append(_TENS[rest // 10 - 2])
        rest %= 10
    if rest or not value:
        words.append(_ONES[rest])
    return " ".join(words)


def errors(wanted: list[str], got: list[str]) -> int:
    """Insertions, deletions and substitutions between two lists."""
    row = list(range(len(got) + 1))
    for index, unit in enumerate(wanted, 1):
        last, row[0] = row[0], index
        for column, other in enumerate(got, 1):
            last, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, last + (unit != other))
    return row[-1]
