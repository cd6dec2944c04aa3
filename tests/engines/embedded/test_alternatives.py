"""What parts of a sentence may be: which are taken, which are told, and which are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from auricle.engines.embedded.alternatives import LEAST_LOGPROB, changes, told
from auricle.types import Alternative, Reading, Segment, Word


@dataclass
class Ears:
    """Find texts less likely for each of these words, and for all others that were not written."""

    less: Mapping[str, float]
    written: str = ""
    asked: list[str] = field(default_factory=list)

    def logprobs(self, states: Any, texts: Sequence[str], language: str) -> list[float]:
        self.written, *_ = texts
        self.asked += texts
        return [-20.0 + (0.0 if text == self.written else self._less(text)) for text in texts]

    def _less(self, text: str) -> float:
        return next((less for word, less in self.less.items() if word in text and word not in self.written), -30.0)


def sentence(text: str, language: str = "zh", probability: float = 0.5) -> Segment:
    return Segment(text, 0.0, 3.0, language, words=(Word(text, 0.0, 3.0, probability),))


def heard(ears: Ears, *sentences: Segment) -> list[tuple[str, list[tuple[str, str, float]]]]:
    """Each sentence's text, and what may be in place of what."""
    language = sentences[0].language
    places = changes(sentences, language)
    found = told(ears, None, sentences, places, language) if any(places) else sentences
    return [
        (one.text, [(one.text[each.start : each.stop], each.text, each.logprob) for each in one.alternatives])
        for one in found
    ]


def test_a_frequent_word_that_is_nearly_as_likely_is_taken() -> None:
    assert heard(Ears({"尽快": -1.0}), sentence("请大家紧快上车。")) == [("请大家尽快上车。", [])]


def test_a_word_that_is_less_likely_is_told() -> None:
    (found,) = heard(Ears({"冰雹": -5.0, "冰暴": -3.5}), sentence("5月下了一场冰宝，别的没有。"))
    assert found == ("5月下了一场冰宝，别的没有。", [("冰宝", "冰暴", -3.5), ("冰宝", "冰雹", -5.0)])


def test_a_word_that_is_much_less_likely_is_neither() -> None:
    heard_as = sentence("请大家紧快上车。")
    assert heard(Ears({"尽快": LEAST_LOGPROB - 0.1}), heard_as) == [(heard_as.text, [])]


def test_what_shares_a_character_with_what_was_taken_is_not_told() -> None:
    (found,) = heard(Ears({"洛阳": -0.5, "网络": -3.0}), sentence("开网洛杨的列车晚点。"))
    assert found == ("开网洛阳的列车晚点。", [])


def test_each_sentence_has_its_own_and_all_are_heard_together() -> None:
    ears = Ears({"尽快": -1.0, "冰雹": -5.0})
    first, second = heard(ears, sentence("请大家紧快上车。"), sentence("下了一场冰宝。"))
    assert first == ("请大家尽快上车。", [])
    assert second == ("下了一场冰宝。", [("冰宝", "冰雹", -5.0)])
    assert ears.asked[0] == "请大家紧快上车。下了一场冰宝。"


def test_a_sentence_that_is_sure_is_left_alone() -> None:
    ears = Ears({"尽快": -1.0})
    assert heard(ears, sentence("请大家紧快上车。", probability=0.95)) == [("请大家紧快上车。", [])]
    assert ears.asked == []


@pytest.mark.parametrize(
    ("language", "text", "quarter"),
    [
        ("es", " A las 10 y 4, un camión.", "cuarto"),
        ("fr", " À 9 heures et 4.", "quart"),
        ("fr", " À 1 heure et 4.", "quart"),
    ],
)
def test_a_quarter_past_the_hour_is_none_of_an_hour(language: str, text: str, quarter: str) -> None:
    assert heard(Ears({quarter: -1.0}), sentence(text, language)) == [(text.replace("4", quarter), [])]
    assert heard(Ears({quarter: -3.0}), sentence(text, language)) == [(text, [("4", quarter, -3.0)])]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", " Tengo 4 hijos y 40 nietos."),
        ("es", " Son 10 y 45."),
        ("fr", " Il a 9 ans et 4 mois."),
        ("en", " At 4."),
    ],
)
def test_other_numbers_are_none(language: str, text: str) -> None:
    ears = Ears({})
    assert heard(ears, sentence(text, language)) == [(text, [])]
    assert ears.asked == []


def with_readings(text: str, *others: str, language: str = "ja") -> Segment:
    readings = tuple(Reading(other, -5.0) for other in (text, *others))
    return replace(sentence(text, language), readings=readings)


BELL = "オベントは冷蔵庫の上よ、まやさ3時に起きて。"


def test_what_other_readings_have_is_told_place_by_place() -> None:
    others = BELL.replace("オベント", "お弁当"), BELL.replace("まやさ", "毎朝").replace("上よ、", "上よ")
    (found,) = heard(Ears({"お弁当": -0.5, "毎朝": -2.0}), with_readings(BELL, *others))
    assert found == (BELL, [("オベント", "お弁当", -0.5), ("、まやさ", "毎朝", -2.0)])


def test_case_and_punctuation_are_not_heard() -> None:
    ears = Ears({})
    assert heard(ears, with_readings(BELL, BELL.replace("、", "").rstrip("。"))) == [(BELL, [])]
    assert ears.asked == []


def test_a_reading_that_says_something_else_altogether_has_no_places() -> None:
    ears = Ears({})
    assert heard(ears, with_readings("村の鐘は", "一二三四五")) == [("村の鐘は", [])]


def test_readings_in_other_languages_stay_wholes() -> None:
    ears = Ears({"cugina": -0.5})
    text = " Lo lascio a tua cucina."
    assert heard(ears, with_readings(text, " Lo lascio a tua cugina.", language="it")) == [(text, [])]


def test_places_move_with_what_was_taken_before_them() -> None:
    text = " A las 10 y 4, no, a las 11 y 4."
    (found,) = heard(Ears({"10 y cuarto": -0.5, "11 y cuarto": -2.0}), sentence(text, "es"))
    assert found == (" A las 10 y cuarto, no, a las 11 y 4.", [("4", "cuarto", -2.0)])


def test_a_frequent_word_is_not_taken_where_something_else_is_far_likelier() -> None:
    told_of = replace(sentence("老木酱来了。"), readings=(Reading("老木酱来了。", -5.0), Reading("老木江来了。", -5.0)))
    (found,) = heard(Ears({"木江": 9.0, "木匠": -1.0}), told_of)
    assert found == ("老木酱来了。", [("酱", "江", 9.0)])


def test_alternatives_are_places_in_the_text() -> None:
    hail = sentence("下了一场冰宝。")
    (found,) = told(Ears({"冰雹": -5.0}), None, [hail], changes([hail], "zh"), "zh")
    assert found.alternatives == (Alternative(4, 6, "冰雹", -5.0),)
