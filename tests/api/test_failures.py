"""Every row of the error table, with the exact body that clients get."""

from __future__ import annotations

import base64
import socket
from typing import Any

import openai
import pytest

from auricle import errors
from auricle.api.failures import error_body
from tests.serving import Server, audio_part, dictation, question, scripted_settings, serving, text_part

FORMATS = "invalid audio format, only mp3/flac/m4a/wav/ogg are supported"
WHERE = "messages[0].content[0].input_audio.data"


def failure(code: int, message: str, param: str) -> dict[str, Any]:
    return {"error": {"code": str(code), "message": message, "param": param, "type": ""}}


def bad(param: str) -> dict[str, Any]:
    return failure(400, "Param Incorrect", param)


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"{", "the body is not valid JSON: unexpected end of data: line 1 column 2 (char 1)"),
        (b"[]", "the body must be a JSON object"),
        (b'{"model": "mimo-v2.5"}', "messages: field required"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "model: field required"),
        (b'{"model": "gpt-5", "messages": [{"role": "user", "content": "x"}]}', "Not supported model gpt-5"),
        (
            b'{"model": "mimo-v2.5", "messages": [{"role": "user", "content": "x"}], "temperature": 3}',
            "temperature: input should be less than or equal to 2",
        ),
        (
            b'{"model": "mimo-v2.5", "messages": [{"role": "user", "content": "x"}], "colour": 3}',
            "colour: this field is not known or not supported",
        ),
    ],
)
def test_400_for_a_wrong_body(server: Server, raw: bytes, param: str) -> None:
    with server.client() as client:
        reply = client.post("/v1/chat/completions", content=raw)
    assert reply.status_code == 400
    assert reply.json() == bad(param)


@pytest.mark.parametrize("data", [base64.b64encode(b"this is not audio" * 20).decode()])
def test_400_for_what_is_no_audio(server: Server, data: str) -> None:
    reply = server.chat(dictation(audio_part(data)))
    assert reply.status_code == 400
    assert reply.json() == bad(FORMATS)


@pytest.mark.parametrize("data", ["!!!", "data:audio/wav;base64,", "data:audio/wav;base64,%%%", "data:nothing"])
def test_400_for_what_is_no_base64(server: Server, data: str) -> None:
    reply = server.chat(dictation(audio_part(data)))
    assert reply.status_code == 400
    assert WHERE in reply.json()["error"]["param"]


def test_400_for_audio_without_text(server: Server) -> None:
    body = question()
    body["messages"][0]["content"].pop()
    reply = server.chat(body)
    assert reply.status_code == 400
    assert reply.json() == bad("messages: a text part that says what to do with the audio is required")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.wav", "file:///etc/passwd", "ftp://example.com/a.wav"])
def test_400_for_a_url_that_is_not_allowed(server: Server, url: str) -> None:
    reply = server.chat(dictation(audio_part(url)))
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "Param Incorrect"
    assert WHERE in reply.json()["error"]["param"]


def test_400_for_too_long_a_context() -> None:
    engines = {"scripted": {"kind": "scripted", "context_length": 2048}}
    with serving(scripted_settings(engines=engines)) as server:
        body = question(" ".join(["word"] * 2100), text_part("no audio"))
        reply = server.chat(body)
        assert reply.status_code == 400
        assert reply.json() == bad(
            "the request has 2106 tokens (text and audio), which must be fewer than "
            "the context length of mimo-v2.5, 2048 tokens"
        )


def test_400_for_too_long_a_base64_string() -> None:
    with serving(scripted_settings(max_base64_bytes=1000)) as server:
        reply = server.chat(dictation())
    assert reply.status_code == 400
    assert "1000" in reply.json()["error"]["param"]


def test_400_for_what_the_engine_cannot_do(server: Server) -> None:
    schema = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    reply = server.chat(question(response_format=schema))
    assert reply.status_code == 400
    assert reply.json() == bad("response_format.json_schema is not supported by the scripted engine: model mimo-v2.5")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic x"}, {"api-key": ""}])
def test_401_without_a_key(keyed_server: Server, headers: dict[str, str]) -> None:
    reply = keyed_server.chat(question(), headers=headers)
    assert reply.status_code == 401
    assert reply.json() == failure(
        401, "Invalid API Key", "send your key as 'api-key: KEY' or 'Authorization: Bearer KEY'"
    )


@pytest.mark.parametrize("headers", [{"api-key": "sk-no"}, {"authorization": "Bearer sk-no"}])
def test_401_for_a_wrong_key(keyed_server: Server, headers: dict[str, str]) -> None:
    reply = keyed_server.chat(question(), headers=headers)
    assert reply.status_code == 401
    assert reply.json() == failure(401, "Invalid API Key", "the key is not known here")


def test_404_and_405(server: Server) -> None:
    with server.client() as client:
        missing = client.get("/v1/nothing")
        wrong = client.get("/v1/chat/completions")
    assert missing.status_code == 404
    assert missing.json() == failure(404, "Not Found", "there is no GET /v1/nothing")
    assert wrong.status_code == 405
    assert wrong.json() == failure(405, "Method Not Allowed", "/v1/chat/completions does not take GET")
    assert wrong.headers["allow"] == "POST"


def test_413_at_once_and_while_reading() -> None:
    with serving(scripted_settings(max_body_bytes=1000)) as server, server.client() as client:
        declared = client.post("/v1/chat/completions", content=b"x" * 1001)
        assert declared.status_code == 413
        assert declared.json() == failure(413, "Request Entity Too Large", "the body has 1001 bytes, the limit is 1000")
        chunked = client.post("/v1/chat/completions", content=iter([b"x" * 600, b"x" * 600]))
        assert chunked.status_code == 413
        assert chunked.json() == failure(413, "Request Entity Too Large", "the body has more than 1000 bytes")


def test_413_before_the_body_is_sent() -> None:
    with serving(scripted_settings()) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{")
            assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_421_for_the_engines_own_filter(server: Server) -> None:
    reply = server.chat(question("[[filter]]"))
    assert reply.status_code == 421
    assert reply.json() == failure(421, "Content Filtered", "the script says so")


def test_429_after_a_hundred_requests_a_minute() -> None:
    with serving(scripted_settings(api_keys="sk-one,sk-two", rate_limits="mimo")) as server, server.client() as client:
        body = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "x"}]}
        replies = [client.post("/v1/chat/completions", json=body, headers={"api-key": "sk-one"}) for _ in range(101)]
        assert [reply.status_code for reply in replies] == [200] * 100 + [429]
        assert replies[-1].json() == failure(429, "Too Many Requests", "mimo-v2.5 is limited to 100 requests a minute")
        assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
        other_key = client.post("/v1/chat/completions", json=body, headers={"api-key": "sk-two"})
        assert other_key.status_code == 200
        other_model = client.post(
            "/v1/chat/completions", json={**body, "model": "mimo-v2-omni"}, headers={"api-key": "sk-one"}
        )
        assert other_model.status_code == 200


def test_500_has_an_id_and_no_traceback(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(scripted_settings()) as server:
        engine = server.pipeline.models["mimo-v2.5"].engine

        async def broken(_: object) -> int:
            raise ZeroDivisionError("secret detail")

        monkeypatch.setattr(engine, "count_prompt_tokens", broken)
        with server.client(headers={"origin": "https://example.com"}) as client:
            reply = client.post("/v1/chat/completions", json=question())
        assert reply.status_code == 500
        request_id = reply.headers["x-request-id"]
        assert reply.json() == failure(
            500, "Internal Error", f"something went wrong here; the log has it under {request_id}"
        )
        assert "secret" not in reply.text
        assert reply.headers["access-control-allow-origin"] == "*"
        assert request_id in "".join(capfd.readouterr())


def test_503_when_an_engine_fails(server: Server) -> None:
    reply = server.chat(question("[[fail]]"))
    assert reply.status_code == 503
    assert reply.json() == failure(503, "Service Unavailable", "the script says so")
    assert reply.headers["retry-after"] == "5"


def sdk(server: Server, key: str = "sk-one") -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0)


@pytest.mark.parametrize(
    ("text", "key", "exception"),
    [
        ("[[filter]]", "sk-one", openai.APIStatusError),
        ("[[fail]]", "sk-one", openai.InternalServerError),
        ("hello", "sk-no", openai.AuthenticationError),
    ],
)
def test_openais_sdk_raises_its_own_types(
    keyed_server: Server, text: str, key: str, exception: type[openai.APIStatusError]
) -> None:
    with sdk(keyed_server, key) as client, pytest.raises(exception) as caught:
        client.chat.completions.create(model="mimo-v2.5", messages=[{"role": "user", "content": text}])
    assert type(caught.value) is exception


def test_openais_sdk_raises_bad_request(keyed_server: Server) -> None:
    with sdk(keyed_server) as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "x"}])
    assert caught.value.param == "Not supported model gpt-5"
    assert caught.value.code == "400"


def every_error(base: type[errors.AuricleError]) -> list[type[errors.AuricleError]]:
    return [base, *(leaf for child in base.__subclasses__() for leaf in every_error(child))]


def test_every_error_has_a_status_and_a_body() -> None:
    statuses = {kind.status for kind in every_error(errors.AuricleError)}
    assert statuses == {400, 401, 402, 403, 404, 405, 408, 413, 421, 429, 500, 503}
    body = error_body(errors.BalanceUsedUp("top up"))
    assert body == failure(402, "Insufficient Balance", "top up")
    assert error_body(errors.Forbidden("disabled")) == failure(403, "Forbidden", "disabled")
