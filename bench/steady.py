"""Thousands of streams, a third of which is hung up on: nothing may be left of them.

    python -m bench.steady [--requests 10000] [--clients 200]

A server with the scripted engine answers streamed questions about an audio, `--clients` at a time; every third client
hangs up in the middle. Fails if a second after the last one any request is still in progress, if there are more tasks,
open files or spool files than before, or if memory (PSS of the server and its children) has grown by more than 3 %
between the first fifth of the requests, after which caches and pools are warm, and the last.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.bodies import memory_bytes, running

CLIP = Path(__file__).parent.parent / "examples" / "ask-not.wav"
QUIET_SECONDS = 1.0
MOST_GROWTH = 0.03
CLIENT_SECONDS = 60.0


def question() -> bytes:
    data = base64.b64encode(CLIP.read_bytes()).decode()
    content = [
        {"type": "input_audio", "input_audio": {"data": data}},
        {"type": "text", "text": "[[sleep 0.01]] [[repeat 4]] what is said"},
    ]
    body = {"model": "mimo-v2.5", "stream": True, "messages": [{"role": "user", "content": content}]}
    return json.dumps(body).encode()


async def stream(port: int, body: bytes, *, hang_up: bool) -> bool:
    """One streamed request on a connection of its own; whether it went as it should."""
    async with asyncio.timeout(CLIENT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            if not (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200"):
                return False
            if hang_up:
                await reader.readuntil(b"data: ")
                return True
            return b"data: [DONE]" in await reader.read()
        finally:
            writer.transport.abort()


async def storm(port: int, requests: int, clients: int) -> int:
    """Send `requests`, `clients` at a time, hanging up on every third; how many went wrong."""
    body = question()
    numbers = iter(range(requests))

    async def client() -> int:
        wrong = 0
        for number in numbers:
            wrong += not await stream(port, body, hang_up=number % 3 == 2)
        return wrong

    return sum(await asyncio.gather(*(client() for _ in range(clients))))


@dataclass(frozen=True)
class State:
    """What a server holds."""

    tasks: int
    files: int
    in_progress: int
    memory_bytes: int


def state(url: str, pid: int) -> State:
    with httpx.Client(base_url=url) as client:
        metrics = client.get("/metrics").text
        in_progress = re.search(r"^auricle_in_progress (\S+)", metrics, re.MULTILINE)
        tasks = int(client.get("/tasks").text)
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return State(tasks, files, int(float(in_progress[1])) if in_progress else -1, memory_bytes(pid))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=200)
    given = parser.parse_args()
    wrong = 0
    states: list[State] = []
    with running("auricle") as server:
        url, pid = server.url, server.pid
        port = int(url.rpartition(":")[2])
        fresh = state(url, pid)
        begun = time.perf_counter()
        for _ in range(5):
            wrong += asyncio.run(storm(port, given.requests // 5, given.clients))
            time.sleep(QUIET_SECONDS)
            states.append(state(url, pid))
            print(f"{len(states) * given.requests // 5:7} requests: {states[-1]}")
        seconds = time.perf_counter() - begun
    first, last = states[0], states[-1]
    growth = last.memory_bytes / first.memory_bytes - 1
    print(f"{given.requests / seconds:.0f} requests a second, {wrong} went wrong; memory {growth:+.1%}")
    left = [s for s in states if s.in_progress or s.tasks > fresh.tasks + 1 or s.files > fresh.files + 1]
    return int(bool(wrong or left or growth > MOST_GROWTH))


if __name__ == "__main__":
    sys.exit(main())
