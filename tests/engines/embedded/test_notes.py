from __future__ import annotations

from dataclasses import replace

import pytest

from auricle.engines.embedded.heard import loudness_of
from auricle.engines.embedded.languages import language_of, name_of
from auricle.engines.embedded.notes import Wording, sentences
from tests.engines.embedded.questions import MEETING, MORNING, NIGHT, RAIN, TRAIN, scene
from tests.engines.waveforms import from_samples, noise, silence


def wording(seconds: float = 10.0, *, chinese: bool = False, number: int | None = None) -> Wording:
    return Wording(chinese, number, seconds)


def test_a_note_has_the_length_the_words_the_times_and_the_language() -> None:
    notes = "\n".join(sentences(MORNING, wording(MORNING.seconds)))
    assert "lasts 3.9 seconds" in notes
    assert 'From 0.2 s to 3.7 s somebody says in English: "Good morning.' in notes


def test_a_chinese_note_is_chinese() -> None:
    notes = "\n".join(sentences(TRAIN, wording(TRAIN.seconds, chinese=True, number=2)))
    assert notes.startswith("音频2长14.6秒。")
    assert "从0.3秒到4.8秒，有人用中文说：“您好，我想订一张明天去上海的火车票。”" in notes
    assert "somebody" not in notes


def test_silence_and_noise_are_told_apart_in_words() -> None:
    assert "completely silent" in sentences(NIGHT, wording())[-1]
    rain = sentences(RAIN, wording())[-1]
    assert "Nobody speaks" in rain
    assert "silent" not in rain
    assert "没有人说话" in sentences(NIGHT, wording(chinese=True))[-1]


def test_long_audio_is_timed_by_the_clock() -> None:
    long = scene(3725.0, "en", (3661.0, 3664.0, "the end"))
    notes = sentences(long, wording(long.seconds))
    assert notes[0] == "The audio lasts 3725 seconds (1 h 2 min 5 s)."
    assert notes[1].startswith("From 1:01:01 to 1:01:04 ")


def test_what_is_left_out_is_said() -> None:
    notes = sentences(MEETING, wording(MEETING.seconds), frozenset({0, 3}))
    assert len([line for line in notes if "left out" in line]) == 1
    assert "From 6.8 s to 21.9 s" not in notes[2]
    assert "from 6.8 s to 21.9 s is left out" in notes[2]
    nothing = sentences(MEETING, wording(MEETING.seconds), frozenset())
    assert "from 0.4 s to 30.8 s is left out" in nothing[1]


def test_languages_are_ordered_by_how_much_is_spoken() -> None:
    mixed = replace(MEETING, segments=(*MEETING.segments, *TRAIN.segments))
    assert mixed.languages == ("en", "zh")
    assert "English and Chinese" in sentences(mixed, wording())[-1]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is said in the audio?", "en"),
        ("", "en"),
        ("ok", "en"),
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


def test_loudness() -> None:
    assert loudness_of(silence(1)).silent
    assert loudness_of(silence(0)).silent
    loud = loudness_of(noise(130, level=0.1))
    assert loud.rms_dbfs == pytest.approx(-20, abs=0.2)
    assert not loud.silent
    assert loud.clipped == 0
    full = from_samples(noise(1, level=2.0).read())
    assert loudness_of(full).clipped > 0.1
    assert loudness_of(full).peak_dbfs == pytest.approx(0, abs=0.01)
