"""kill -9 of every process of a real server with real models, in the middle of streams.

What a client sees is one clean error or its answer, nobody pays for what was not answered, the next request works once
the model is there again, and nothing outlives the server.
"""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import sys
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from auricle.accounts.directory import Directory, open_directory
from auricle.accounts.rows import SERVER_DIED
from auricle.store import tables
from bench.server import Server, children, running, started
from tests.audio.encoding import encode
from tests.processes import wait_gone
from tests.serving import CLIP, audio_part, dictation, question, scripted_settings

pytestmark = [pytest.mark.weights, pytest.mark.timeout(600)]

RECOGNIZER, LANGUAGE_MODEL = "recognizer_worker", "language_model_worker"
SOUNDS, DECODER = "sounds_worker", "decode_worker"
RELOAD_SECONDS = 120.0  # on a busy machine
STORY = question("Tell a very long story.", stream=True, max_tokens=1500, thinking={"type": "disabled"})
STORY["messages"][0]["content"] = "Tell a very long story about a whale."


@dataclass
class Place:
    """Where a server keeps its accounts, and what configures it."""

    folder: Path
    directory: Directory
    key: str
    variables: dict[str, str]

    @contextmanager
    def server(self) -> Iterator[Server]:
        with running(**self.variables) as server:
            yield server

    def row(self, request_id: str) -> Any:
        """The request's row in the ledger; waits for it a moment."""
        deadline = time.monotonic() + 10
        while True:
            with self.directory.database.reading() as connection:
                rows = connection.execute(
                    sa.select(tables.ledger).where(tables.ledger.c.request_id == request_id)
                ).all()
            if rows or time.monotonic() > deadline:
                (row,) = rows
                return row
            time.sleep(0.05)


@pytest.fixture(scope="module")
def place(
    recognizer_folder: Path, small_language_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("server")
    directory = open_directory(scripted_settings(accounts=True, data_dir=folder))
    engine = {"recognizer": str(recognizer_folder), "language_model": str(small_language_model)}
    variables = {
        "AURICLE_ACCOUNTS": "true",
        "AURICLE_DATA_DIR": str(folder),
        "AURICLE_SPOOL_DIR": str(folder / "spool"),
        "AURICLE_ENGINES": json.dumps({"embedded": {**engine, "context_length": 4096}}),
        "AURICLE_LOG_LEVEL": "error",
    }
    yield Place(folder, directory, directory.create_key("tests").secret, variables)
    directory.close()


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[Server]:
    with place.server() as server:
        yield server


def process(server: Server, module: str) -> int:
    """The one that runs `module`, waited for while it is being replaced."""
    deadline = time.monotonic() + 10
    while True:
        for pid in children(server.pid):
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        assert time.monotonic() < deadline
        time.sleep(0.02)


def speech(times: int) -> dict[str, Any]:
    """The clip, `times` over, never the same: what was heard before is not heard again."""
    with wave.open(str(CLIP)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        parameters = file.getparams()
    noise = np.random.default_rng().integers(-3, 4, pcm.size * times)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams(parameters)
        file.writeframes((np.tile(pcm, times) // 2 + noise).astype("<i2").tobytes())
    return audio_part("data:audio/wav;base64," + base64.b64encode(out.getvalue()).decode())


@dataclass
class Stream:
    """What a client saw of a streamed answer."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    events: list[Any] = field(default_factory=list)
    done: bool = False
    broken: bool = False
    """The connection ended in the middle."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Something of the answer has come."""

    @property
    def errors(self) -> list[Any]:
        return [event["error"] for event in self.events if "error" in event]

    @property
    def text(self) -> str:
        pieces = [event["choices"][0]["delta"] for event in self.events if event.get("choices")]
        return "".join((piece.get("reasoning_content") or "") + (piece.get("content") or "") for piece in pieces)


def ask(server: Server, place: Place, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers={"api-key": place.key}, timeout=120)


def listen(server: Server, place: Place, body: dict[str, Any], seen: Stream) -> Stream:
    """Stream the answer to its end, whatever that is."""
    url, headers = f"{server.url}/v1/chat/completions", {"api-key": place.key}
    try:
        with httpx.stream("POST", url, json={**body, "stream": True}, headers=headers, timeout=120) as reply:
            seen.status, seen.headers = reply.status_code, reply.headers
            if reply.status_code != 200:
                seen.events.append(json.loads(reply.read()))
                return seen
            for line in reply.iter_lines():
                if line == "data: [DONE]":
                    seen.done = True
                elif line:
                    assert line.startswith("data: "), line
                    assert not seen.done, "something came after the end"
                    assert not seen.errors, "something came after the error"
                    seen.events.append(json.loads(line[6:]))
                    if seen.text:
                        seen.begun.set()
    except httpx.TransportError:
        seen.broken = True
    finally:
        seen.begun.set()
    return seen


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def streaming(pool: ThreadPoolExecutor, server: Server, place: Place, *bodies: dict[str, Any]) -> list[Future[Stream]]:
    """Streams of whose answers something has come."""
    seen = [Stream() for _ in bodies]
    futures = [pool.submit(listen, server, place, *pair) for pair in zip(bodies, seen, strict=True)]
    for one in seen:
        assert one.begun.wait(60)
    assert not any(future.done() for future in futures), "one is over already"
    return futures


def one_clean_error(seen: Stream, name: str) -> None:
    assert seen.status == 200
    assert seen.events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert not seen.broken
    assert not seen.done
    (error,) = seen.errors
    param = f"{name} died under this request and is being restarted"
    assert error == {"code": "503", "message": "Service Unavailable", "param": param, "type": ""}


def readiness(server: Server, model: str) -> tuple[int, Any]:
    reply = httpx.get(f"{server.url}/health/ready", params={"model": model})
    return reply.status_code, reply.json()["models"][model]


def reloaded(server: Server, model: str, told: str) -> None:
    """Wait until `model` can answer; until then it is told why not, and requests hear it at once, too."""
    deadline = time.monotonic() + RELOAD_SECONDS
    assert f'auricle_model_ready{{model="{model}"}} 0.0' in httpx.get(f"{server.url}/metrics").text
    while (state := readiness(server, model)) != (200, {"ready": True, "detail": ""}):
        assert state == (503, {"ready": False, "detail": told}), state
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refused_while_it_reloads(reply: httpx.Response, model: str, told: str) -> None:
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.json()["error"]["param"] == f"{model} is not ready: {told}"


def never_charged(place: Place, seen: Stream) -> None:
    row = place.row(seen.headers["x-request-id"])
    assert (row.status, row.cost_micros) == (503, 0)


def test_the_recogniser_killed_in_mid_stream(server: Server, place: Place, pool: ThreadPoolExecutor) -> None:
    told = "the recogniser died and is being restarted"
    whole = pool.submit(ask, server, place, dictation(speech(60)))
    streams = streaming(pool, server, place, dictation(speech(60)), dictation(speech(60)))
    os.kill(process(server, RECOGNIZER), signal.SIGKILL)
    for stream in streams:
        one_clean_error(stream.result(), "the recogniser")
        never_charged(place, stream.result())
    refused_while_it_reloads(ask(server, place, dictation(speech(1))), "mimo-v2.5-asr", told)
    answer = whole.result()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["param"] == "the recogniser died under this request and is being restarted"
    reloaded(server, "mimo-v2.5-asr", told)
    answer = ask(server, place, dictation(speech(1)))
    assert "country" in answer.json()["choices"][0]["message"]["content"]
    assert place.row(answer.headers["x-request-id"]).status == 200


def test_the_language_model_killed_in_mid_stream(server: Server, place: Place, pool: ThreadPoolExecutor) -> None:
    told = "the language model died and is being restarted"
    streams = streaming(pool, server, place, STORY, STORY)
    os.kill(process(server, LANGUAGE_MODEL), signal.SIGKILL)
    for stream in streams:
        one_clean_error(stream.result(), "the language model")
        never_charged(place, stream.result())
    refused_while_it_reloads(ask(server, place, STORY), "mimo-v2.5", told)
    assert readiness(server, "mimo-v2.5-asr")[0] == 200, "recognition goes on"
    reloaded(server, "mimo-v2.5", told)
    assert ask(server, place, question("How long is it?", max_tokens=5)).status_code == 200


def test_what_hears_sounds_killed_in_mid_stream(server: Server, place: Place, pool: ThreadPoolExecutor) -> None:
    """Questions are answered without: only then does nobody hear that there was music, too."""
    (stream,) = streaming(pool, server, place, question("What is said?", speech(12), max_tokens=400))
    os.kill(process(server, SOUNDS), signal.SIGKILL)
    seen = stream.result()
    assert (seen.status, seen.done, seen.errors) == (200, True, [])
    assert "country" in seen.text
    deadline = time.monotonic() + RELOAD_SECONDS
    while (state := readiness(server, "mimo-v2.5")) != (200, {"ready": True, "detail": ""}):
        told = "only speech is heard, no other sounds: the model for sounds died and is being restarted"
        assert state == (200, {"ready": True, "detail": told})
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ask(server, place, question("What is said?", speech(1), max_tokens=5)).status_code == 200


def test_decoders_killed_in_mid_work(server: Server, place: Place, pool: ThreadPoolExecutor) -> None:
    """Once, and nobody notices; again and again, and the audio is at fault."""
    part = encode(np.zeros((1, 160_000), np.float32), 16_000, "libmp3lame", "mp3", bit_rate=32_000)
    long = audio_part("data:audio/mpeg;base64," + base64.b64encode(part * 120).decode())
    for kills, status in ((1, 200), (1000, 400)):
        asked = pool.submit(listen, server, place, dictation(long), Stream())
        while kills and not asked.done():
            if list((place.folder / "spool").glob("*/*.pcm")):  # in the middle of it
                for pid in children(server.pid):
                    if DECODER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
                kills -= 1
            time.sleep(0.05)
        seen = asked.result()
        assert (seen.status, seen.broken, seen.done) == (status, False, status == 200)
        assert not kills or seen.errors[0]["param"].endswith("the audio broke the decoder")
    assert ask(server, place, dictation(speech(1))).status_code == 200


def test_nothing_outlives_a_server_that_is_killed(place: Place, pool: ThreadPoolExecutor) -> None:
    spool = place.folder / "spool"
    others = set(spool.glob("*"))
    with place.server() as server:
        left = set(spool.iterdir()) - others
        streams = streaming(pool, server, place, STORY, dictation(speech(60)))
        family = children(server.pid)
        assert len(family) >= 5, "two decoders and three models"
        os.kill(server.pid, signal.SIGKILL)
        wait_gone(family, 3)
        for stream in streams:
            seen = stream.result()
            assert (seen.status, seen.broken, seen.errors, seen.done) == (200, True, [], False)
    with place.server() as server:
        for stream in streams:
            row = place.row(stream.result().headers["x-request-id"])
            assert (row.status, row.cost_micros) == (SERVER_DIED, 0)
        with place.directory.database.reading() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.reservations)) == 0
        answer = ask(server, place, dictation(speech(1)))
        assert "country" in answer.json()["choices"][0]["message"]["content"]
        assert left
        assert not left & set(spool.iterdir()), "what the killed server left is gone"


def test_nothing_outlives_a_server_that_is_killed_while_it_loads(place: Place) -> None:
    environment = {**os.environ, **place.variables}
    with started([sys.executable, "-m", "auricle", "serve"], environment, "/health") as server:
        family = children(server.pid)
        assert family
        os.kill(server.pid, signal.SIGKILL)
        wait_gone(family, 3)
