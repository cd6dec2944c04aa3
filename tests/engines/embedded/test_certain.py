"""What of an answer is certain: presence of speech and music, and that sounds were told."""

from __future__ import annotations

import llguidance
import pytest

from auricle.engines.embedded.certain import beginning, told
from auricle.engines.embedded.constraints import anything_but, beginning_with
from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.types import Segment

LOUD = Loudness(-20.0, -3.0, 0.0)
MUSIC = SoundEvent("Music", "music", 0.0, 4.0, 0.9)
DOG = SoundEvent("Dog", "sound", 1.0, 2.0, 0.9)
GUITAR = SoundEvent("Guitar", "sound", 0.0, 4.0, 0.9)
VOICE = SoundEvent("Speech", "speech", 0.0, 2.0, 0.9)
SAID = (Segment("Good evening.", 0.0, 2.0, "en"),)


def heard(*events: SoundEvent, said: bool = False) -> tuple[Heard, ...]:
    return (Heard(4.0, SAID if said else (), LOUD, events),)


@pytest.mark.parametrize(
    ("question", "language", "no"),
    [
        ("Is there music in this audio?", "en", "No"),
        ("Do you hear any music in the background?", "en", "No"),
        ("Is there any music?", "en", "No"),
        ("音频里有音乐吗？", "zh", "没有"),
        ("能听到音乐吗？", "zh", "没有"),
        ("¿Hay música en el audio?", "es", "No"),
        ("Y a-t-il de la musique ?", "fr", "Non"),
        ("Gibt es Musik in der Aufnahme?", "de", "Nein"),
        ("音声に音楽はありますか。", "ja", "いいえ"),
    ],
)
def test_music_is_there_or_not(question: str, language: str, no: str) -> None:
    assert beginning(question, language, heard(DOG)) == no
    yes = beginning(question, language, heard(MUSIC))
    assert yes
    assert yes != no


@pytest.mark.parametrize(
    ("question", "language", "no"),
    [
        ("Is somebody speaking in this audio?", "en", "No"),
        ("Does anyone talk in the recording?", "en", "No"),
        ("这段音频里有没有人在说话？", "zh", "没有"),
        ("Est-ce que quelqu'un parle ?", "fr", "Non"),
        ("Spricht jemand?", "de", "Nein"),
        ("誰かが話していますか？", "ja", "いいえ"),
    ],
)
def test_somebody_speaks_or_not(question: str, language: str, no: str) -> None:
    assert beginning(question, language, heard(DOG)) == no
    yes = beginning(question, language, heard(VOICE, said=True))
    assert yes
    assert yes != no


@pytest.mark.parametrize(
    "question",
    [
        "What music is heard?",
        "Is there speech or music?",
        "Is there no music?",
        "Is the music loud?",
        "Is somebody speaking about music?",
        "How many people speak?",
        "When does somebody speak?",
        "Is there a dog?",
        "是谁在说话？",
        "他们在说音乐吗？",
        "有没有人说话时放音乐？",
    ],
)
def test_other_questions_are_left_to_the_model(question: str) -> None:
    for language in ("en", "zh"):
        assert beginning(question, language, heard(MUSIC, VOICE, said=True)) == ""


@pytest.mark.parametrize(
    ("request_", "language", "nobody"),
    [
        ("What is said in this audio?", "en", "Nobody speaks"),
        ("What does the man say?", "en", "Nobody speaks"),
        ("Write down what is said.", "en", "Nobody speaks"),
        ("Please transcribe this.", "en", "Nobody speaks"),
        ("音频里说了什么？", "zh", "没有人说话"),
        ("请写出音频里说的话。", "zh", "没有人说话"),
        ("¿Qué dice?", "es", "Nadie habla"),
        ("Que dit la personne ?", "fr", "Personne ne parle"),
        ("Was wird gesagt?", "de", "Niemand spricht"),
        ("何と言っていますか。", "ja", "誰も話していません"),
    ],
)
def test_no_words_are_made_up_where_nobody_speaks(request_: str, language: str, nobody: str) -> None:
    assert beginning(request_, language, heard(DOG)) == nobody
    assert beginning(request_, language, heard(VOICE)) == ""  # a voice without words
    assert beginning(request_, language, heard(VOICE, said=True)) == ""


def test_what_hearing_leaves_open_is_left_open() -> None:
    assert beginning("Is somebody speaking?", "en", heard(VOICE)) == ""  # a voice without words
    assert beginning("Is there music?", "en", heard(GUITAR)) == ""
    assert beginning("Is there music?", "en", (Heard(4.0, SAID, LOUD, None),)) == ""  # nobody listened for it
    assert beginning("Is there music?", "en", heard(DOG) * 2) == ""  # in which of two?
    assert beginning("Is there music?", "th", heard(DOG)) == ""
    silent = Heard(4.0, (), Loudness(-96.0, -96.0, 0.0), None)
    assert beginning("Is there music?", "en", (silent,)) == "No"


def test_sounds_that_were_told_are_an_answer() -> None:
    assert told("Which animal is heard?", heard(DOG))
    assert told("能听到什么动物的声音？", heard(DOG))
    assert not told("Which animal is heard?", heard())
    assert not told("Which animal is heard?", heard(VOICE, said=True))
    assert not told("What is the name of the speaker?", heard(DOG, VOICE, said=True))


def accepts(grammar: str, text: str) -> bool:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, grammar)
    return bool(matcher.consume_tokens(tokenizer.tokenize_bytes(text.encode())) and matcher.is_accepting())


def test_the_beginning_is_held_to() -> None:
    for text in ("No", "No.", "No, there is no music in the audio.\nNothing else."):
        assert accepts(beginning_with("No"), text)
    for text in ("Nothing.", "Yes, no.", " No", ""):
        assert not accepts(beginning_with("No"), text)
    assert accepts(beginning_with("有"), "有人在说话。")
    assert not accepts(beginning_with("没有"), "有人在说话。")


def test_anything_may_be_said_but_that() -> None:
    grammar = anything_but("It can")
    for text in ("A dog.", "It may be a dog.", "I hear that it can't be told.", "It's\na dog"):
        assert accepts(grammar, text)
    for text in ("It can't be heard in the audio.", "It cannot be told.", "It can"):
        assert not accepts(grammar, text)
