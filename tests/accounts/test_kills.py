"""Servers killed with -9 under load: every answered request has its row exactly once, and the sums stay equal.

AURICLE_TEST_KILLS says how many times each database's server is killed; `make test-ledger` says 200.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from auricle.accounts.directory import Directory
from auricle.accounts.prices import Price, Reading
from auricle.accounts.rows import SERVER_DIED
from auricle.store import tables

KILLS = int(os.environ.get("AURICLE_TEST_KILLS", "4"))
CLIENTS = 6
URL = "/v1/chat/completions"


@dataclass
class Seen:
    """What the clients were told."""

    answered: dict[str, dict[str, Any]] = field(default_factory=dict)  # request id -> usage
    failed: set[str] = field(default_factory=set)  # admitted, but ended with an error or by hanging up
    refused: set[str] = field(default_factory=set)  # bad input
    kinds: Counter[str] = field(default_factory=Counter)


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "mimo-v2.5", "messages": [{"role": "user", "content": text}], **more}


def plain(client: httpx.Client, seen: Seen) -> None:
    reply = client.post(URL, json=body("one two three"))
    if reply.status_code == 200:
        answer = reply.json()
        seen.answered[answer["id"]] = answer["usage"]


def streamed(client: httpx.Client, seen: Seen) -> None:
    with client.stream(
        "POST", URL, json=body("[[sleep 0.005]] " + "word " * random.randint(1, 20), stream=True)
    ) as reply:
        for line in reply.iter_lines():
            chunk = json.loads(line[6:]) if line.startswith("data: {") else {}
            if "usage" in chunk:
                # The whole answer has been seen, whether or not [DONE] still comes.
                seen.answered[chunk["id"]] = chunk["usage"]


def hung_up(client: httpx.Client, seen: Seen) -> None:
    with client.stream("POST", URL, json=body("[[sleep 0.01]] " + "word " * 50, stream=True)) as reply:
        lines = (line for line in reply.iter_lines() if line)
        for _ in range(random.randint(1, 8)):
            chunk = json.loads(next(lines)[6:])
        seen.failed.add(chunk["id"])


def failing(client: httpx.Client, seen: Seen) -> None:
    reply = client.post(URL, json=body("[[fail 2]] words"))
    if reply.status_code == 503:
        seen.failed.add(reply.headers["x-request-id"])


def wrong(client: httpx.Client, seen: Seen) -> None:
    reply = client.post(URL, json=body("x", temperature=9))
    if reply.status_code == 400:
        seen.refused.add(reply.headers["x-request-id"])


KINDS: list[Callable[[httpx.Client, Seen], None]] = [plain, plain, streamed, streamed, hung_up, failing, wrong]


def load(port: int, key: str, seen: Seen, dead: threading.Event) -> None:
    """One client: asks until its server is dead."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"api-key": key}, timeout=20) as client:
        while not dead.is_set():
            kind = random.choice(KINDS)
            try:
                kind(client, seen)
                seen.kinds[kind.__name__] += 1
            except (httpx.TransportError, StopIteration):
                continue  # killed in the middle of it


def check(directory: Directory, key_id: str, seen: Seen, price: Price, credited: int) -> None:
    """What the database has, against what the clients were told."""
    with directory.database.reading() as connection:
        rows = connection.execute(sa.select(tables.ledger)).all()
        account = connection.execute(sa.select(tables.accounts)).one()
        days = connection.scalar(sa.select(sa.func.sum(tables.key_days.c.charged_micros))) or 0
    by_id = Counter(row.request_id for row in rows)
    assert not [request_id for request_id, count in by_id.items() if count > 1]
    found = {row.request_id: row for row in rows}
    missing = seen.answered.keys() - found.keys()
    assert not missing, f"{len(missing)} answered requests have no row"
    for request_id, usage in seen.answered.items():
        row = found[request_id]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        reading = Reading(usage["prompt_tokens"], cached, usage["completion_tokens"])
        assert (row.status, row.key_id, row.cost_micros) == (200, key_id, price.cost(reading))
    assert not seen.refused & found.keys()
    for row in rows:
        assert row.status in (200, 499, 503, SERVER_DIED)
        assert row.cost_micros == 0 or row.status in (200, 499)
    assert account.charged_micros == sum(row.cost_micros for row in rows) == days
    assert account.credited_micros == credited


@pytest.mark.timeout(60 + 30 * KILLS)
def test_no_kill_loses_or_doubles_a_row(directory: Directory, place: dict[str, Any]) -> None:
    made = directory.create_key("load")
    price = directory.prices("mimo-v2.5")[0].price
    given: dict[str, Any] = {name: value if isinstance(value, bool) else str(value) for name, value in place.items()}
    given |= {"rate_limits": "off", "log_level": "error", "decode_workers": 1}
    command = [sys.executable, "-m", "tests.accounts.killed", json.dumps(given)]
    seen, credited = Seen(), 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        for _ in range(KILLS):
            servers.stdin.write("\n")
            servers.stdin.flush()
            started = json.loads(servers.stdout.readline())
            dead = threading.Event()
            clients = [
                threading.Thread(target=load, args=(started["port"], made.secret, seen, dead)) for _ in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            kill_at = time.monotonic() + random.uniform(0.05, 0.8)
            while time.monotonic() < kill_at:
                # Somebody else writes as well: the ledger meets a busy database.
                directory.top_up("default", 1)
                credited += 1
                time.sleep(0.02)
            os.kill(started["pid"], signal.SIGKILL)
            dead.set()
            for client in clients:
                client.join(30)
            check(directory, made.key.id, seen, price, credited)
        # The next start gives the requests of the last server their rows.
        servers.stdin.write("\n")
        servers.stdin.flush()
        started = json.loads(servers.stdout.readline())
        check(directory, made.key.id, seen, price, credited)
        with directory.database.reading() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.reservations)) == 0
        os.kill(started["pid"], signal.SIGKILL)
        servers.stdin.close()
    print(f"{KILLS} kills, {len(seen.answered)} answered, by kind: {dict(seen.kinds)}")
    assert len(seen.answered) >= KILLS
