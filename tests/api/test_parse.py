from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.api.body import Body, read_json
from auricle.api.parse import parse_chat, place
from auricle.errors import AuricleError, BadRequest, InvalidField, UnknownModel
from auricle.types import AudioSource, Options, Request, ResponseFormat, Task, Text

TASKS = {"mimo-v2.5": Task.UNDERSTAND, "mimo-v2.5-asr": Task.RECOGNIZE}
AUDIO = {"type": "input_audio", "input_audio": {"data": "https://example.com/a.wav"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def body(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "mimo-v2.5", "messages": [{"role": "user", "content": content}], **more}


def parse(value: dict[str, Any]) -> Request:
    return parse_chat(Body(value), TASKS, "id")[0]


@pytest.mark.parametrize(
    ("part", "kind", "data"),
    [
        ({"type": "input_audio", "input_audio": {"data": "https://x/a.wav"}}, "url", "https://x/a.wav"),
        ({"type": "input_audio", "input_audio": {"data": "ftp://x/a.wav"}}, "url", "ftp://x/a.wav"),
        ({"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64,AA"}}, "base64", None),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "base64", "UklGRg=="),
        ({"type": "input_audio", "input_audio": {"data": "data:;base64,AA", "format": "mp3"}}, "base64", None),
        ({"type": "audio_url", "audio_url": {"url": "https://x/a.wav"}}, "url", "https://x/a.wav"),
        ({"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,AA"}}, "base64", None),
    ],
)
def test_audio_dialects(part: dict[str, Any], kind: str, data: str | None) -> None:
    (source,) = parse(body([part, {"type": "text", "text": "what?"}])).sources()
    assert source.kind == kind
    assert source.data == data or data is None
    assert source.where.startswith("messages[0].content[0].")


def test_parts_keep_their_order_across_messages() -> None:
    parsed = parse(
        {
            "model": "mimo-v2.5",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "first"}, AUDIO]},
                {"role": "assistant", "content": "an answer", "reasoning_content": "sent back", "audio": None},
                {"role": "user", "content": [AUDIO, {"type": "text", "text": "second"}, AUDIO]},
            ],
        }
    )
    kinds = [[type(part) for part in message.content] for message in parsed.messages]
    assert kinds == [[Text], [Text, AudioSource], [Text], [AudioSource, Text, AudioSource]]
    assert [source.where for source in parsed.sources()] == [
        "messages[1].content[1].input_audio.data",
        "messages[3].content[0].input_audio.data",
        "messages[3].content[2].input_audio.data",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_completion_tokens": 5}, Options(max_tokens=5)),
        ({"max_tokens": 5}, Options(max_tokens=5)),
        ({"max_tokens": 5, "max_completion_tokens": 5}, Options(max_tokens=5)),
        ({"temperature": 1, "top_p": 0.5, "seed": -3}, Options(temperature=1.0, top_p=0.5, seed=-3)),
        ({"stop": "x"}, Options(stop=("x",))),
        ({"stop": ["x", "y"]}, Options(stop=("x", "y"))),
        ({"stop": None, "temperature": None, "tools": None}, Options()),
        ({"frequency_penalty": -2, "presence_penalty": 2}, Options(frequency_penalty=-2, presence_penalty=2)),
        ({"thinking": {"type": "disabled"}}, Options(thinking=False)),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, Options(thinking=True)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Options(thinking=False)),
        ({"reasoning_effort": "none"}, Options(thinking=False)),
        ({"reasoning_effort": "high"}, Options(thinking=True)),
        ({"response_format": {"type": "json_object"}}, Options(response_format=ResponseFormat("json_object"))),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
            Options(response_format=ResponseFormat("json_schema", {"type": "object"})),
        ),
        ({"tools": [TOOL], "tool_choice": "required"}, Options(tools=(TOOL,), tool_choice="required")),
        (
            {"user": "u", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "prompt_cache_key": "k"},
            Options(),
        ),
        ({"n": 1, "logprobs": False, "logit_bias": {}, "modalities": ["text"], "parallel_tool_calls": True}, Options()),
    ],
)
def test_options(fields: dict[str, Any], expected: Options) -> None:
    assert parse(body(**fields)).options == expected


@pytest.mark.parametrize(
    ("fields", "place_named"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0].input_audio.data",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": ""}}]}]},
            "messages[0].content[0].audio_url.url",
        ),
        ({"messages": [{"role": "assistant", "content": [AUDIO]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [AUDIO]}]}, "messages"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stop": 5}, "stop"),
        ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"5": 1.0}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy"}}, "audio"),
        ({"functions": []}, "functions"),
        ({"stream": "yes"}, "stream"),
        ({"thinking": {"type": "maybe"}}, "thinking.type"),
        ({"thinking": True}, "thinking"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"tool_choice": "auto"}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "z"}}},
            "tool_choice.function.name",
        ),
        ({"tools": [{"type": "web"}]}, "tools[0].type"),
        ({"asr_options": {"language": "en"}}, "asr_options"),
        ({"temprature": 1}, "temprature"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], place_named: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse(body() | fields)
    assert caught.value.field.startswith(place_named)
    assert caught.value.param.startswith(place_named)
    assert caught.value.status == 400


def test_unknown_model() -> None:
    with pytest.raises(UnknownModel) as caught:
        parse(body() | {"model": "gpt-5"})
    assert caught.value.param == "Not supported model gpt-5"


def test_recognition_takes_system_and_text_but_needs_audio() -> None:
    messages = [
        {"role": "system", "content": "transcribe"},
        {"role": "user", "content": [AUDIO, {"type": "text", "text": "please"}]},
    ]
    parsed = parse({"model": "mimo-v2.5-asr", "messages": messages, "asr_options": {"language": "zh"}})
    assert parsed.recognition.language == "zh"
    assert parsed.options.thinking is False
    with pytest.raises(InvalidField, match="input_audio"):
        parse({"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": "please"}]})


@pytest.mark.parametrize("language", [None, "auto"])
def test_language_is_detected_by_default(language: str | None) -> None:
    parsed = parse(
        {
            "model": "mimo-v2.5-asr",
            "messages": [{"role": "user", "content": [AUDIO]}],
            "asr_options": {"language": language},
        }
    )
    assert parsed.recognition.language is None


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"5", b'"x"', b"nul", b'{"a": NaN}', b"\xff\xfe{}", b"[" * 100_000])
def test_bodies_that_are_no_object(raw: bytes) -> None:
    with pytest.raises(InvalidField):
        read_json(raw)


def test_places_are_written_as_in_the_request() -> None:
    assert place(("messages", 0, "content", 12, "text")) == "messages[0].content[12].text"
    assert place(()) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [
        "model",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "input_audio",
        "data",
        "stop",
        "tools",
        "thinking",
        "stream",
    ]
)
near_requests = st.dictionaries(
    field_names,
    json_values
    | st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool", "x"])},
            optional={"content": json_values | st.lists(st.dictionaries(field_names, json_values, max_size=4))},
        ),
        max_size=3,
    ),
)


@given(near_requests)
def test_any_object_is_a_request_or_a_clear_400(value: dict[str, Any]) -> None:
    try:
        parsed = parse(value | {"model": "mimo-v2.5"})
    except AuricleError as error:
        assert isinstance(error, BadRequest)
        assert error.param
    else:
        assert parsed.task is Task.UNDERSTAND


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_clear_400(raw: bytes) -> None:
    try:
        assert isinstance(read_json(raw), dict)
    except InvalidField as error:
        assert "JSON" in error.param
