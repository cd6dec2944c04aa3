"""What the language model is told beside the client's words."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.constraints import Tools
from auricle.engines.embedded.conversation import CREATING, LISTENING, Conversation
from auricle.types import Message, Options, Request, Task, Text
from tests.engines.embedded.questions import MORNING, audio_of


def conversation(text: str, system: str = "") -> Conversation:
    messages = [Message("system", (Text(system),))] if system else []
    messages.append(Message("user", (audio_of(MORNING), Text(text))))
    return Conversation(Request("0" * 32, "m", Task.UNDERSTAND, tuple(messages), Options()), Tools())


def ending(asked: Conversation) -> str:
    return "".join(piece.text for piece in asked.turns(["Notes."])[-1].pieces).splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "system", "reminder"),
    [
        ("Please summarize this in Chinese.", "", "（请用中文回答。）"),
        ("Resume esto en inglés", "", "(Answer in English.)"),
        ("Write a haiku.", "", "(Answer in English.)"),
        ("Translate to Spanish.", "", "(The audio is the text above. Answer in Spanish.)"),
        ("请翻译成中文", "", "（音频的内容就是上面的文字。请用中文回答。）"),
        ("What is it about, in German?", "", "(Answer in German.)"),
        ("What is this about?", "你是一个客服助手，请始终用中文回答。", "（请用中文回答。）"),
        ("他叫什么名字？", "Always answer in French.", "(Answer in French.)"),
        ("What does she say in French?", "", "(Answer in English.)"),
        ("Wie heißt er?", "You are careful.", "(Answer in German.)"),
    ],
)
def test_the_language_of_the_answer_stands_behind_the_question(text: str, system: str, reminder: str) -> None:
    assert ending(conversation(text, system)) == reminder


def test_notes_are_in_the_language_of_the_first_answer() -> None:
    assert conversation("Please summarize this in Chinese.").chinese
    assert not conversation("请翻译成英文").chinese
    assert conversation("他叫什么名字？").chinese


def test_what_nobody_said_is_written_without_examples() -> None:
    told = conversation("Give this recording a short title.").turns(["Notes."])
    assert [turn.role for turn in told] == ["system", "user"]
    assert told[0].pieces[0].text == CREATING[False]
    shown = conversation("What is the title?").turns(["Notes."])
    assert len(shown) > 2
    assert shown[0].pieces[0].text == LISTENING[False]
