"""Other people's programs, run as their users run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from auricle.config import Settings
from tests.serving import Server, scripted_settings, serving, serving_files

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE_FOLDER = HERE / "node"
KEY = "sk-of-a-user"
ANSWER_SECONDS = 240  # for the real models on a machine that has much else to do
# So that a program sees its own settings, not those of whoever runs the tests.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Service:
    """A running server with a key, and a folder of clips on a web server that it may fetch from."""

    server: Server
    files: str

    @property
    def base(self) -> str:
        """What a user sets as base URL in place of the official `https://api.xiaomimimo.com/v1`."""
        return f"{self.server.url}/v1"

    @property
    def variables(self) -> dict[str, str]:
        return {"MIMO_API_BASE": self.base, "MIMO_API_KEY": KEY}

    def audio(self, name: str) -> str:
        return f"{self.files}/{name}"

    def chat(self, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        with self.server.client() as client:
            return client.post("/v1/chat/completions", json=body, headers=headers, timeout=ANSWER_SECONDS)


@contextmanager
def service(settings: Settings) -> Iterator[Service]:
    """A server for `settings` and a web server for `examples/`, until the block ends."""
    with serving(settings) as server, serving_files() as files:
        yield Service(server, files)


def keyed_settings(**changed: Any) -> Settings:
    """The scripted engine behind a key; audio URLs may name this machine."""
    return scripted_settings(api_keys=KEY, rate_limits="off", fetch_allow="127.0.0.0/8", **changed)


def need_tool(name: str, package: str) -> str:
    """Where the program `name` is. Without it the test is skipped, with what to install; on CI it fails."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is not installed (Debian: apt install {package})"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def client_python(environment: str) -> Path:
    """The interpreter of a client environment, which `make test-clients` sets up."""
    python = ROOT / environment / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{environment} is not there; run these tests with: make test-clients")
    return python


def run(command: list[str | Path], variables: dict[str, str], folder: Path = ROOT) -> str:
    """What `command` prints, run with `variables` and nothing else of AURICLE_*; fails the test where it fails."""
    inherited = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    done = subprocess.run(
        [str(word) for word in command],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
        cwd=folder,
    )
    if done.returncode != 0:
        pytest.fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def run_json(command: list[str | Path], variables: dict[str, str], folder: Path = ROOT) -> dict[str, Any]:
    """The JSON object in the last line that `command` prints."""
    printed: dict[str, Any] = json.loads(run(command, variables, folder).splitlines()[-1])
    return printed
