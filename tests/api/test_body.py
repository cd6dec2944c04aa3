"""Bodies: whatever the pieces they come in, they mean what a JSON parser says they mean, at little memory."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.api import body as body_module
from auricle.api.body import MAX_CONTAINERS, MAX_STRINGS, Body, BodyReader
from auricle.errors import AudioTooLarge, BodyTooLarge, InvalidAudio, InvalidField
from tests.serving import CLIP, Server, audio_part, data_url, dictation, question, scripted_settings, serving

AUDIO = random.Random(1).randbytes(300_000)
MIB = 1024 * 1024


def read(raw: bytes, piece_bytes: int = 1000, *, max_base64: int = 50 * MIB, max_text: int = 16 * MIB) -> Body:
    reader = BodyReader(max_base64, max_text)
    for start in range(0, len(raw), piece_bytes):
        reader.feed(raw[start : start + piece_bytes])
    return asyncio.run(reader.finish())


def audio_of(body: Body) -> bytes:
    name = body.fields["messages"][0]["content"][0]["input_audio"]["data"]
    return body.cuts[name].take("there")


def text_of(encoded: str, dialect: str) -> str:
    """Base64 in a JSON string, as serializers write it."""
    return {
        "plain": lambda: json.dumps(encoded),
        "php": lambda: json.dumps(encoded).replace("/", r"\/"),
        "dotnet": lambda: json.dumps(encoded).replace("+", r"\u002B").replace("=", r"\u003D"),
        "feeds": lambda: json.dumps("\f".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))),
        "lines": lambda: json.dumps("\r\n".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))),
        "urlsafe": lambda: json.dumps(encoded.replace("+", "-").replace("/", "_").rstrip("=")),
        "percent": lambda: json.dumps(encoded.replace("+", "%2B").replace("/", "%2F")),
    }[dialect]()


def asking(data: str) -> bytes:
    return (
        b'{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data" : '
        + data.encode()
        + (b'}},{"type":"text","text":"a \\" quote \\\\"}]}],"model":"m"}')
    )


@pytest.mark.parametrize("dialect", ["plain", "php", "dotnet", "lines", "feeds", "urlsafe", "percent"])
@pytest.mark.parametrize("piece_bytes", [997, 64 * 1024, 10**9])
@pytest.mark.parametrize("size", [299_998, 299_999, 300_000])
def test_long_audio_is_decoded_on_its_way_in(dialect: str, piece_bytes: int, size: int) -> None:
    prefix = "data:audio/wav;base64,"
    encoded = base64.b64encode(AUDIO[:size]).decode()
    text = text_of(encoded, dialect)
    body = read(asking(text[0] + prefix + text[1:]), piece_bytes)
    assert audio_of(body) == AUDIO[:size]
    assert body.fields["messages"][0]["content"][1]["text"] == 'a " quote \\'
    if dialect != "percent":
        assert audio_of(read(asking(text), piece_bytes)) == AUDIO[:size]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "url", 'a"b', "x\\", "text"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.integers(1, 50), st.booleans())
@settings(deadline=None)
def test_what_is_not_audio_is_what_a_parser_says(value: dict[str, Any], piece_bytes: int, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=piece_bytes % 3 or None).encode()
    body = read(raw, piece_bytes)
    assert body.fields == value
    assert not body.cuts


@pytest.mark.parametrize(
    "text",
    ["word " * 40_000, "你" * 70_000, 'quo"te\\' * 20_000, "A" * 100_000, "https://example.com/" + "a/" * 50_000],
)
def test_long_texts_stay_as_they_are(text: str) -> None:
    for key in ("text", "url"):
        if key == "url" and text[0] in "Aw":
            continue  # that is base64, blanks and all
        for ascii_only in (True, False):
            body = read(json.dumps({"text": text} if key == "text" else {key: text}, ensure_ascii=ascii_only).encode())
            assert body.fields == {key: text}
            assert not body.cuts


@given(st.binary(max_size=60), st.integers(1, 20))
@settings(deadline=None)
def test_damage_is_named_and_nothing_else(damage: bytes, piece_bytes: int) -> None:
    raw = b'{"data":"QUJD","x":[1,2,"' + damage + b'"]}'
    try:
        expected = orjson.loads(raw)
    except orjson.JSONDecodeError:
        with pytest.raises(InvalidField):
            read(raw, piece_bytes)
    else:
        assert read(raw, piece_bytes).fields == expected


@pytest.mark.parametrize("damage", ["*", r"\"", r"\\", r"\u0000", "=QUJD", "é", r"\u00"])
def test_bad_base64_is_bad_audio(damage: str) -> None:
    encoded = base64.b64encode(AUDIO).decode()
    raw = asking(f'"{encoded[:200_000]}{damage}{encoded[200_000:]}"')
    try:
        body = read(raw)
    except InvalidField:
        assert damage == r"\u00"
        return
    with pytest.raises(InvalidAudio, match="there: the data is not valid base64"):
        audio_of(body)


def test_the_limit_counts_characters() -> None:
    encoded = base64.b64encode(AUDIO).decode()
    raw = asking(f'"data:audio/wav;base64,{encoded}"')
    assert audio_of(read(raw, max_base64=len(encoded))) == AUDIO
    with pytest.raises(AudioTooLarge, match=f"{len(encoded)} bytes is larger than the limit of {len(encoded) - 1} "):
        audio_of(read(raw, max_base64=len(encoded) - 1))


def test_what_is_not_audio_is_bounded() -> None:
    with pytest.raises(BodyTooLarge):
        read(json.dumps({"text": "a" * 2 * MIB}).encode(), 64 * 1024, max_text=MIB)
    with pytest.raises(BodyTooLarge):
        read(b"[" + b"[],[]," * MIB, 64 * 1024)
    with pytest.raises(BodyTooLarge):
        read(b"[" + b"[]," * MAX_CONTAINERS + b"[]]", 64 * 1024)
    with pytest.raises(BodyTooLarge):
        read(b"[" + b" " * 3 * MIB + b"]", 64 * 1024)
    with pytest.raises(BodyTooLarge):
        read(b'["' + b'","' * (MAX_STRINGS + 1), 64 * 1024)
    with pytest.raises(BodyTooLarge):
        read(b'{"data":"not base64!' + b"x" * 2 * MIB, 64 * 1024, max_text=MIB)


def test_memory_is_what_the_audio_takes() -> None:
    raw = asking('"' + base64.b64encode(AUDIO * 40).decode() + '"')
    view = memoryview(raw)
    reader = BodyReader(50 * MIB, 16 * MIB)
    tracemalloc.start()
    try:
        for start in range(0, len(raw), 64 * 1024):
            reader.feed(bytes(view[start : start + 64 * 1024]))
        body = asyncio.run(reader.finish())
        data = audio_of(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert data == AUDIO * 40
    assert peak < len(raw)


# Over the wire.

LONG_CLIP = CLIP.read_bytes() + bytes(400_000)  # a RIFF file may have something behind its chunks


def long_url() -> str:
    return "data:audio/wav;base64," + base64.b64encode(LONG_CLIP).decode()


def test_long_and_short_audio_are_answered_alike(server: Server) -> None:
    short, long = (server.chat(dictation(audio_part(url))).json() for url in (data_url(), long_url()))
    assert long["choices"] == short["choices"]
    assert long["usage"] == short["usage"]
    as_url = {"type": "audio_url", "audio_url": {"url": long_url()}}
    assert server.chat(dictation(as_url)).json()["choices"] == short["choices"]


def test_a_long_audio_where_none_belongs_is_refused_or_ignored(server: Server) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"default": {"data": long_url()}}}}
    reply = server.chat(question(tools=[tool]))
    assert reply.status_code == 400
    assert reply.json()["error"]["param"].startswith("tools:")
    history = {"role": "assistant", "content": "yes", "audio": {"data": long_url()}}
    asked = question()
    assert server.chat({**asked, "messages": [history, *asked["messages"]]}).status_code == 200


def test_errors_name_the_place_of_a_long_audio(server: Server) -> None:
    reply = server.chat(dictation(audio_part(), audio_part(long_url()[:300_000] + "*" + long_url()[300_000:])))
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == ("messages[0].content[1].input_audio.data: the data is not valid base64")


@pytest.fixture(scope="module")
def small_server() -> Iterator[Server]:
    settings = scripted_settings(max_body_bytes=2 * MIB, memory_bytes=2 * MIB, body_timeout_seconds=1.0)
    with serving(settings) as running:
        yield running


def connected(server: Server) -> socket.socket:
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port or 80), timeout=20)


def head(size: int, path: str = "/v1/chat/completions") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n".encode()
    )


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def test_too_large_a_body_is_refused_before_it_is_sent(small_server: Server) -> None:
    with connected(small_server) as client:
        client.sendall(head(100 * MIB))
        started = time.monotonic()
        reply = client.recv(4096)
        assert status_of(reply) == 413
        assert time.monotonic() - started < 1
        assert b"connection: close" in reply


def test_the_answer_arrives_though_the_client_goes_on_sending(small_server: Server) -> None:
    body = b"[" + b" " * 5 * MIB + b"]"
    with small_server.client() as client:
        for headers in ({}, {"transfer-encoding": "chunked"}):
            content = body if not headers else iter([body[i : i + 65_536] for i in range(0, len(body), 65_536)])
            assert client.post("/v1/chat/completions", content=content).status_code == 413
        assert client.post("/health", content=body).status_code in (405, 413)


def test_a_slow_body_is_cut_by_a_deadline(small_server: Server) -> None:
    with connected(small_server) as client:
        client.sendall(head(1000))
        started = time.monotonic()
        for _ in range(5):
            client.sendall(b" ")
            time.sleep(0.1)
        assert status_of(client.recv(4096)) == 408
        assert time.monotonic() - started < 3


def test_a_silent_body_is_cut_sooner(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "IDLE_SECONDS", 0.3)
    with connected(server) as client:
        client.sendall(head(1000))
        assert status_of(client.recv(4096)) == 408


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_large_bodies_share_one_budget_and_small_ones_do_not_feel_it(small_server: Server) -> None:
    memory = small_server.pipeline.admission.memory
    with connected(small_server) as client:
        client.sendall(head(2 * MIB) + b" " * (2 * MIB - 500_000))
        until(lambda: memory.used_bytes > MIB)
        refused = small_server.chat(dictation(audio_part(long_url())))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert small_server.chat(dictation()).status_code == 200
    until(lambda: not memory.used_bytes)
    assert small_server.chat(dictation(audio_part(long_url()))).status_code == 200
    assert memory.used_bytes == 0


def test_what_is_announced_takes_nothing_until_it_arrives(small_server: Server) -> None:
    """Any number of clients that announce large bodies and hardly send keep nobody out."""
    memory = small_server.pipeline.admission.memory
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connected(small_server))
            client.sendall(head(2 * MIB) + b" " * 1000)
        assert small_server.chat(dictation(audio_part(long_url()))).status_code == 200
        assert memory.used_bytes == 0


def test_one_sender_keeps_no_more_than_half_by_sending_slowly() -> None:
    keys = ("sk-slow", "sk-other")
    settings = scripted_settings(api_keys=keys, max_body_bytes=2 * MIB, memory_bytes=4 * MIB)
    body = dictation(audio_part(long_url()))
    with serving(settings) as server, ExitStack() as stack:
        memory = server.pipeline.admission.memory
        start = head(2 * MIB).replace(b"host: x", b"host: x\r\napi-key: sk-slow")
        first, *others = [stack.enter_context(connected(server)) for _ in range(4)]
        first.sendall(start + b" " * (2 * MIB - 1000))
        until(lambda: memory.used_bytes > MIB)
        for client in others:
            client.sendall(start)
            assert status_of(client.recv(4096)) == 503
        assert server.chat(body, headers={"api-key": "sk-slow"}).status_code == 503
        assert server.chat(body, headers={"api-key": "sk-other"}).status_code == 200


def test_a_large_body_that_drips_is_cut(small_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "PACE_SECONDS", 0.2)
    memory = small_server.pipeline.admission.memory
    with connected(small_server) as client:
        client.sendall(head(2 * MIB) + b" " * 1_500_000)
        until(lambda: memory.used_bytes >= MIB)
        started = time.monotonic()
        try:
            while time.monotonic() - started < 0.9:
                client.sendall(b" ")
                time.sleep(0.05)
        except ConnectionError:
            pass
        reply = client.recv(4096)
    assert status_of(reply) == 408
    assert b"bytes a second" in reply
    until(lambda: not memory.used_bytes)


def test_no_budget_is_lost_whatever_becomes_of_the_requests(server: Server) -> None:
    bodies = [
        dictation(audio_part(long_url())),
        dictation(audio_part(long_url()), model="none"),
        dictation(audio_part("*" + long_url())),
        question("[[fail 1]]", audio_part(long_url())),
        question("[[fail 1]]", audio_part(long_url()), stream=True),
        question("hello", audio_part(long_url()), stream=True),
    ]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda body: server.chat(body).status_code, bodies * 3))
    assert set(statuses) == {200, 400, 503}
    assert server.pipeline.admission.memory.used_bytes == 0


def test_other_endpoints_take_small_bodies_only(server: Server) -> None:
    with server.client() as client:
        assert client.post("/v1/models", content=b"x" * 2 * MIB).status_code == 413
