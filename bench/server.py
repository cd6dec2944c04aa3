"""A server to measure: started as users start it, spoken to over HTTP like any client."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """One that is running."""

    url: str
    pid: int

    def body(self, wav: bytes, *, language: str | None = None, stream: bool = False) -> dict[str, Any]:
        """A chat completion that asks for a transcript."""
        data = "data:audio/wav;base64," + base64.b64encode(wav).decode()
        content = [{"type": "input_audio", "input_audio": {"data": data}}]
        body: dict[str, Any] = {"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": content}]}
        if language:
            body["asr_options"] = {"language": language}
        return {**body, "stream": stream}

    def transcribe(self, client: httpx.Client, body: dict[str, Any]) -> str:
        answer = client.post(f"{self.url}/v1/chat/completions", json=body, timeout=3600)
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    def first_text(self, client: httpx.Client, body: dict[str, Any]) -> float:
        """Seconds until the first text of a streamed answer."""
        begun = time.perf_counter()
        with client.stream(
            "POST", f"{self.url}/v1/chat/completions", json={**body, "stream": True}, timeout=3600
        ) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    return time.perf_counter() - begun
        return time.perf_counter() - begun

    def memory_bytes(self) -> int:
        """Resident memory of the server and its children (Linux)."""
        total = 0
        for pid in (self.pid, *children(self.pid)):
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return total


def children(pid: int) -> list[int]:
    """Process ids of all descendants (Linux)."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text().split()):
                found += [child, *children(child)]
    return found


@contextlib.contextmanager
def serve(weights: Path, **settings: Any) -> Iterator[Server]:
    """A server with the recogniser in `weights` alone; `settings` are those of the engine."""
    off = {"task": "understand", "enabled": False}
    given = {
        "AURICLE_ENGINES": json.dumps({"embedded": {"recognizer": str(weights), **settings}}),
        "AURICLE_MODELS": json.dumps({"mimo-v2.5": off, "mimo-v2-omni": off}),
    }
    with running(**given) as server:
        yield server


@contextlib.contextmanager
def running(**variables: str) -> Iterator[Server]:
    """A server that is configured by the environment and `variables`, once all of it is ready."""
    given = {**os.environ, "AURICLE_LOG_LEVEL": "warning", "AURICLE_RATE_LIMITS": "off", **variables}
    with started([sys.executable, "-m", "auricle", "serve"], given, "/health/ready") as server:
        yield server


@contextlib.contextmanager
def started(command: list[str], environment: Mapping[str, str], path: str) -> Iterator[Server]:
    """What `command` serves on the port that it is given last, once `path` is answered with 200."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*command, "--port", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}{path}").status_code == 200:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            time.sleep(0.2)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
