"""The chat endpoint over a real connection, answered by the scripted engine."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from auricle.engines.scripted import ScriptedEngine
from tests.api.test_render import RECOGNIZED, UNDERSTOOD, shape
from tests.serving import (
    EXAMPLES,
    Server,
    audio_part,
    data_url,
    dictation,
    question,
    scripted_settings,
    serving,
    serving_files,
    text_part,
)

CLIP_TOKENS = 30  # of 4.7 s


def events(text: str) -> list[Any]:
    """The decoded events of a stream, `[DONE]` as it is."""
    frames = text.split("\n\n")
    assert frames.pop() == ""
    assert all(frame.startswith("data: ") for frame in frames)
    return [frame[6:] if frame == "data: [DONE]" else json.loads(frame[6:]) for frame in frames]


def joined(chunks: list[Any], key: str) -> str:
    return "".join(choice["delta"].get(key) or "" for chunk in chunks for choice in chunk["choices"])


def stream_of(server: Server, body: dict[str, Any]) -> list[Any]:
    reply = server.chat({**body, "stream": True})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    return events(reply.text)


def test_understanding_has_the_official_shape(server: Server) -> None:
    reply = server.chat(question())
    assert reply.status_code == 200
    body = reply.json()
    assert shape(body) == shape(UNDERSTOOD)
    assert body["choices"][0]["message"]["content"].startswith("You said: please describe")
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == CLIP_TOKENS
    assert len(body["id"]) == 32
    assert int(body["id"], 16) >= 0
    assert reply.headers["x-request-id"] == body["id"]
    assert reply.headers["x-auricle-engine"] == "scripted"
    assert "x-auricle-weights" in reply.headers


def test_recognition_has_the_official_shape(server: Server) -> None:
    body = server.chat(dictation(asr_options={"language": "auto"})).json()
    assert shape(body) == shape(RECOGNIZED)
    assert body["choices"][0]["message"]["content"] == "scripted speech from 0 to 4.7"
    assert body["usage"]["seconds"] == 5


@pytest.mark.parametrize("body", [question(), dictation()], ids=["understanding", "recognition"])
def test_the_joined_stream_is_the_answer(server: Server, body: dict[str, Any]) -> None:
    message = server.chat(body).json()["choices"][0]["message"]
    *chunks, done = stream_of(server, body)
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert joined(chunks, "content") == message["content"]
    assert joined(chunks, "reasoning_content") == message.get("reasoning_content", "")
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert "usage" in chunks[-1]  # for clients that read it without asking for it
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1


def test_usage_in_a_chunk_of_its_own(server: Server) -> None:
    *chunks, counted, done = stream_of(server, question(stream_options={"include_usage": True}))
    assert done == "[DONE]"
    assert counted["choices"] == []
    assert counted["usage"]["total_tokens"] > 0
    assert all("usage" not in chunk for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_thinking_comes_before_the_answer_and_can_be_turned_off(server: Server) -> None:
    chunks = stream_of(server, question())[:-1]
    kinds = [next(iter(choice["delta"])) for chunk in chunks[1:-1] for choice in chunk["choices"]]
    assert kinds == sorted(kinds, reverse=True)  # reasoning_content, then content
    silent = server.chat(question(thinking={"type": "disabled"})).json()
    assert silent["choices"][0]["message"]["reasoning_content"] == ""
    assert silent["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize(
    "part",
    [
        audio_part(),
        audio_part(data_url(mime="audio/x-wav")),
        audio_part(data_url(mime="application/octet-stream"), format="mp3"),
        audio_part(data_url().partition(",")[2]),
        audio_part(data_url().partition(",")[2], format="wav"),
        {"type": "audio_url", "audio_url": {"url": data_url()}},
    ],
    ids=["data URL", "other MIME", "wrong hints", "bare base64", "bare with format", "audio_url"],
)
def test_every_audio_dialect_gives_the_same(server: Server, part: dict[str, Any]) -> None:
    body = server.chat(dictation(part)).json()
    assert body["choices"][0]["message"]["content"] == "scripted speech from 0 to 4.7"


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "m4a", "ogg"])
def test_every_format(server: Server, suffix: str) -> None:
    body = server.chat(dictation(audio_part(data_url(EXAMPLES / f"ask-not.{suffix}")))).json()
    assert body["choices"][0]["message"]["content"].startswith("scripted speech")
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == pytest.approx(CLIP_TOKENS, abs=1)


def test_several_audios(server: Server) -> None:
    body = server.chat(question("compare", audio_part(), audio_part())).json()
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == 2 * CLIP_TOKENS
    assert "audio 2" in body["choices"][0]["message"]["content"]


def test_tool_calls_streamed_and_not(server: Server) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = question('[[call look {"a": 1}]]', tools=[tool])
    choice = server.chat(body).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"a": 1}'}
    pieces = [c["choices"][0]["delta"].get("tool_calls") for c in stream_of(server, body)[:-1]]
    assert [piece for piece in pieces if piece][0][0]["function"]["name"] == "look"


def test_a_token_limit_is_kept(server: Server) -> None:
    body = server.chat(question(max_completion_tokens=3)).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 3


def test_an_error_before_the_first_byte_is_a_plain_error(server: Server) -> None:
    reply = server.chat(question("[[fail]]", thinking={"type": "disabled"}, stream=True))
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    assert reply.json()["error"]["code"] == "503"


def test_audio_that_is_none_is_refused_at_once_in_a_stream_too(server: Server) -> None:
    body = question("?", audio_part("data:audio/wav;base64," + "AAAA" * 500), stream=True)
    response = server.chat(body, timeout=20)
    assert response.status_code == 400
    assert "invalid audio format" in response.json()["error"]["param"]


def test_an_error_after_the_first_byte_ends_the_stream(server: Server) -> None:
    *chunks, last = stream_of(server, question("[[fail 3]]"))
    assert last["error"]["code"] == "503"
    assert len([c for c in chunks if c["choices"][0]["delta"].get("reasoning_content")]) == 3


def scripted_engine(server: Server) -> ScriptedEngine:
    engine = server.pipeline.models["mimo-v2.5"].engine
    assert isinstance(engine, ScriptedEngine)
    return engine


def wait_idle(engine: ScriptedEngine, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while engine.running:
        assert time.monotonic() < deadline, "work goes on after the client left"
        time.sleep(0.01)


@pytest.mark.parametrize("stream", [True, False])
def test_work_stops_when_the_client_hangs_up(stream: bool) -> None:
    with serving(scripted_settings()) as server:
        engine = scripted_engine(server)
        body = question("[[sleep 0.2]] [[repeat 50]]", stream=stream)
        with (
            pytest.raises(httpx.ReadTimeout),
            httpx.Client(timeout=httpx.Timeout(5, read=1.0 if not stream else 0.1)) as client,
            client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as reply,
        ):
            assert engine.running == 1
            for _ in reply.iter_raw():
                pass
        wait_idle(engine, 1.0)
        with server.client() as client:
            metrics = client.get("/metrics").text
        assert 'auricle_requests_total{engine="scripted",model="mimo-v2.5",status="499"} 1.0' in metrics


def test_hanging_up_before_the_first_event_stops_the_work() -> None:
    with serving(scripted_settings()) as server, server.client() as client:
        engine = scripted_engine(server)
        body = question("[[sleep 5]]", thinking={"type": "disabled"}, stream=True, max_completion_tokens=2)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/chat/completions", json=body, timeout=0.5)
        wait_idle(engine, 1.0)


def test_audio_by_url_from_an_allowed_network(server: Server) -> None:
    with serving(scripted_settings(fetch_allow="127.0.0.0/8")) as open_server, serving_files() as files:
        part = audio_part(f"{files}/ask-not.wav")
        body = open_server.chat(dictation(part)).json()
        assert body["choices"][0]["message"]["content"] == "scripted speech from 0 to 4.7"
        refused = server.chat(dictation(part))
        assert refused.status_code == 400
        assert "messages[0].content[0].input_audio.data" in refused.json()["error"]["param"]


def test_text_only_questions_are_answered(server: Server) -> None:
    body = server.chat({"model": "mimo-v2-omni", "messages": [{"role": "user", "content": "hello"}]}).json()
    assert body["choices"][0]["message"]["content"] == "You said: hello"


def test_text_may_come_first(server: Server) -> None:
    content = [text_part("what is said?"), audio_part()]
    reply = server.chat({"model": "mimo-v2.5", "messages": [{"role": "user", "content": content}]})
    assert reply.status_code == 200
