"""What the adapter is fitted on: questions about what was heard, and answers as they should be.

The readings of answerable/*.toml, nearly half of them with mistakes like a recogniser's (spoilt.py), and, so that it
forgets nothing else, sounds, music, silence, transcripts, two audios and conversations, whose answers are put together
from what is heard in them. Nothing of it is in another part.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.question import read
from auricle.engines.embedded.sound_classes import by_label, kind_of
from auricle.engines.embedded.vocabularies import ADMISSIONS
from bench.understanding.tuning.spoilt import spoilt
from bench.understanding.wording import LOUDNESS, READINGS, Read, readings

T = TypeVar("T")
ANSWERABLE = sorted(READINGS.with_name("answerable").glob("*.toml"))
SEED = 11
UNKNOWN = "?"  # an answer that is not looked at
PAUSE_SECONDS = 2.6  # that a sound before somebody speaks takes

ASKED = {
    "animal": (
        "Which animal is heard?",
        "What animal is it?",
        "能听到什么动物的声音？",
        "What kind of animal do you hear in this recording?",
    ),
    "instrument": ("Which instrument is played?", "What instrument is heard?", "这是什么乐器的声音？"),
    "machine": ("What kind of vehicle is heard?", "Which vehicle is it?", "能听到什么交通工具的声音？"),
}
ANY_SOUND = (
    "What sound is this?",
    "What do you hear?",
    "What is heard in this audio?",
    "音频里是什么声音？",
    "能听到什么？",
    "What is making that noise?",
)
BESIDES = ("What sound is heard besides the speech?", "除了说话还有什么声音？")
BEFORE = ("What is heard before the words?", "What is heard first, before somebody speaks?", "说话之前有什么声音？")
AFTER = ("What is heard after the words?", "Which sound comes after the speech?", "说完话以后有什么声音？")
WORDS = (
    "What does the speaker say?",
    "What is said in the audio?",
    "音频里说了什么？",
    "Write down what is said.",
    "Transcribe the audio.",
)
UNTOLD = (
    "What is its name?",
    "Where was this recorded?",
    "How old is it?",
    "它叫什么名字？",
    "Who recorded this?",
    "What colour is it?",
    "这是在哪里录的？",
    "Why is it making that sound?",
    "Wie heißt der Sprecher?",
    "Où cela a-t-il été enregistré ?",
    "¿Cómo se llama el perro?",
)
UNTOLD_OF_MUSIC = ("What does the singer sing?", "What is the title of the song?", "Who plays the music?")
NO_MUSIC = (
    ("Is there music in this audio?", "No, there is no music in the audio."),
    ("音频里有音乐吗？", "没有，音频里没有音乐。"),
)
MUSIC = (
    ("Is there music in this audio?", "Yes, there is music in the audio."),
    ("音频里有音乐吗？", "有，音频里有音乐。"),
    ("What do you hear?", "Music."),
    ("音频里是什么声音？", "音乐。"),
)
NOBODY = (
    ("音频里有人说话吗？", "没有，音频里没有人说话。"),
    ("Does anybody speak?", "No, nobody speaks in the audio."),
)
SOMEBODY = (("Is somebody speaking?", "Yes, somebody speaks in the audio."),)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is asked about some audios, and answered, last of all `answer`."""

    group: str
    """What its notes have in common with those of others."""
    heard: tuple[Heard, ...]
    talk: tuple[str, ...]
    """Questions and answers in turn, the last question last."""
    answer: str
    told: bool = True
    """Whether what is asked is told."""


def lessons() -> Iterator[Lesson]:
    """All of them; the same each time."""
    readings_of = {file: list(readings("fit", file)) for file in ANSWERABLE}
    for reads in readings_of.values():
        yield from _about_readings(reads)
    yield from _others([read for reads in readings_of.values() for read in reads])


def checks() -> Iterator[Lesson]:
    """Questions of readings.toml, which nothing is fitted on; right answers to those that are told are not known."""
    for part in ("choose", "check"):
        for one in readings(part):
            answer = UNKNOWN if one.right else _admission(one.text)
            yield Lesson(repr(one.said), (one.heard,), (one.text,), answer, told=one.right is not None)


def _about_readings(reads: Sequence[Read]) -> Iterator[Lesson]:
    for one in reads:
        heard = spoilt(one.heard, repr(one.said))
        if one.right is None:
            answer = _admission(one.text)
        else:
            answer = one.answer
            if _tells(one.heard, one.right) and not _tells(heard, one.right):
                heard = one.heard  # its answer was misheard
        yield Lesson(repr(one.said), (heard,), (one.text,), answer, told=one.right is not None)


def _tells(heard: Heard, pattern: str) -> bool:
    return bool(re.search(pattern, " ".join(s.text for s in heard.segments), re.IGNORECASE | re.DOTALL))


def _admission(question: str) -> str:
    return ADMISSIONS[read(question, "").language]


def _others(reads: Sequence[Read]) -> Iterator[Lesson]:
    rng = random.Random(SEED)
    asked: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    heard: dict[tuple[str, ...], Heard] = {}
    for one in reads:
        heard[one.said] = one.heard
        if one.right is not None:
            asked.setdefault(one.said, []).append((one.text, one.answer))
    spoken = [(heard[said], asked[said]) for said in rng.sample(list(asked), len(asked))]
    shelf = iter(spoken)
    maker = _Maker(rng)
    for number in range(90):
        yield from maker.sound(f"sound {number}", guessed=number % 3 == 2)
    for number in range(15):
        yield from maker.music(f"music {number}")
    for number in range(40):
        yield from maker.mixture(f"mixture {number}", *next(shelf), before=bool(number % 2))
    for number in range(40):
        yield from maker.words(f"words {number}", *next(shelf))
    for number in range(30):
        yield from maker.two(f"two {number}", *next(shelf), sounds=number % 3 == 0, swapped=number % 3 == 2)
    for number in range(50):
        said, questions = next(shelf)
        (first, answer), (second, right) = rng.sample(questions, 2)
        yield Lesson(f"talk {number}", (said,), (first, answer, second), right)


class _Maker:
    """Makes up what might be heard."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._kinds: dict[str, list[str]] = {}
        for label, item in by_label().items():
            if item.role == "sound":
                self._kinds.setdefault(kind_of(label), []).append(label)

    def sound(self, group: str, *, guessed: bool) -> Iterator[Lesson]:
        """A sound or two, or what it may be."""
        kind = self._kind()
        seconds = round(self._rng.uniform(1.2, 9), 1)
        if guessed:
            others = self._some([other for other in self._kinds if other != kind], self._rng.randint(0, 2))
            events = [
                self._event(label, 0, seconds, round(0.41 - 0.05 * place, 2))
                for place, each in enumerate([kind, *others])
                for label in self._some(self._kinds[each], self._rng.randint(1, 2))
            ]
        else:
            start = self._rng.uniform(0, seconds / 3)
            confidence = self._rng.choice([0.95, 0.9, 0.85, 0.95, 0.7, 0.6, 0.5])
            label = self._rng.choice(self._kinds[kind])
            events = [self._event(label, start, self._rng.uniform(start + 0.5, seconds), confidence)]
            if self._rng.random() < 0.15:
                events.append(self._event(self._label(but=label), seconds * 0.7, seconds, confidence))
        heard = (Heard(seconds, (), LOUDNESS, tuple(events)),)
        for question in self._some(ANY_SOUND, 2):
            yield Lesson(group, heard, (question,), _named(events, question))
        of_kind = [event for event in events if kind_of(event.label) == kind]
        for question in self._some(ASKED.get(kind, ()), 2) if guessed or len(events) == 1 else ():
            yield Lesson(group, heard, (question,), _named(of_kind, question))
        for question in self._some(WORDS, 1):
            yield Lesson(group, heard, (question,), _nobody(question))
        for question in self._some(UNTOLD, 2):
            yield Lesson(group, heard, (question,), _admission(question), told=False)
        for question, answer in (*NOBODY, *(NO_MUSIC if kind != "instrument" else ())):
            yield Lesson(group, heard, (question,), answer)

    def music(self, group: str) -> Iterator[Lesson]:
        """Nothing but music."""
        seconds = round(self._rng.uniform(3, 12), 1)
        heard = (Heard(seconds, (), LOUDNESS, (self._event("Music", 0, seconds, 0.95),)),)
        for question, answer in MUSIC:
            yield Lesson(group, heard, (question,), answer)
        for question in UNTOLD_OF_MUSIC:
            yield Lesson(group, heard, (question,), _admission(question), told=False)
        yield Lesson(group, heard, ("What is said?",), _nobody("What is said?"))

    def mixture(self, group: str, said: Heard, asked: Sequence[tuple[str, str]], *, before: bool) -> Iterator[Lesson]:
        """A sound before or after somebody speaks."""
        kind, confidence = self._kind(), self._rng.choice([0.95, 0.9, 0.7, 0.6])
        label = self._rng.choice(self._kinds[kind])
        if before:
            sound = self._event(label, 0, 2, confidence)
            heard = _later(said, sound)
        else:
            sound = self._event(label, said.seconds + 0.3, said.seconds + 2.3, confidence)
            heard = replace(said, seconds=round(said.seconds + 2.4, 1), events=(*(said.events or ()), sound))
        for question in (*self._some(BEFORE if before else AFTER, 2), *self._some(ASKED.get(kind, BESIDES), 2)):
            yield Lesson(group, (heard,), (question,), _named([sound], question))
        for question, answer in self._some(asked, 1):
            yield Lesson(group, (heard,), (question,), answer)

    def words(self, group: str, said: Heard, _: Sequence[tuple[str, str]]) -> Iterator[Lesson]:
        """What is said, word by word."""
        for question in self._some(WORDS, 2):
            yield Lesson(group, (said,), (question,), _quoted(said, question))
        for question, answer in (NO_MUSIC[0], *SOMEBODY):
            yield Lesson(group, (said,), (question,), answer)

    def two(
        self, group: str, said: Heard, asked: Sequence[tuple[str, str]], *, sounds: bool, swapped: bool
    ) -> Iterator[Lesson]:
        """Two audios, with a sound in one of them, and words or another sound in the other."""
        seconds = round(self._rng.uniform(1.5, 6), 1)
        sound = self._event(self._label(), 0, seconds, 0.95)
        one = Heard(seconds, (), LOUDNESS, (sound,))
        if sounds:
            other = self._event(self._label(but=sound.label), 0, seconds, 0.9)
            heard = (one, Heard(seconds + 0.4, (), LOUDNESS, (other,)))
            both = f"No: {sound.english} in audio 1, {other.english} in audio 2."
            asked = (
                (f"In which audio is {sound.english} heard?", "In audio 1."),
                (f"哪一段音频里能听到{other.chinese}？", "音频2。"),
                ("What is heard in the second audio?", _named([other], "What?")),
                ("第一段音频里是什么声音？", _named([sound], "什么？")),
                ("Is the same sound heard in both?", both),
            )
        else:
            heard, place = ((said, one), 2) if swapped else ((one, said), 1)
            asked = (
                ("Which of the two audios has speech?", f"Audio {3 - place}."),
                ("哪一段音频里有人说话？", f"音频{3 - place}。"),
                (f"In which audio is {sound.english} heard?", f"In audio {place}."),
                ("Transcribe the audio in which somebody speaks.", _quoted(said, "Transcribe it.")),
                self._rng.choice(list(asked)),
            )
        for question, answer in asked:
            yield Lesson(group, heard, (question,), answer)

    def _kind(self) -> str:
        return self._rng.choice([*ASKED, *self._kinds])

    def _label(self, but: str = "") -> str:
        labels = self._kinds[self._rng.choice(list(self._kinds))]
        return self._rng.choice([label for label in labels if label != but])

    def _some(self, items: Sequence[T], count: int) -> list[T]:
        return self._rng.sample(items, min(count, len(items)))

    def _event(self, label: str, start: float, end: float, confidence: float) -> SoundEvent:
        return SoundEvent(label, by_label()[label].role, round(start, 2), round(end, 2), confidence)


def _later(said: Heard, sound: SoundEvent) -> Heard:
    """`said` behind a sound."""
    segments = tuple(
        replace(each, start=round(each.start + PAUSE_SECONDS, 2), end=round(each.end + PAUSE_SECONDS, 2))
        for each in said.segments
    )
    seconds = round(said.seconds + PAUSE_SECONDS, 1)
    speech = SoundEvent("Speech", "speech", PAUSE_SECONDS + 0.2, seconds, 0.97)
    return Heard(seconds, segments, LOUDNESS, (sound, speech))


def _chinese(question: str) -> bool:
    return read(question, "").language == "zh"


def _nobody(question: str) -> str:
    return "没有人说话。" if _chinese(question) else "Nobody speaks in the audio."


def _quoted(said: Heard, question: str) -> str:
    text = ("" if said.languages[0] in ("zh", "ja") else " ").join(segment.text for segment in said.segments)
    return f"“{text}”" if _chinese(question) else f'"{text}"'


def _named(events: Sequence[SoundEvent], question: str) -> str:
    """What is heard, as sure as it is."""
    hedge = events[0].hedge
    if _chinese(question):
        names = list(dict.fromkeys(event.chinese for event in events))
        form = {"clearly": "", "probably": "听起来像", "perhaps": "可能是", "maybe": "可能是"}[hedge]
        return form + ("，也可能是" if hedge == "maybe" else "、").join(names) + "。"
    names = list(dict.fromkeys(event.english for event in events))
    joint = " or " if hedge == "maybe" else " and "
    text = joint.join(filter(None, [", ".join(names[:-1]), names[-1]]))
    form = {"clearly": "", "probably": "It sounds like ", "perhaps": "Perhaps ", "maybe": "It may be "}[hedge]
    return form + text + "." if form else text[0].upper() + text[1:] + "."
