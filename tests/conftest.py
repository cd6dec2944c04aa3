"""Weights for tests that are marked `weights`: found or downloaded once; a hub of our own; Redis; hypothesis without a
stopwatch."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from auricle.config import load_settings
from auricle.weights.catalogue import MODELS
from auricle.weights.pull import resolve
from tests.weights import published
from tests.weights.published import StandIn, Tiny

# A busy machine makes any example slow; that says nothing about the code under test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def recognizer_folder() -> Path:
    """Whisper base in CTranslate2 form."""
    return resolve("whisper-base", load_settings())


@pytest.fixture(scope="session")
def small_language_model() -> Path:
    """The 0.5B language model's GGUF file."""
    return resolve("qwen2.5-coder-0.5b", load_settings())


@pytest.fixture
def hub() -> Iterator[StandIn]:
    """A hub of our own; it has nothing yet."""
    with published.serving() as served:
        yield served


@pytest.fixture
def tiny(tmp_path: Path, hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """A model of the catalogue that the hub has."""
    made = published.publish(tmp_path / "published")
    monkeypatch.setitem(MODELS, "tiny", made.model)
    made.put_on(hub)
    return made


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis or Valkey of its own; tests that need it are skipped where there is none."""
    binary = shutil.which("valkey-server") or shutil.which("redis-server")
    if binary is None:
        pytest.skip("neither valkey-server nor redis-server is installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()
