"""`auricle serve` as a process: what it says, how it starts, how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes import wait_gone

SCRIPTED = """
[engines.scripted]
kind = "scripted"
[models."mimo-v2.5"]
engine = "scripted"
[models."mimo-v2-omni"]
engine = "scripted"
[models."mimo-v2.5-asr"]
engine = "scripted"
"""


def environment(folder: Path, **variables: str) -> dict[str, str]:
    (folder / "auricle.toml").write_text(SCRIPTED)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AURICLE_")}
    return {**kept, **variables}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "auricle", "serve", *arguments]


@contextmanager
def served(folder: Path, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        command("--port", "0", *arguments),
        cwd=folder,
        env=environment(folder, **variables),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"serves (http://\S+)/v1", line):
                    yield process, found[1]
                    break
            else:
                pytest.fail(f"no greeting, exit status {process.wait()}")
        finally:
            process.kill()


def test_it_says_where_it_listens_and_answers(tmp_path: Path) -> None:
    with served(tmp_path) as (process, url):
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        assert httpx.get(f"{url}/health/ready").status_code == 200
        body = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}
        assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 200
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_keys_come_from_the_environment(tmp_path: Path) -> None:
    with served(tmp_path, AURICLE_API_KEYS="sk-a,sk-b") as (_, url):
        assert httpx.get(f"{url}/v1/models").status_code == 401
        assert httpx.get(f"{url}/v1/models", headers={"api-key": "sk-b"}).status_code == 200


def test_an_answer_that_is_being_written_is_finished_on_shutdown(tmp_path: Path) -> None:
    with served(tmp_path) as (process, url):
        text = "[[sleep 0.1]] one two three four five six seven eight"
        body = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": text}], "stream": True}
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
            lines = reply.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line][-1] == "data: [DONE]"
        process.wait(10)


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "said"),
    [
        (("--host", "0.0.0.0"), {}, 2, "AURICLE_API_KEYS"),
        ((), {"AURICLE_PORT": "http"}, 2, "port"),
        (("--port", "99999"), {}, 2, "port"),
        ((), {"AURICLE_CONFIG": "/nowhere.toml"}, 2, "/nowhere.toml"),
        (("--nonsense",), {}, 2, "nonsense"),
    ],
)
def test_wrong_use_is_told_plainly(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], status: int, said: str
) -> None:
    done = subprocess.run(
        command(*arguments),
        cwd=tmp_path,
        env=environment(tmp_path, **variables),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_plainly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("--port", port), cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_process_is_left_behind_after_kill_9(tmp_path: Path) -> None:
    with served(tmp_path) as (process, _):
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        assert children, "decoding runs in worker processes"
        process.kill()
        process.wait(5)
        wait_gone(children, 3)
