"""What one large body costs: memory of the whole server, and how long its event loop was blocked.

    python -m bench.bodies [--megabytes 50] [--format wav|mp3] [--rounds 3]

A request with base64 of that size goes to Auricle and to a plain FastAPI + pydantic app (bench/beating.py), each in a
process of its own, in turns. Memory is the highest PSS of the server and its children above what it was at rest, as a
multiple of the body (Linux). Auricle has to stay at or under 3 and 50 ms; fails if it does not.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from bench.server import Server, children, started

EXAMPLE = Path(__file__).parent.parent / "examples" / "ask-not.mp3"
POLL_SECONDS = 0.01
MOST_BODIES = 3.0
MOST_BLOCKED_SECONDS = 0.05
RATE, CHANNELS = 44_100, 2


def wav(size_bytes: int) -> bytes:
    """Noise, 16 bits, stereo."""
    pcm = np.random.default_rng(1).integers(-3000, 3000, size_bytes // 2, dtype=np.int16).tobytes()
    block = CHANNELS * 2
    form = struct.pack("<HHIIHH", 1, CHANNELS, RATE, RATE * block, block, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(pcm))
    return b"RIFF" + struct.pack("<I", len(head) + len(pcm)) + head + pcm


def mp3(size_bytes: int) -> bytes:
    """The example again and again: frames follow one another."""
    frames = EXAMPLE.read_bytes()
    tags = 10 + int.from_bytes(frames[6:10], "big") if frames[:3] == b"ID3" else 0
    start = frames.index(b"\xff", tags)
    return frames[start:] * (size_bytes // (len(frames) - start))


@contextmanager
def running(factory: str) -> Iterator[Server]:
    """The app of bench/beating.py that is called so."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AURICLE_")}
    command = [sys.executable, "-m", "uvicorn", "--log-level", "warning", "--factory", f"bench.beating:{factory}"]
    with started(command, kept, "/health") as server:
        yield server


def memory_bytes(pid: int) -> int:
    """Proportional memory of a process and its descendants."""
    total = 0
    for one in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


@dataclass
class Cost:
    peak_bytes: int
    blocked_seconds: float
    seconds: float


def measure(url: str, pid: int, body: bytes) -> Cost:
    with httpx.Client(base_url=url, timeout=600) as client:
        client.get("/beats")
        time.sleep(0.5)
        client.get("/beats")
        rest = peak = memory_bytes(pid)
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.is_set():
                peak = max(peak, memory_bytes(pid))
                time.sleep(POLL_SECONDS)

        watching = threading.Thread(target=watch)
        watching.start()
        begun = time.perf_counter()
        reply = client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
        seconds = time.perf_counter() - begun
        done.set()
        watching.join()
        reply.raise_for_status()
        return Cost(peak - rest, float(client.get("/beats").text), seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--format", choices=("wav", "mp3"), default="wav")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    size_bytes = int(given.megabytes * 1e6 * 3 / 4)
    audio = (wav if given.format == "wav" else mp3)(size_bytes)
    data = b"data:audio/" + given.format.encode() + b";base64," + base64.b64encode(audio)
    part = b'{"type":"input_audio","input_audio":{"data":"' + data + b'"}}'
    body = b'{"model":"mimo-v2.5-asr","messages":[{"role":"user","content":[' + part + b"]}]}"
    del audio, data, part
    worst: dict[str, Cost] = {}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(name)) for name in ("auricle", "plain")}
        for _ in range(given.rounds):
            for name, server in servers.items():
                cost = measure(server.url, server.pid, body)
                old = worst.get(name, cost)
                worst[name] = Cost(
                    max(cost.peak_bytes, old.peak_bytes),
                    max(cost.blocked_seconds, old.blocked_seconds),
                    max(cost.seconds, old.seconds),
                )
    print(f"one body of {len(body) / 1e6:.1f} MB ({given.format}), the worst of {given.rounds} rounds")
    print(f"{'':10}{'memory / body':>16}{'loop blocked':>16}{'time':>10}")
    for name, cost in worst.items():
        blocked = f"{cost.blocked_seconds * 1000:.0f} ms"
        print(f"{name:10}{cost.peak_bytes / len(body):>16.2f}{blocked:>16}{cost.seconds:>8.1f} s")
    ours = worst["auricle"]
    return int(ours.peak_bytes > MOST_BODIES * len(body) or ours.blocked_seconds > MOST_BLOCKED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
