"""Numbers in a text, however they are written: 25, twenty-five, 二十五."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from text_to_num import alpha2digit

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt")
"""ISO 639-1 codes of those whose number words are read, besides Chinese characters."""

_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万]{1,16}")  # more would be too large for a float
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text."""

    value: float
    digits: str
    """As it is written, or would be in digits: 0179 is not 179."""
    spelled: bool
    """Whether it is written in words or Chinese characters."""


def numbers_in(text: str, language: str = "") -> Iterator[Number]:
    """The numbers in `text`, words read in `language` (ISO 639-1), for "once" is eleven in Spanish.

    "9:15" are two. Chinese digits in a row are so many numbers and, together, one more.
    """
    written = set(_DIGITS.findall(text))
    for whole in _DIGITS.findall(in_digits(text, language)):
        spelled = whole not in written
        if re.fullmatch(r"\d{1,3}(,\d{3})+", whole):  # 10,000
            whole = whole.replace(",", "")
        for part in re.split("[:,]", whole):
            if re.fullmatch(r"\d+(\.\d+)?", part):
                yield Number(float(part), part, spelled)
    for han in _HAN_NUMBER.findall(text):
        yield from (Number(value, f"{value:g}", True) for value in _han(han))


def in_digits(text: str, language: str) -> str:
    """`text` with its number words as digits: those of `language`, or, where these are not known, English ones."""
    return str(alpha2digit(text, language if language in LANGUAGES else "en", threshold=0))


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
