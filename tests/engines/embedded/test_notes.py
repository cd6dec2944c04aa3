from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness, loudness_of
from auricle.engines.embedded.notes import Wording, sentences
from auricle.engines.embedded.sound_classes import by_label
from auricle.types import Segment
from tests.engines.embedded.questions import LOUD, MEETING, MORNING, NIGHT, RAIN, TRAIN, scene
from tests.engines.waveforms import from_samples, noise, silence

VOICES: tuple[tuple[str, tuple[float, float], Literal["lower", "higher"]], ...] = (
    ("One.", (0, 1), "lower"),
    ("Two.", (1, 2), "lower"),
    ("Three.", (2, 4), "higher"),
    ("Four.", (4, 5), "lower"),
)


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


def test_silence_and_what_was_not_listened_for_are_told_apart_in_words() -> None:
    silence = "\n".join(sentences(NIGHT, wording()))
    assert "completely silent" in silence
    assert "There is no music" in silence
    rain = "\n".join(sentences(RAIN, wording()))
    assert "Nobody speaks" in rain
    assert "silent" not in rain
    assert "Sounds other than speech, and music, were not listened for" in rain
    assert "no music" not in rain
    assert "没有人说话" in "".join(sentences(NIGHT, wording(chinese=True)))


def heard(*events: SoundEvent, seconds: float = 10.0, loudness: Loudness = LOUD) -> Heard:
    return replace(scene(seconds, "en", loudness=loudness), events=events)


def event(label: str, start: float, end: float, confidence: float = 0.9) -> SoundEvent:
    return SoundEvent(label, by_label()[label].role, start, end, confidence)


def test_sounds_are_told_as_surely_as_they_were_heard() -> None:
    events = (event("Bark", 1, 2), event("Sheep", 3, 4, 0.6), event("Siren", 5, 6, 0.45), event("Bark", 7, 8, 0.5))
    lines = sentences(heard(*events), wording())
    assert "A dog barking is heard from 1 s to 2 s and from 7 s to 8 s." in lines
    assert "Something sounds like a sheep from 3 s to 4 s." in lines
    assert "There is perhaps a siren from 5 s to 6 s." in lines
    assert "There is no music in the audio." in lines
    chinese = sentences(heard(*events), wording(chinese=True))
    assert "从1秒到2秒、从7秒到8秒，能听到狗叫声。" in chinese
    assert "这段音频里没有音乐。" in chinese


def test_guesses_are_told_as_one_of_several() -> None:
    guesses = (event("Sheep", 0, 2, 0.15), event("Duck", 0, 3, 0.38), event("Bark", 1, 2, 0.09))
    lines = sentences(heard(*guesses), wording())
    assert lines[-1] == "The sound may be a duck, a sheep or a dog barking; that is not certain."
    assert "可能是鸭子的声音，也可能是绵羊的声音，也可能是狗叫声，不能确定。" in sentences(
        heard(*guesses), wording(chinese=True)
    )
    music = sentences(heard(event("Music", 0, 10), event("Organ", 0, 10, 0.38)), wording())
    assert music[-1] == "The instrument may be an organ; that is not certain."
    assert "Which instruments play cannot be told." not in music
    spoken = replace(MORNING, events=guesses)
    assert sentences(spoken, wording(MORNING.seconds))[-1] == "Nothing else is heard."


def test_the_tempo_of_music_is_told() -> None:
    music = heard(replace(event("Music", 0, 10), beats_per_minute=119.6))
    assert "The music has about 120 beats a minute." in sentences(music, wording())
    assert "音乐大约每分钟120拍。" in sentences(music, wording(chinese=True))
    assert "beats" not in "".join(sentences(heard(event("Music", 0, 10)), wording()))


def test_two_voices_are_told_by_their_turns() -> None:
    spoken = [Segment(text, *span, "en", voice=voice) for text, span, voice in VOICES]
    told = replace(MORNING, segments=tuple(spoken))
    assert (
        "It sounds like two voices: a lower one speaks from 0 s to 2 s and from 4 s to 5 s, "
        "a higher one from 2 s to 4 s."
    ) in sentences(told, wording())
    chinese = "听起来有两个声音在说话：较低的声音从0秒到2秒、从4秒到5秒，较高的声音从2秒到4秒。"
    assert chinese in sentences(told, wording(chinese=True))
    said = [line for line in sentences(told, wording()) if " says " in line]
    assert [line.split(" in English")[0] for line in said] == [
        "From 0 s to 1 s the lower voice says",
        "From 2 s to 4 s the higher voice says",
        "From 4 s to 5 s the lower voice says",
    ]
    assert "voices" not in "".join(sentences(replace(told, segments=tuple(spoken[:2])), wording()))


def test_who_goes_on_is_not_somebody_else() -> None:
    spoken = (
        *(Segment("Come in.", 0.0, 1.0, "en"), Segment("Sit down.", 1.2, 2.0, "en")),
        *(Segment("Merci.", 3.0, 3.5, "fr"), Segment("Voilà.", 4.0, 4.5, "fr")),
    )
    lines = sentences(replace(MORNING, segments=spoken), wording())
    assert lines[1:5] == [
        'From 0 s to 1 s somebody says in English: "Come in."',
        'Then, at 1.2 s: "Sit down."',
        'From 3 s to 3.5 s somebody says in French: "Merci."',
        'Then, at 4 s: "Voilà."',
    ]
    chinese = sentences(replace(MORNING, segments=spoken), wording(chinese=True))
    assert chinese[1:3] == ["从0秒到1秒，有人用英语说：“Come in.”", "接着，在1.2秒：“Sit down.”"]
    gap = sentences(replace(MORNING, segments=spoken), wording(), frozenset({0, 3}))
    assert 'From 4 s to 4.5 s somebody says in French: "Voilà."' in gap


def test_what_comes_after_what_is_told_where_sounds_and_speech_alternate() -> None:
    spoken = (Segment("Come in.", 2.0, 3.0, "en"), Segment("Sit down.", 3.2, 4.0, "en"))
    told = Heard(8.0, spoken, LOUD, (event("Speech", 2, 4), event("Bark", 0, 2.3), event("Siren", 4.5, 8)))
    assert "In this order: a dog barking, then speech, then a siren." in sentences(told, wording())
    chinese = sentences(told, wording(chinese=True))
    assert [line for line in chinese if "先后" in line] == ["先后顺序：狗叫声，然后是说话，然后是警笛声。"]
    over = replace(told, events=(event("Bark", 0, 3),))
    alone = replace(told, segments=())
    words = replace(told, events=())
    for other in (over, alone, words):
        assert "In this order" not in "".join(sentences(other, wording()))


def test_guesses_of_other_kinds_are_told_by_their_kind() -> None:
    guesses = (event("Sheep", 0, 2, 0.15), event("Siren", 0, 3, 0.38), event("Bark", 1, 2, 0.09))
    assert sentences(heard(*guesses), wording())[-2:] == [
        "The sound may be a siren; that is not certain.",
        "If it is an animal, it may be a sheep or a dog barking.",
    ]
    assert sentences(heard(*guesses), wording(chinese=True))[-2:] == [
        "可能是警笛声，不能确定。",
        "如果是动物，可能是绵羊的声音，也可能是狗叫声。",
    ]
    perhaps = sentences(heard(event("Goat", 0, 10, 0.5), event("Duck", 0, 10, 0.3)), wording())
    assert perhaps[-2:] == ["There is perhaps a goat all the time.", "It may also be a duck; that is not certain."]
    animal = heard(event("Animal", 0, 10, 0.9), event("Duck", 0, 10, 0.3))
    assert sentences(animal, wording())[-1] == "It may be a duck; that is not certain."
    assert sentences(animal, wording(chinese=True))[-1] == "可能是鸭子的声音，不能确定。"


def test_music_and_singing() -> None:
    music = replace(event("Music", 0, 10), details=("Jazz", "Happy music"))
    lines = sentences(heard(music, event("Singing", 2, 4)), wording())
    assert lines[2] == "Somebody sings in the audio, from 2 s to 4 s."
    assert lines[3].startswith("There is music in the audio, all the time; it sounds like jazz and ")
    assert "这段音频里有音乐：自始至终" in "".join(sentences(heard(music), wording(chinese=True)))


def test_speech_without_words_is_not_called_silence() -> None:
    assert "no words can be made out" in "".join(sentences(heard(event("Speech", 1, 3)), wording()))
    assert "听不清" in "".join(sentences(heard(event("Speech", 1, 3)), wording(chinese=True)))
    spoken = replace(MORNING, events=(event("Speech", 0, 3.9),))
    assert "Nothing else is heard." in sentences(spoken, wording(MORNING.seconds))


def test_when_somebody_speaks() -> None:
    assert "Somebody speaks from 0.4 s to 30.8 s." not in "".join(sentences(MEETING, wording(31.5)))
    assert "Somebody speaks from 0.4 s to 21.9 s and from 23.1 s to 30.8 s." in "".join(
        sentences(MEETING, wording(31.5))
    )


def test_many_times_are_counted_and_not_listed() -> None:
    barks = [event("Bark", n, n + 0.5) for n in range(8)]
    assert "A dog barking is heard 8 times, first from 0 s to 0.5 s." in sentences(heard(*barks), wording())


def test_bad_recordings_are_called_so() -> None:
    distorted = Loudness(rms_dbfs=-3.0, peak_dbfs=0.0, clipped=0.1)
    assert "clipping" in sentences(heard(loudness=distorted), wording())[-1]
    faint = Loudness(rms_dbfs=-55.0, peak_dbfs=-40.0, clipped=0.0)
    assert "very quiet" in sentences(heard(loudness=faint), wording())[-1]


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
    assert "English and Chinese" in "".join(sentences(mixed, wording()))


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


def test_each_sentence_has_a_line() -> None:
    said = "The pilot spoke. He forgot his keys at 3.30 p.m. in town! Did Mr. Brown know?"
    lines = Wording(False, None, 9.0).said(Segment(said, 0.0, 8.0, "en")).splitlines()
    assert lines[0] == 'From 0 s to 8 s somebody says in English: "The pilot spoke."'
    assert lines[1:] == ['Then: "He forgot his keys at 3.30 p.m. in town!"', 'Then: "Did Mr. Brown know?"']
    chinese = Wording(True, None, 9.0).said(Segment("今天天气很好。我们去公园吧！", 0.0, 8.0, "zh")).splitlines()
    assert chinese[1:] == ["接着说：“我们去公园吧！”"]
