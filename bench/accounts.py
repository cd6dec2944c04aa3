"""What accounts cost: the same requests to a server without and to one with accounts (SQLite), alternately.

    python -m bench.accounts [--requests 1000] [--at-once 1]

Both servers run the scripted engine in processes of their own, with API keys and without rate limits, so that the
difference is the key's look-up, the reservation and the ledger row. Prints the median time of a request on each, and
their ratio, which has to stay at or under 1.25.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from auricle.accounts.directory import open_directory
from auricle.config import load_settings

SCRIPTED = '[engines.scripted]\nkind = "scripted"\n' + "".join(
    f'[models."{name}"]\nengine = "scripted"\n' for name in ("mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr")
)
WARM_UP = 50  # requests
MOST_RATIO = 1.25


@contextmanager
def server(folder: Path, config: str = SCRIPTED, **variables: str) -> Iterator[str]:
    """A server as users run it; its URL."""
    (folder / "auricle.toml").write_text(config)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AURICLE_")}
    environment = {**kept, "AURICLE_RATE_LIMITS": "off", "AURICLE_LOG_LEVEL": "warning", **variables}
    command = [sys.executable, "-m", "auricle", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr or ():
                if found := re.search(r"serves (http://\S+)/v1", line):
                    yield found[1]
                    return
            raise RuntimeError("the server did not start")
        finally:
            process.kill()


def body(stream: bool) -> dict[str, Any]:
    return {
        "model": "mimo-v2.5",
        "messages": [{"role": "user", "content": "please say a few words about nothing in particular"}],
        "stream": stream,
    }


def timed(client: httpx.Client, stream: bool) -> float:
    started = time.perf_counter()
    client.post("/v1/chat/completions", json=body(stream)).raise_for_status()
    return time.perf_counter() - started


def measure(clients: list[httpx.Client], requests: int, at_once: int, stream: bool) -> list[float]:
    """Median seconds of a request on each server; the servers take turns."""
    times: list[list[float]] = [[] for _ in clients]
    with ThreadPoolExecutor(at_once) as pool:
        for number in range((WARM_UP + requests) // at_once):
            for client, kept in zip(clients, times, strict=True):
                taken = list(pool.map(lambda _, client=client: timed(client, stream), range(at_once)))
                if number * at_once >= WARM_UP:
                    kept += taken
    return [statistics.median(kept) for kept in times]


def run(requests: int, at_once: int) -> dict[str, tuple[float, float]]:
    """Median seconds without and with accounts, of plain and of streamed requests."""
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        settings = load_settings(api_keys=(), accounts=True, data_dir=folders[1])
        directory = open_directory(settings)
        key = directory.create_key("bench").secret
        directory.close()
        urls = [
            stack.enter_context(server(folders[0], AURICLE_API_KEYS="sk-bench")),
            stack.enter_context(server(folders[1], AURICLE_ACCOUNTS="true", AURICLE_DATA_DIR=str(folders[1]))),
        ]
        clients = [
            stack.enter_context(httpx.Client(base_url=url, headers={"api-key": secret}, timeout=60))
            for url, secret in zip(urls, ("sk-bench", key), strict=True)
        ]
        results = {}
        for name, stream in (("plain", False), ("streamed", True)):
            without, with_accounts = measure(clients, requests, at_once, stream)
            results[name] = (without, with_accounts)
        return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=1)
    arguments = parser.parse_args()
    for name, (without, with_accounts) in run(arguments.requests, arguments.at_once).items():
        print(
            f"{name:8}  without {without * 1000:.2f} ms  with {with_accounts * 1000:.2f} ms  "
            f"ratio {with_accounts / without:.3f} (at most {MOST_RATIO})"
        )


if __name__ == "__main__":
    main()
