"""A server under load, hung up on, out of time, stopped and killed: what clients see is one clean error, and the next
request works."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa

from auricle.accounts.directory import open_directory
from auricle.engines.scripted import ScriptedEngine
from auricle.store import tables
from bench.server import children
from bench.steady import storm
from tests.cli.test_serve import served
from tests.serving import Server, audio_part, dictation, question, scripted_settings, serving

LONG = "[[sleep 0.05]] [[repeat 200]] go on"
LEFT_SECONDS = 1.0  # after the last client has gone


def engine_of(server: Server) -> ScriptedEngine:
    engine = server.pipeline.models["mimo-v2.5"].engine
    assert isinstance(engine, ScriptedEngine)
    return engine


def test_nothing_is_left_of_streams_that_were_hung_up_on() -> None:
    spool = "*.pcm"
    with serving(scripted_settings()) as server:
        port = int(server.url.rpartition(":")[2])
        asyncio.run(storm(port, 20, 20))  # whatever is started only once
        files = sum(1 for _ in Path("/proc/self/fd").iterdir())
        assert asyncio.run(storm(port, 120, 60)) == 0
        deadline = time.monotonic() + LEFT_SECONDS
        while engine_of(server).running or server.pipeline.admission.in_progress:
            assert time.monotonic() < deadline, "work goes on for clients that have gone"
            time.sleep(0.01)
        while sum(1 for _ in Path("/proc/self/fd").iterdir()) > files + 2:
            assert time.monotonic() < deadline + 1, "files stay open"
            time.sleep(0.01)
        assert server.pipeline.admission.memory.used_bytes == 0
        assert not list(Path("/tmp").glob(f"auricle-spool-*/{spool}"))


def test_too_much_is_refused_at_once_and_the_rest_is_answered_in_time() -> None:
    """Two slots, answers of half a second, a queue of one: of forty clients at once a few are answered."""
    engines = {"scripted": {"kind": "scripted", "parallel": 2}}
    body = question("[[sleep 0.02]] " + "word " * 15, audio_part(), thinking={"type": "disabled"})
    with serving(scripted_settings(engines=engines, queue_seconds=1)) as server:
        alone = min(timed(server, body)[1] for _ in range(3))
        with ThreadPoolExecutor(40) as pool:
            replies = list(pool.map(lambda _: timed(server, body), range(40)))
        answered = [seconds for reply, seconds in replies if reply.status_code == 200]
        refused = [(reply, seconds) for reply, seconds in replies if reply.status_code == 503]
        assert len(answered) + len(refused) == 40
        assert len(answered) >= 2
        assert len(refused) >= 20
        assert all(int(reply.headers["retry-after"]) >= 1 for reply, _ in refused)
        assert max(answered) < 2 * alone + 1 + 2  # two seconds for a busy machine
        assert refused[0][0].json()["error"]["message"] == "Service Unavailable"
        with server.client() as client:
            metrics = client.get("/metrics").text
        assert f'auricle_refused_total{{short_of="scripted/understand"}} {len(refused)}.0' in metrics
        assert timed(server, body)[0].status_code == 200


def timed(server: Server, body: dict[str, Any]) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    return server.chat(body), time.monotonic() - started


def events(reply: httpx.Response) -> list[Any]:
    return [orjson.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_has_a_deadline(stream: bool) -> None:
    with serving(scripted_settings(request_timeout_seconds=0.5)) as server:
        reply, seconds = timed(server, question(LONG, stream=stream))
        assert seconds < 4
        if stream:
            assert reply.status_code == 200
            failure = events(reply)[-1]["error"]
            assert "[DONE]" not in reply.text
        else:
            assert reply.status_code == 503
            failure = reply.json()["error"]
        assert failure["param"] == "the request was not answered within 0.5 seconds"
        assert engine_of(server).running == 0


def test_at_shutdown_answers_that_take_too_long_fail_cleanly(tmp_path: Path) -> None:
    with served(tmp_path, AURICLE_SHUTDOWN_SECONDS="0.5") as (process, url):
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=question(LONG, stream=True)) as reply:
            lines = (line for line in reply.iter_lines() if line)
            next(lines)
            process.send_signal(signal.SIGTERM)
            last = list(lines)[-1]
        assert orjson.loads(last[6:])["error"]["param"] == "the server is stopping"
        assert process.wait(10) in (0, -signal.SIGTERM)


def test_at_shutdown_every_request_leaves_its_row(tmp_path: Path) -> None:
    """Who finishes in time pays, who is cut does not; both are in the ledger when the server has gone."""
    directory = open_directory(scripted_settings(accounts=True, data_dir=tmp_path))
    headers = {"api-key": directory.create_key("tests").secret}
    variables = {"AURICLE_ACCOUNTS": "true", "AURICLE_DATA_DIR": str(tmp_path), "AURICLE_SHUTDOWN_SECONDS": "3"}
    texts = {200: "[[sleep 0.1]] [[repeat 3]] go on", 503: LONG + " and on" * 100}
    with (
        served(tmp_path, **variables) as (process, url),
        ExitStack() as open_streams,
        ThreadPoolExecutor(2) as pool,
    ):
        streams = {}
        for status, text in texts.items():
            body = question(text, stream=True, thinking={"type": "disabled"})
            stream = httpx.stream("POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=60)
            streams[status] = open_streams.enter_context(stream)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        last = dict(zip(streams, pool.map(lambda reply: list(reply.iter_lines())[-2], streams.values()), strict=True))
        process.wait(20)
    assert last[200] == "data: [DONE]"
    assert orjson.loads(last[503][6:])["error"]["param"] == "the server is stopping"
    with directory.database.reading() as connection:
        rows = connection.execute(sa.select(tables.ledger)).all()
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.reservations)) == 0
    directory.close()
    found = {row.request_id: (row.status, row.cost_micros > 0) for row in rows}
    assert found == {reply.headers["x-request-id"]: (status, status == 200) for status, reply in streams.items()}


def test_a_killed_decoder_costs_its_request_at_most(tmp_path: Path) -> None:
    """Decoders are killed again and again under twenty requests: each is answered or told that its audio failed."""
    with served(tmp_path, AURICLE_LOG_LEVEL="error") as (process, url), ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(httpx.post, f"{url}/v1/chat/completions", json=dictation(), timeout=60) for _ in range(20)]
        kills = 0
        while not all(one.done() for one in asked):
            for pid in children(process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
            time.sleep(0.3)
        statuses = [one.result().status_code for one in asked]
        assert kills
        assert set(statuses) <= {200, 400, 503}
        assert httpx.post(f"{url}/v1/chat/completions", json=dictation(), timeout=60).status_code == 200


def test_a_server_killed_in_mid_stream_answers_again_after_its_restart(tmp_path: Path) -> None:
    with (
        served(tmp_path) as (process, url),
        httpx.stream("POST", f"{url}/v1/chat/completions", json=question(LONG, stream=True)) as reply,
    ):
        lines = reply.iter_lines()
        next(lines)
        process.kill()
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    with served(tmp_path) as (_, url):
        reply = httpx.post(f"{url}/v1/chat/completions", json=dictation(), timeout=60)
        assert reply.status_code == 200
