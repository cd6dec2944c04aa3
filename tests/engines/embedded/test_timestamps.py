"""Sentences with their times, from words with theirs."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.timestamps import TimedWord, split
from auricle.types import Segment


def said(*words: tuple[str, float, float]) -> list[tuple[str, float, float]]:
    found = tuple(TimedWord(text, start, end, 0.9, (number,)) for number, (text, start, end) in enumerate(words))
    whole = Segment("".join(word.text for word in found), 0.0, 10.0, "en")
    parts = split(whole, found, lambda text: text)
    assert "".join(part.text for part in parts) == whole.text
    assert [word.text for part in parts for word in part.words] == [word.text for word in found]
    assert [token for part in parts for token in part.tokens] == list(range(len(found)))
    return [(part.text, part.start, part.end) for part in parts]


def evenly(text: str) -> list[tuple[str, float, float]]:
    words = text.split()
    return [(word if not at else f" {word}", at / 2, at / 2 + 0.4) for at, word in enumerate(words)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He left. She stayed!", ["He left.", " She stayed!"]),
        ("Of course, Mrs. Becker. Come in.", ["Of course, Mrs. Becker.", " Come in."]),
        ("J. F. Kennedy met Dr. No. Fine.", ["J. F. Kennedy met Dr. No.", " Fine."]),
        ('"Stop." It is 5 p.m. now', ['"Stop."', " It is 5 p.m. now"]),
        ("今天天气很好。 我们走吧", ["今天天气很好。", " 我们走吧"]),
    ],
)
def test_a_sentence_ends_at_its_full_stop_but_not_behind_a_short_form(text: str, sentences: list[str]) -> None:
    assert [one for one, _, _ in said(*evenly(text))] == sentences


def test_a_full_stop_between_digits_ends_no_sentence() -> None:
    """Chinese and Japanese are split by characters, and punctuation goes to the character before it."""
    text = ("到", "您", "家", "5.", "2", "0", "到", "，", "付", "6", "0.", "好")
    times = [(word, at / 5, at / 5 + 0.2) for at, word in enumerate(text)]
    assert [one for one, _, _ in said(*times)] == ["到您家5.20到，付60.", "好"]


def test_a_sentence_ends_before_a_pause() -> None:
    assert said(("One", 0.0, 0.4), (" two", 1.5, 2.0), (" three", 2.9, 3.1)) == [
        ("One", 0.0, 0.4),
        (" two three", 1.5, 3.1),
    ]


def test_what_sounds_before_a_sentence_is_not_its_first_word() -> None:
    assert said(("Come", 0.0, 2.5), (" in.", 2.5, 2.9), (" Sit.", 3.0, 3.4)) == [
        ("Come in.", 1.5, 2.9),
        (" Sit.", 3.0, 3.4),
    ]
