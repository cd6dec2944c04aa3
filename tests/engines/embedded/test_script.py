"""One Chinese script."""

from __future__ import annotations

from auricle.engines.embedded.script import is_chinese, to_script


def test_simplified_and_traditional() -> None:
    assert to_script("請把會議記錄發給我", "simplified") == "请把会议记录发给我"
    assert to_script("请把会议记录发给我", "traditional") == "請把會議記錄發給我"
    assert to_script("請把会议", "as-is") == "請把会议"


def test_english_and_numbers_are_kept() -> None:
    assert to_script("我用 Python 3.11, 你呢?", "simplified") == "我用 Python 3.11, 你呢？"


def test_punctuation_after_characters_is_full_width() -> None:
    assert to_script("你好,世界!", "simplified") == "你好，世界！"


def test_languages() -> None:
    assert is_chinese("zh")
    assert is_chinese("yue")
    assert not is_chinese("ja")
