from __future__ import annotations

import pytest

from auricle.engines.embedded.languages import language_of, name_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is said in the audio?", "en"),
        ("", "en"),
        ("ok", "en"),
        ("Transcribe audio 2.", "en"),
        ("Niemand spricht", "de"),
        ("Non si sente nell'audio.", "it"),
        ("这段音频说了什么？", "zh"),
        ("请用 JSON 描述 MiMo-V2.5 的音频", "zh"),
        ("Please translate 你好 for the people who cannot read Chinese", "en"),
        ("この音声は何と言っていますか", "ja"),
        ("오디오에서 무슨 말을 하나요?", "ko"),
        ("Что говорит этот человек?", "ru"),
        ("Was wird in der Aufnahme gesagt?", "de"),
        ("Que dit la personne dans cet enregistrement ?", "fr"),
        ("¿Qué dice la persona en el audio?", "es"),
        ("Che cosa dice la persona?", "it"),
        ("O que a pessoa diz no áudio?", "pt"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


def test_names_of_languages() -> None:
    assert name_of("de") == "German"
    assert name_of("de", chinese=True) == "德语"
    assert name_of("xx") == "xx"
