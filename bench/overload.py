"""Ten times more load than a server can take: who is answered is answered in time, the rest is refused at once.

    python -m bench.overload [--weights FOLDER] [--seconds 60] [--times 10] [--queue-seconds 2]

A server of its own runs the scripted engine with four slots, or with `--weights` the embedded recogniser on them. First
one request after another tells the unloaded time, then a few clients side by side the capacity; then requests come at
`--times` the capacity, whatever becomes of the ones before. Every request brings an audio that was not heard before.

Fails unless the answered ones keep p99 within twice the unloaded p99 plus the queue's bound, all others got 429 or 503
with Retry-After, within a second at p99, and none was left without an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import statistics
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.server import running

CLIP = Path(__file__).parent.parent / "examples" / "ask-not.wav"
SLOTS = 4
CLIENT_SECONDS = 120.0  # until a client gives up
REFUSED_SECONDS = 1.0  # p99 of a refusal
UNLOADED_REQUESTS = 40
CAPACITY_SECONDS = 10.0


@dataclass(frozen=True)
class Reply:
    """One request's fate; status 0: none."""

    status: int
    seconds: float
    retry_after: int | None


def variables(weights: Path | None, queue_seconds: float) -> dict[str, str]:
    """What configures the server."""
    engine: dict[str, Any] = {"recognizer": str(weights)} if weights else {"kind": "scripted", "parallel": SLOTS}
    models: dict[str, Any] = {"mimo-v2-omni": {"enabled": False}, "mimo-v2.5": {"enabled": weights is None}}
    return {
        "AURICLE_ENGINES": json.dumps({"embedded": engine}),
        "AURICLE_MODELS": json.dumps(models),
        "AURICLE_LOG_LEVEL": "error",
        "AURICLE_QUEUE_SECONDS": str(queue_seconds),
    }


class Bodies:
    """Requests with audio that differs from all others in a few samples nobody hears."""

    def __init__(self, recognize: bool) -> None:
        with wave.open(str(CLIP)) as file:
            self._pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            self._rate, self._channels = file.getframerate(), file.getnchannels()
        self._recognize = recognize
        self._numbers = itertools.count(1)

    def next(self) -> bytes:
        pcm = self._pcm.copy()
        number = next(self._numbers)
        for bit in range(24):
            pcm[100 * bit] ^= number >> bit & 1
        head = CLIP.read_bytes()[: CLIP.stat().st_size - pcm.nbytes]
        data = base64.b64encode(head + pcm.tobytes()).decode()
        content: list[dict[str, Any]] = [{"type": "input_audio", "input_audio": {"data": data}}]
        if not self._recognize:
            content.append({"type": "text", "text": "[[sleep 0.02]] how long is it"})
        model = "mimo-v2.5-asr" if self._recognize else "mimo-v2.5"
        return json.dumps({"model": model, "messages": [{"role": "user", "content": content}]}).encode()


async def ask(port: int, body: bytes) -> Reply:
    """One request on a connection of its own, by hand: a client library would cost more than the server."""
    begun = time.perf_counter()
    writer = None
    try:
        async with asyncio.timeout(CLIENT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if line)
            await reader.readexactly(int(headers["content-length"]))
            hint = headers.get("retry-after")
            return Reply(int(lines[0].split()[1]), time.perf_counter() - begun, int(hint) if hint else None)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return Reply(0, time.perf_counter() - begun, None)
    finally:
        if writer is not None:
            writer.close()


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]


async def measure(port: int, bodies: Bodies, seconds: float, times: float) -> tuple[list[float], float, list[Reply]]:
    """Times of unloaded requests, capacity in requests a second, and what became of the load."""
    await ask(port, bodies.next())
    unloaded = [(await ask(port, bodies.next())).seconds for _ in range(UNLOADED_REQUESTS)]

    async def client(until: float) -> int:
        answered = 0
        while time.perf_counter() < until:
            answered += (await ask(port, bodies.next())).status == 200
        return answered

    begun = time.perf_counter()
    answered = sum(await asyncio.gather(*(client(begun + CAPACITY_SECONDS) for _ in range(SLOTS))))
    capacity = answered / (time.perf_counter() - begun)
    tasks: list[asyncio.Task[Reply]] = []
    begun = time.perf_counter()
    for number in range(int(seconds * times * capacity)):
        await asyncio.sleep(begun + number / (times * capacity) - time.perf_counter())
        tasks.append(asyncio.create_task(ask(port, bodies.next())))
    return unloaded, capacity, list(await asyncio.gather(*tasks))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--queue-seconds", type=float, default=2)
    given = parser.parse_args()
    with running(**variables(given.weights, given.queue_seconds)) as server:
        bodies = Bodies(recognize=given.weights is not None)
        measured = asyncio.run(measure(int(server.url.rpartition(":")[2]), bodies, given.seconds, given.times))
    unloaded, capacity, replies = measured
    answered = [reply.seconds for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status in (429, 503)]
    others = len(replies) - len(answered) - len(refused)
    bound = 2 * p99(unloaded) + given.queue_seconds
    hints = [reply.retry_after for reply in refused]
    print(
        f"unloaded p50 {statistics.median(unloaded):.2f} s, p99 {p99(unloaded):.2f} s; {capacity:.1f} requests a second"
    )
    print(f"{len(replies)} requests at {given.times:g} times that: {len(answered)} answered, {len(refused)} refused")
    print(f"answered: p50 {statistics.median(answered):.2f} s, p99 {p99(answered):.2f} s, bound {bound:.2f} s")
    if refused:
        times = [reply.seconds for reply in refused]
        said = sorted(set(hints), key=str)
        print(f"refused:  p50 {statistics.median(times):.3f} s, p99 {p99(times):.3f} s; Retry-After {said}")
    print(f"neither:  {others}")
    late = p99([reply.seconds for reply in refused]) > REFUSED_SECONDS if refused else False
    return int(bool(others or late or None in hints or p99(answered) > bound))


if __name__ == "__main__":
    sys.exit(main())
