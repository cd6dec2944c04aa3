"""The JSON equals the official pages' samples in keys, nesting and order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import orjson

from auricle.api import render
from auricle.api.schema import HeardBody
from auricle.types import (
    Answer,
    Delta,
    HeardAudio,
    HeardMusic,
    HeardSound,
    Segment,
    Task,
    ToolCall,
    ToolCallDelta,
    Usage,
)

UNDERSTOOD: dict[str, Any] = {
    "id": "550a678a6c2046a29128883eaaf849e7",
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {
                "content": "",
                "role": "assistant",
                "tool_calls": None,
                "reasoning_content": "Good morning. Could you tell me what the weather will be like today?",
            },
        }
    ],
    "created": 1776850627,
    "model": "mimo-v2.5",
    "object": "chat.completion",
    "usage": {
        "completion_tokens": 17,
        "prompt_tokens": 86,
        "total_tokens": 103,
        "completion_tokens_details": {"reasoning_tokens": 15},
        "prompt_tokens_details": {"audio_tokens": 25, "cached_tokens": 82},
    },
}
RECOGNIZED: dict[str, Any] = {
    "id": "9f51eba459dd4dfdabb31cabba0cb7dc",
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {
                "content": "Good morning. Could you tell me what the weather will be like today?",
                "role": "assistant",
                "audio": None,
                "tool_calls": None,
                "audio_tokens": [],
            },
        }
    ],
    "created": 1780398283,
    "model": "mimo-v2.5-asr",
    "object": "chat.completion",
    "usage": {
        "completion_tokens": 20,
        "prompt_tokens": 46,
        "total_tokens": 66,
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens_details": {"audio_tokens": 25, "cached_tokens": 45},
        "seconds": 4,
    },
}


def shape(value: Any) -> Any:
    """Keys in order, values forgotten."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return None


def answer(**changed: Any) -> Answer:
    fields: dict[str, Any] = {
        "content": "",
        "reasoning": UNDERSTOOD["choices"][0]["message"]["reasoning_content"],
        "tool_calls": (),
        "segments": (),
        "finish_reason": "stop",
        "usage": Usage(86, 17, 25, 82, 15, Fraction(39, 10)),
    }
    return Answer(**fields | changed)


def head(task: Task, sample: dict[str, Any]) -> render.Head:
    return render.Head(sample["id"], sample["model"], sample["created"], task)


def test_the_official_understanding_sample() -> None:
    body = render.completion(head(Task.UNDERSTAND, UNDERSTOOD), answer())
    assert body == UNDERSTOOD
    assert shape(body) == shape(UNDERSTOOD)


def test_the_official_recognition_sample() -> None:
    content = RECOGNIZED["choices"][0]["message"]["content"]
    said = answer(content=content, reasoning="", usage=Usage(46, 20, 25, 45, 0, Fraction(39, 10)))
    body = render.completion(head(Task.RECOGNIZE, RECOGNIZED), said)
    assert body == RECOGNIZED
    assert shape(body) == shape(RECOGNIZED)


def test_tool_calls() -> None:
    called = answer(tool_calls=(ToolCall("call_1", "look", '{"a": 1}'),), finish_reason="tool_calls")
    message = render.completion(head(Task.UNDERSTAND, UNDERSTOOD), called)["choices"][0]["message"]
    assert message["tool_calls"] == [
        {"id": "call_1", "function": {"arguments": '{"a": 1}', "name": "look"}, "type": "function"}
    ]


def test_chunks() -> None:
    top = head(Task.UNDERSTAND, UNDERSTOOD)
    assert render.first_chunk(top)["choices"][0]["delta"] == {"content": "", "role": "assistant"}
    assert render.delta_chunk(top, Delta(reasoning="a"))["choices"][0]["delta"] == {"reasoning_content": "a"}
    assert render.delta_chunk(top, Delta(content="b"))["choices"][0]["delta"] == {"content": "b"}
    called = render.delta_chunk(top, Delta(tool_calls=(ToolCallDelta(0, "call_1", "look", "{"),)))
    assert called["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "function": {"arguments": "{", "name": "look"}, "id": "call_1", "type": "function"}
    ]
    finished = render.finish_chunk(top, "stop", None)
    assert finished["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in finished
    assert render.finish_chunk(top, "stop", Usage(1, 2))["usage"]["total_tokens"] == 3
    counted = render.usage_chunk(top, Usage(1, 2))
    assert counted["choices"] == []
    assert counted["usage"]["total_tokens"] == 3
    assert all(body["object"] == "chat.completion.chunk" for body in (called, finished, counted))


def test_what_was_heard_is_there_only_where_it_was_asked_for() -> None:
    head = render.Head("i", "mimo-v2.5", 1, Task.UNDERSTAND)
    bark = HeardSound("Bark", "sound", 0.5, 1.2, 0.81)
    said = Segment(" Sit!", 1.5, 2.0, "en", tokens=(1, 2))
    heard = HeardAudio(2.5, ("en",), (said,), -20.1, -1.0, 0.0, (bark,), (HeardMusic(0.0, 2.5, 0.9, ("Jazz",), 97.5),))
    answer = Answer("A dog.", "", (), (), "stop", Usage(), (heard,))
    body = render.completion(head, answer)
    (audio,) = body.pop("auricle")["heard"]
    assert body == render.completion(head, replace(answer, heard=()))
    assert audio["segments"] == [{"text": "Sit!", "start": 1.5, "end": 2.0, "language": "en", "voice": None}]
    assert audio["sounds"][0]["label"] == "Bark"
    assert audio["music"][0]["styles"] == ("Jazz",)
    assert audio["music"][0]["beats_per_minute"] == 97.5
    assert HeardBody.model_validate_json(orjson.dumps(audio)).seconds == 2.5
    chunk = render.finish_chunk(head, "stop", Usage(), (heard,))
    assert chunk["auricle"]["heard"] == [audio]
    assert "auricle" not in render.finish_chunk(head, "stop", Usage())
