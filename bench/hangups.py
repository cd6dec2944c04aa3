"""Streaming clients of real models, a third of which hang up: a second later nothing works for them any more.

    python -m bench.hangups --weights FOLDER --language-model FILE [--clients 200]

Clients ask at the same time, for transcripts and for answers. Two thirds stay to the end. The others want what takes
minutes; most of them hang up in mid-stream, and the last ones, some of which still wait for their first word, when the
last stayer has its answer. Fails if anybody who stayed went without, or if a second after the last hang-up a request
is in progress or the server and its children use more than a tenth of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

from bench.bodies import mp3
from bench.overload import Bodies
from bench.server import Server, children, running

LONG_BYTES = 1_500_000  # of MP3: some minutes
QUIET_SECONDS = 1.0
WATCHED_SECONDS = 2.0
MOST_CORES = 0.1
CLIENT_SECONDS = 1800.0
SLOTS = 8  # of the language model: more than those that stay until the end
EVENTS = 4  # after which most hang up
LAST = 16  # every so manieth of them stays until the end


def question(text: str, max_tokens: int) -> bytes:
    messages = [{"role": "user", "content": text}]
    body = {"model": "mimo-v2.5", "messages": messages, "max_tokens": max_tokens, "thinking": {"type": "disabled"}}
    return json.dumps({**body, "stream": True}).encode()


def dictation(audio: bytes) -> bytes:
    content = [{"type": "input_audio", "input_audio": {"data": base64.b64encode(audio).decode()}}]
    body = {"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": content}], "stream": True}
    return json.dumps(body).encode()


def bodies(clients: int) -> tuple[list[bytes], list[bytes]]:
    """What the stayers ask and what the others ask; half of each for transcripts."""
    clips = Bodies(recognize=True)
    stay = [clips.next().replace(b'"model"', b'"stream": true, "model"', 1) for _ in range(clients // 3)]
    stay += [question(f"What is {number} and one?", 8) for number in range(clients - 2 * (clients // 3))]
    leave = [dictation(mp3(LONG_BYTES + 40_000 * number)) for number in range(clients // 6)]
    leave += [
        question(f"Tell a very long story of {number} whales.", 3000) for number in range(clients - len(stay + leave))
    ]
    return stay, leave


async def stream(port: int, body: bytes, leave: asyncio.Event | None = None, events: int = 0) -> str:
    """How a stream ended. It is hung up on after so many `events`, if any are given, or when it is time to `leave`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seen = 0

    async def read() -> bytes:
        nonlocal seen
        line = b""
        while not reader.at_eof() and not line.startswith(b"data: [DONE]") and (not events or seen < events):
            text = await reader.readline()
            line = text if text.startswith((b"data: ", b"{")) else line
            seen += text.startswith(b"data: {")
        return line

    try:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        reading = asyncio.create_task(read())
        leaving = asyncio.create_task((leave or asyncio.Event()).wait())
        await asyncio.wait({reading, leaving}, timeout=CLIENT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        over = reading.done() and (reading.result().startswith(b"data: [DONE]") or reader.at_eof())
        reading.cancel()
        leaving.cancel()
        if over:
            return "answered" if seen and b"[DONE]" in reading.result() else f"failed {reading.result()[:300]!r}"
        return "failed" if leave is None else f"hung up {'in mid-stream' if seen > 1 else 'while it waited'}"
    finally:
        writer.transport.abort()


async def storm(port: int, clients: int) -> Counter[str]:
    """How the streams ended; all have ended or are hung up on when it returns."""
    stay, leave = bodies(clients)
    for body in (stay[0], stay[-1]):  # so that the server knows how fast it is, and lets so many wait
        await stream(port, body)
    gone = asyncio.Event()
    leaving = [
        asyncio.create_task(stream(port, body, gone, 0 if number % LAST == 0 else EVENTS))
        for number, body in enumerate(leave)
    ]
    ended = Counter(await asyncio.gather(*(stream(port, body) for body in stay)))
    gone.set()
    return ended + Counter(await asyncio.gather(*leaving))


def cpu_seconds(server: Server) -> Counter[str]:
    """Processor time that the server and its children have used, by what they are."""
    used: Counter[str] = Counter()
    for pid in (server.pid, *children(server.pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            name = next((word.rpartition(".")[2] for word in words if word.endswith("_worker")), "server")
            used[name] += int(fields[11]) + int(fields[12])
    return Counter({name: ticks / os.sysconf("SC_CLK_TCK") for name, ticks in used.items()})


def in_progress(server: Server) -> int:
    found = re.search(r"^auricle_in_progress (\S+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE)
    return int(float(found[1])) if found else -1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--language-model", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=200)
    given = parser.parse_args()
    engine = {"recognizer": str(given.weights), "language_model": str(given.language_model), "parallel": SLOTS}
    variables = {
        "AURICLE_ENGINES": json.dumps({"embedded": engine}),
        "AURICLE_LOG_LEVEL": "error",
        "AURICLE_QUEUE_SECONDS": "36000",
        "AURICLE_MAX_QUEUED_REQUESTS": str(given.clients),
    }
    with running(**variables) as server:
        begun = time.perf_counter()
        ended = asyncio.run(storm(int(server.url.rpartition(":")[2]), given.clients))
        seconds = time.perf_counter() - begun
        time.sleep(QUIET_SECONDS)
        left = in_progress(server)
        used = cpu_seconds(server)
        time.sleep(WATCHED_SECONDS)
        busy = {name: (after - used[name]) / WATCHED_SECONDS for name, after in cpu_seconds(server).items()}
    print(f"{given.clients} clients in {seconds:.0f} s: " + ", ".join(f"{n} {how}" for how, n in sorted(ended.items())))
    cores = ", ".join(f"{name} {share:.2f}" for name, share in busy.items())
    print(f"{QUIET_SECONDS:g} s after the last one hung up: {left} requests in progress; cores busy: {cores}")
    failed = any(how.startswith("failed") for how in ended)
    return int(bool(left or sum(busy.values()) > MOST_CORES or failed or not ended["hung up in mid-stream"]))


if __name__ == "__main__":
    sys.exit(main())
