"""Workers: frames there and back, deaths on either side, and what a worker that lies can do."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.workers import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, Worker, WorkerDied
from tests.processes import alive, wait_gone

MODULE = "tests.echo_worker"
ROOT = Path(__file__).parents[1]


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    monkeypatch.chdir(ROOT)
    made = await Worker.spawn(MODULE, "one", "two")
    yield made
    made.kill()
    await made.wait()


def frame(header: bytes, payload: bytes = b"") -> bytes:
    return struct.pack("<IQ", len(header), len(payload)) + header + payload


async def test_a_frame_there_and_back(worker: Worker) -> None:
    for payload in (b"", b"x", os.urandom(100_000)):
        await worker.send({"do": "echo"}, payload)
        answer = await worker.receive()
        assert answer.header == {"size": len(payload), "arguments": ["one", "two"]}
        assert answer.payload == payload


async def test_large_payloads_are_neither_lost_nor_piled_up(worker: Worker) -> None:
    payload = os.urandom(1 << 20) * 40
    sending = asyncio.create_task(worker.send({"do": "echo"}, memoryview(payload)))
    await asyncio.sleep(0.01)
    transport = worker._stdin.transport
    assert transport.get_write_buffer_size() < 1 << 20
    answer = await worker.receive()
    await sending
    assert answer.payload == payload


async def test_a_cancelled_sender_leaves_no_half_frame(worker: Worker) -> None:
    payload = os.urandom(1 << 20) * 40
    sending = asyncio.create_task(worker.send({"do": "echo"}, payload))
    await asyncio.sleep(0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    asking = asyncio.create_task(worker.send({"do": "echo"}, b"next"))
    assert (await worker.receive()).payload == payload
    assert (await worker.receive()).payload == b"next"
    await asking


async def test_frames_of_many_senders_do_not_mix(worker: Worker) -> None:
    payloads = [bytes([n]) * (n * 10_000) for n in range(20)]
    sends = asyncio.gather(*(worker.send({"do": "echo"}, payload) for payload in payloads))
    answers = [(await worker.receive()).payload for _ in payloads]
    await sends
    assert sorted(answers) == sorted(payloads)


async def test_what_a_library_prints_breaks_no_frame(worker: Worker) -> None:
    await worker.send({"do": "print"})
    assert (await worker.receive()).header == {"done": True}


async def test_the_environment_can_be_kept_from_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AURICLE_API_KEYS", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = []
    for inherit in (True, False):
        worker = await Worker.spawn(MODULE, env={"EXTRA": "1"}, inherit_env=inherit)
        await worker.send({"do": "environment"})
        found.append((await worker.receive()).header)
        await worker.stop()
    assert found[0]["AURICLE_API_KEYS"] == "secret"
    assert "secret" not in found[1].values()
    assert found[1]["EXTRA"] == "1"
    assert found[1]["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("how", ["kill -9", "exit", "kill"])
async def test_a_worker_that_dies_is_noticed_at_once(worker: Worker, how: str) -> None:
    await worker.send({"do": "sleep", "seconds": 30} if how != "exit" else {"do": "exit", "status": 3})
    receiving = asyncio.create_task(worker.receive())
    await asyncio.sleep(0.3)
    started = time.perf_counter()
    if how == "kill -9":
        os.kill(worker.pid, signal.SIGKILL)
    elif how == "kill":
        worker.kill()
        worker.kill()
    with pytest.raises(WorkerDied):
        await receiving
    assert time.perf_counter() - started < 1
    assert await worker.wait() == (3 if how == "exit" else -signal.SIGKILL)
    assert not worker.alive
    with pytest.raises(WorkerDied):
        for _ in range(100):  # the first writes may still go into the pipe
            await worker.send({"do": "echo"}, bytes(100_000))


async def test_stopping_ends_an_idle_worker_by_itself_and_a_busy_one_by_force(worker: Worker) -> None:
    busy = await Worker.spawn(MODULE)
    await busy.send({"do": "sleep", "seconds": 30})
    await worker.send({"do": "echo"})
    await worker.receive()
    await worker.stop()
    assert await worker.wait() == 0
    started = time.perf_counter()
    await busy.stop(grace_seconds=0.3)
    assert await busy.wait() == -signal.SIGKILL
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"x" * 100,
        frame(b"not json"),
        frame(b"[1, 2]"),
        frame(b"null"),
        frame(b"\xff\xfe"),
        struct.pack("<IQ", MAX_HEADER_BYTES + 1, 0),
        struct.pack("<IQ", 2, MAX_PAYLOAD_BYTES + 1) + b"{}",
        struct.pack("<IQ", 2, 1 << 63) + b"{}",
    ],
)
async def test_garbage_from_a_worker_is_its_end(worker: Worker, garbage: bytes) -> None:
    await worker.send({"do": "raw"}, garbage)
    with pytest.raises(WorkerDied):
        await asyncio.wait_for(worker.receive(), 10)


async def test_half_a_frame_is_no_frame(worker: Worker) -> None:
    await worker.send({"do": "raw"}, frame(b'{"a": 1}', b"payload")[:-3])
    await worker.send({"do": "exit", "status": 0})
    with pytest.raises(WorkerDied):
        await worker.receive()


async def test_a_payload_may_be_bounded(worker: Worker) -> None:
    await worker.send({"do": "payload", "bytes": 1000})
    assert len((await worker.receive(max_payload_bytes=1000)).payload) == 1000
    await worker.send({"do": "payload", "bytes": 1001})
    with pytest.raises(WorkerDied, match="1001 bytes"):
        await worker.receive(max_payload_bytes=1000)


async def test_a_header_may_be_bounded(worker: Worker) -> None:
    await worker.send({"do": "raw"}, frame(orjson.dumps({"a": "x" * 1000})))
    with pytest.raises(WorkerDied):
        await worker.receive(max_header_bytes=100)


async def test_a_module_that_is_not_there_is_a_dead_worker() -> None:
    worker = await Worker.spawn("auricle.no_such_module")
    with pytest.raises(WorkerDied):
        await worker.receive()
    await worker.wait()


PARENT = """
import asyncio, sys
from auricle.workers import Worker

async def main():
    idle = await Worker.spawn("tests.echo_worker")
    busy = await Worker.spawn("tests.echo_worker")
    stuck = await Worker.spawn("tests.echo_worker")
    for worker in (idle, busy, stuck):
        await worker.send({"do": "echo"})
        await worker.receive()
    await busy.send({"do": "sleep", "seconds": 60})
    await stuck.send({"do": "hold" if sys.platform == "linux" else "sleep", "seconds": 60})
    new = await Worker.spawn("tests.echo_worker")
    print(idle.pid, busy.pid, stuck.pid, new.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there, only idle workers notice")
def test_workers_end_within_a_second_of_their_parent_however_it_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(alive, pids))
        parent.kill()
    wait_gone(pids, 1)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_from_a_worker_are_a_message_or_its_end(data: bytes) -> None:
    class Process:
        stdin = object()
        returncode = None
        pid = 1

        def __init__(self) -> None:
            self.stdout = asyncio.StreamReader()
            self.stdout.feed_data(data)
            self.stdout.feed_eof()

    async def read() -> None:
        worker = Worker(Process())  # type: ignore[arg-type]
        try:
            while True:
                assert isinstance((await worker.receive()).header, dict)
        except WorkerDied:
            pass

    asyncio.run(read())
