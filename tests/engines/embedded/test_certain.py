"""What of an answer is certain: presence of speech and music, and that sounds were told."""

from __future__ import annotations

import llguidance
import pytest

from auricle.engines.embedded.certain import beginning, denies, may_deny, told
from auricle.engines.embedded.constraints import anything_but, beginning_with
from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.engines.embedded.question import read
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
    ("question", "no"),
    [
        ("Is there music in this audio?", "No"),
        ("Do you hear any music in the background?", "No"),
        ("Is there any music?", "No"),
        ("音频里有音乐吗？", "没有"),
        ("能听到音乐吗？", "没有"),
        ("¿Hay música en el audio?", "No"),
        ("Y a-t-il de la musique ?", "Non"),
        ("Gibt es Musik in der Aufnahme?", "Nein"),
        ("音声に音楽はありますか。", "いいえ"),
        ("오디오에 음악이 있나요?", "아니요"),
        ("Есть ли музыка?", "Нет"),
    ],
)
def test_music_is_there_or_not(question: str, no: str) -> None:
    assert beginning(read(question), heard(DOG)) == no
    yes = beginning(read(question), heard(MUSIC))
    assert yes
    assert yes != no


@pytest.mark.parametrize(
    ("question", "no"),
    [
        ("Is somebody speaking in this audio?", "No"),
        ("Does anyone talk in the recording?", "No"),
        ("这段音频里有没有人在说话？", "没有"),
        ("Est-ce que quelqu'un parle ?", "Non"),
        ("Spricht jemand?", "Nein"),
        ("誰かが話していますか？", "いいえ"),
    ],
)
def test_somebody_speaks_or_not(question: str, no: str) -> None:
    assert beginning(read(question), heard(DOG)) == no
    yes = beginning(read(question), heard(VOICE, said=True))
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
    assert beginning(read(question), heard(MUSIC, VOICE, said=True)) == ""


@pytest.mark.parametrize(
    ("request_", "nobody"),
    [
        ("What is said in this audio?", "Nobody speaks"),
        ("What does the man say?", "Nobody speaks"),
        ("Write down what is said.", "Nobody speaks"),
        ("Please transcribe this.", "Nobody speaks"),
        ("音频里说了什么？", "没有人说话"),
        ("请写出音频里说的话。", "没有人说话"),
        ("¿Qué dice?", "Nadie habla"),
        ("Que dit la personne ?", "Personne ne parle"),
        ("Was wird gesagt?", "Niemand spricht"),
        ("何と言っていますか。", "誰も話していません"),
        ("O que é dito?", "Ninguém fala"),
        ("뭐라고 말하나요?", "아무도 말하지 않습니다"),
        ("Что говорит этот человек?", "Никто не говорит"),
    ],
)
def test_no_words_are_made_up_where_nobody_speaks(request_: str, nobody: str) -> None:
    assert beginning(read(request_), heard(DOG)) == nobody
    assert beginning(read(request_), heard(VOICE)) == ""  # a voice without words
    assert beginning(read(request_), heard(VOICE, said=True)) == ""


def test_what_hearing_leaves_open_is_left_open() -> None:
    assert beginning(read("Is somebody speaking?"), heard(VOICE)) == ""  # a voice without words
    assert beginning(read("Is there music?"), heard(GUITAR)) == ""
    assert beginning(read("Is there music?"), (Heard(4.0, SAID, LOUD, None),)) == ""  # nobody listened for it
    assert beginning(read("Is there music?"), heard(DOG) * 2) == ""  # in which of two?
    assert beginning(read("มีดนตรีไหม"), heard(DOG)) == ""  # not in a language that is known
    silent = Heard(4.0, (), Loudness(-96.0, -96.0, 0.0), None)
    assert beginning(read("Is there music?"), (silent,)) == "No"


def test_sounds_that_were_told_are_an_answer() -> None:
    assert told(read("Which animal is heard?"), heard(DOG))
    assert told(read("能听到什么动物的声音？"), heard(DOG))
    assert not told(read("Which animal is heard?"), heard())
    assert not told(read("Which animal is heard?"), heard(VOICE, said=True))
    assert not told(read("What is the name of the speaker?"), heard(DOG, VOICE, said=True))


@pytest.mark.parametrize(
    "question",
    [
        "Which language is spoken over the music?",
        "What language does the speaker use?",
        "这段音频说的是什么语言？",
        "Welche Sprache wird gesprochen?",
        "Quelle langue parle-t-elle ?",
        "¿En qué idioma hablan?",
        "Che lingua si parla?",
        "Que idioma se fala no áudio?",
        "何語で話していますか？",
        "어떤 언어로 말하나요?",
        "На каком языке говорят?",
    ],
)
def test_the_language_is_known_where_something_is_said(question: str) -> None:
    assert told(read(question), heard(VOICE, said=True))
    assert not told(read(question), heard(VOICE))


@pytest.mark.parametrize("question", ["What does she say about languages?", "他说话用什么语气？", "他说了什么话？"])
def test_other_questions_are_not_about_it(question: str) -> None:
    assert not told(read(question), heard(VOICE, said=True))


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


@pytest.mark.parametrize(
    "answer",
    [
        "The audio is silent.",
        "The audio is completely silent",
        "Nobody speaks in the audio.",
        "There is no sound in the recording.",
        "这段音频里没有听到任何声音。",
        "没有人说话。",
        "音频里没有声音。",
        "Niemand spricht.",
        "Personne ne parle.",
        "Nadie habla.",
    ],
)
def test_where_something_is_said_it_is_not_silent(answer: str) -> None:
    assert denies(answer, heard(VOICE, said=True))
    assert not denies(answer, heard(VOICE))
    assert not denies(answer, heard(VOICE, said=True) + heard())


@pytest.mark.parametrize(
    "answer",
    [
        "The audio is about a silent river.",
        "The speaker says that nobody speaks.",
        "没有，音频里没有音乐。",
        "Silence!",
        "No.",
        "",
    ],
)
def test_what_does_not_say_so_is_left(answer: str) -> None:
    assert not denies(answer, heard(VOICE, said=True))


@pytest.mark.parametrize(
    "beginning", ["", "The", "The audio is", "这段", "Nobody", "Es ist nichts", "The audio is silent."]
)
def test_an_answer_is_held_while_it_may_say_so(beginning: str) -> None:
    assert may_deny(beginning, heard(VOICE, said=True))
    assert not may_deny(beginning, heard(VOICE))


@pytest.mark.parametrize("beginning", ["Yes", "The speaker", "The audio is about", "这段音频里说", "Somebody"])
def test_and_no_longer(beginning: str) -> None:
    assert not may_deny(beginning, heard(VOICE, said=True))
