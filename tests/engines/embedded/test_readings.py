"""Readings of a window, told for each of its sentences."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.readings import by_sentence
from auricle.types import Reading

SENTENCES = ["火车马上就要开了。", "请大家紧快上车！"]


def told(sentences: list[str], *others: tuple[str, float]) -> list[list[tuple[str, float]]]:
    whole = Reading("".join(sentences), -4.0)
    found = by_sentence(sentences, [whole, *(Reading(*other) for other in others)])
    assert [one[0] for one in found] == [Reading(sentence, -4.0) for sentence in sentences]
    return [[(one.text, one.logprob) for one in readings[1:]] for readings in found]


def test_another_reading_goes_to_the_sentence_that_it_differs_in() -> None:
    assert told(
        SENTENCES, ("火车马上就要开了。请大家尽快上车！", -5.0), ("货车马上就要开了。请大家紧快上车！", -4.5)
    ) == [
        [("货车马上就要开了。", -4.5)],
        [("请大家尽快上车！", -5.0)],
    ]


def test_readings_of_two_sentences_can_be_chosen_apart() -> None:
    both, one = ("货车马上就要开了。请大家尽快上车！", -6.0), ("火车马上就要开了。请大家尽快上车！", -5.0)
    assert told(SENTENCES, both, one) == [[("货车马上就要开了。", -6.0)], [("请大家尽快上车！", -5.0)]]


def test_the_likeliest_text_that_has_it_tells_how_likely_a_sentence_is() -> None:
    others = (("One. Too.", -3.0), ("On. Too.", -5.0))
    assert told(["One. ", "Two."], *others) == [[("On. ", -5.0)], [("Too.", -3.0)]]


def test_a_difference_across_the_end_of_a_sentence_is_left_out() -> None:
    assert told(SENTENCES, ("火车马上就要开大家紧快上车！", -4.2)) == [[], []]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("Yes. Ten please.", [[], [" Ten please."]]),
        ("Yes, yes. Turn please.", [["Yes, yes."], []]),
        ("Yes. Turn please. Thanks.", [[], [" Turn please. Thanks."]]),
    ],
)
def test_words_may_come_and_go(other: str, said: list[list[str]]) -> None:
    assert [[text for text, _ in one] for one in told(["Yes.", " Turn please."], (other, -4.2))] == said
