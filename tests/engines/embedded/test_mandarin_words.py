"""Mandarin words that sound like what was written, by the table that comes with Auricle."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.mandarin_words import MOST_CHANGES, Change, Words, sound, words


@pytest.mark.parametrize(
    ("heard", "wrong", "right"),
    [
        ("他扎了个丁子", "丁子", "钉子"),
        ("星期六空气制亮良好", "空气制亮", "空气质量"),
        ("先去隔壁小区休息一击了", "息一击", "洗衣机"),
        ("在门口请付陷阱。", "陷阱", "现金"),
        ("5月下了一场冰宝，别的没有。", "冰宝", "冰雹"),
    ],
)
def test_a_word_is_found_by_its_sound(heard: str, wrong: str, right: str) -> None:
    start = heard.index(wrong)
    (found,) = [
        one for one in words().changes(heard) if (one.start, one.stop, one.text) == (start, start + len(wrong), right)
    ]
    assert found.applied(heard) == heard.replace(wrong, right)


def test_words_that_gain_most_come_first_and_there_are_not_too_many() -> None:
    found = words().changes("前往昆明的旅客请注意，登机口由17号改到31号，17号朗桥正在减修。" * 10)
    gains = [one.gain for one in found]
    assert gains == sorted(gains, reverse=True)
    assert len(found) == MOST_CHANGES


@pytest.mark.parametrize("text", ["", "17 May, ok?", "はい、そうです。", "𠀀𠀁", "我"])
def test_what_has_no_such_words_has_no_changes(text: str) -> None:
    assert words().changes(text) == []


def test_a_frequent_word_gains_and_a_rare_one_loses() -> None:
    table = Words("20\t今天 天气\n2\t金田\n10\t今 天 气\n")
    assert table.changes("今天") == []
    found, *_ = table.changes("金天")
    assert (found.text, found.gain > 5) == ("今天", True)
    assert table.logprob("今天天气") > table.logprob("今") + table.logprob("天天气")


def test_sounds_are_without_tones_and_without_what_is_easily_misheard() -> None:
    assert sound("中") == sound("宗") == ("zon",)
    assert sound("现金") == sound("陷阱")
    assert sound("数") != sound("树木")


def test_changes_overlap_where_they_share_a_character() -> None:
    first = Change(1, 3, "钉子", 0.0)
    assert first.overlaps(Change(2, 4, "子弹", 0.0))
    assert not first.overlaps(Change(3, 5, "子弹", 0.0))
