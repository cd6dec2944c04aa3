"""Mutated audio files of every format, sent to a server as strangers would send them.

    python -m tests.fuzz.decoder [--files 20000] [--seed 1] [--keep build/fuzz]

The server runs as users run it, with all formats allowed. Every file has to be answered within the deadline with 200
or 400; the server must answer still when all is over. Files that do something else are kept, to become cases of
the tests of what they broke, and make the run fail. The same seed makes the same files.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson

from auricle.config import EXTRA_FORMATS
from tests.cli.test_serve import served
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import audio

AT_ONCE = 6
DECODE_SECONDS = 10.0
DEADLINE_SECONDS = DECODE_SECONDS + 20  # AT_ONCE wait for two decoders on a busy machine
ANSWERS = {200, 400}
TELL_SECONDS = 15.0
SETTINGS = {
    "AURICLE_LOG_LEVEL": "error",
    "AURICLE_EXTRA_FORMATS": ",".join(EXTRA_FORMATS),
    "AURICLE_ALLOW_VIDEO": "true",
    "AURICLE_DECODE_TIMEOUT_SECONDS": str(DECODE_SECONDS),
    "AURICLE_ENGINES__SCRIPTED__CONTEXT_LENGTH": "1000000000",
}


def files(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    seeds = audio()
    names, contents = list(seeds), list(seeds.values())
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        name = names[number % len(names)]
        yield f"{name}-{number}", mutated(seeds[name], dice, contents)


async def post(port: int, data: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer; status 0: the connection ended without one."""
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode()}}
    body = orjson.dumps({"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": [part]}]})
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}"
            writer.write(f"{head}\r\n\r\n".encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
        return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]
    except (OSError, IndexError, ValueError):
        return 0, b""


async def fuzz(port: int, given: argparse.Namespace) -> int:
    statuses: Counter[int] = Counter()
    slowest = 0.0
    findings = 0
    sources = files(given.files, given.seed)
    started = told = time.monotonic()

    async def client() -> None:
        nonlocal slowest, findings, told
        for name, data in sources:
            begun = time.monotonic()
            try:
                status, answer = await asyncio.wait_for(post(port, data), DEADLINE_SECONDS)
            except TimeoutError:
                status, answer = -1, b"no answer in time"
            slowest = max(slowest, time.monotonic() - begun)
            statuses[status] += 1
            if status not in ANSWERS or b"broke the decoder" in answer or b"was not decoded within" in answer:
                findings += 1
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{name}-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
                print(f"{name}: status {status}: {answer[:200].decode(errors='replace')}", flush=True)
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                print(f"{statuses.total():7,} of {given.files:,} files, {findings} findings", flush=True)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    alive = (await post(port, audio()["wav-16"]))[0] == 200
    print(
        f"seed {given.seed}: {statuses.total():,} files in {time.monotonic() - started:.0f} s, "
        f"statuses {dict(statuses)}, slowest {slowest:.1f} s, {findings} findings"
    )
    print("the server lives" if alive else "the server does not answer any more", flush=True)
    return int(not alive or any(status not in ANSWERS for status in statuses) or findings > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), **SETTINGS) as (_, url):
        return asyncio.run(fuzz(int(url.rpartition(":")[2]), given))


if __name__ == "__main__":
    sys.exit(main())
