"""The questions that `make eval` asks: what can be told of them without any of the audio."""

from __future__ import annotations

import re

import numpy as np
import pytest

from auricle.types import Segment
from bench.sets import TEXTS
from bench.understanding.answers import UNTOLD
from bench.understanding.questions import CATEGORIES, PARTS, Question, misplaced, questions, table
from bench.understanding.scenes import Scene

PEOPLE, VOICES = (
    [line.split("\t") for line in (TEXTS / name).read_text("utf-8").splitlines()]
    for name in ("test-people.tsv", "test-voices.tsv")
)
SAID = {f"people-{row[0]}": row[-1] for row in PEOPLE} | {f"voice-{row[0]}": row[-1] for row in VOICES}


def pieces(made_of: object) -> list[str]:
    """The clips that an audio is made of."""
    listed = made_of["said"] if isinstance(made_of, dict) else made_of
    assert isinstance(listed, list)
    return [piece for piece in listed if isinstance(piece, str)]


@pytest.mark.parametrize("part", PARTS)
def test_every_question_is_about_an_audio_of_its_part(part: str) -> None:
    asked = list(questions(part))
    assert {name for question in asked for name in question.scenes} <= set(table(part)["audios"])
    assert {question.category for question in asked} == set(CATEGORIES)
    assert len({(question.scenes, question.text) for question in asked}) == len(asked)


@pytest.mark.parametrize("part", PARTS)
def test_no_answer_at_all_is_right(part: str) -> None:
    assert [question.text for question in questions(part) if question.judge("")] == []


@pytest.mark.parametrize("answer", ["It cannot be heard.", "That is not told.", "No se puede oír.", "Неизвестно."])
def test_that_it_is_not_told_is_no_answer_to_what_is_told(answer: str) -> None:
    told = [question for question in questions("test") if question.category == "speech"]
    yes_or_no = [question for question in told if question.wrong]
    assert [question.text for question in told if question.judge(answer) and question not in yes_or_no] == []
    assert re.search(UNTOLD, answer, re.IGNORECASE)


@pytest.mark.parametrize("answer", ["Her name is Anna.", "Cuesta diez euros.", "他叫小明。", "Il a cinq ans.", "Red."])
def test_what_is_made_up_admits_nothing(answer: str) -> None:
    assert not re.search(UNTOLD, answer, re.IGNORECASE)


def test_each_answer_is_among_the_words_of_its_audio() -> None:
    made = {}
    for name, made_of in table("test")["audios"].items():
        segments = tuple(Segment(SAID[clip], 0.0, 1.0, "en") for clip in pieces(made_of))
        made[name] = Scene(name, np.zeros(1, np.float32), segments, ())
    assert misplaced(questions("test"), made) == []
    elsewhere = Question("test", "speech", ("soup",), "What does the museum collect?", "map")
    assert misplaced([elsewhere], made) == ["soup: What does the museum collect?"]


def test_the_test_part_says_nothing_that_another_part_says() -> None:
    assert len(SAID) == len(PEOPLE) + len(VOICES)
    others = {file.name: file.read_text("utf-8") for file in TEXTS.iterdir() if not file.name.startswith("test-")}
    others |= {part: str(table(part)) for part in PARTS if part != "test"}
    for text in SAID.values():
        assert [name for name, content in others.items() if text in content] == []
    used = {clip for made_of in table("test")["audios"].values() for clip in pieces(made_of)}
    assert used == set(SAID)
