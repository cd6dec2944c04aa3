"""What names of weights mean, and which the settings need."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle.config import load_settings
from auricle.errors import WeightsError
from auricle.weights.catalogue import MODELS
from auricle.weights.references import HubReference, interpret, needed


@pytest.mark.parametrize(
    ("name", "repository", "revision", "file", "key"),
    [
        ("Systran/faster-whisper-tiny", "Systran/faster-whisper-tiny", "main", "", "Systran--faster-whisper-tiny"),
        ("a/b@v1.0", "a/b", "v1.0", "", "a--b--@v1.0"),
        ("a/b:c.gguf", "a/b", "main", "c.gguf", "a--b--c.gguf"),
        ("a/b@refs/pr/1:d/c.gguf", "a/b", "refs/pr/1", "d/c.gguf", "a--b--@refs--pr--1--d--c.gguf"),
    ],
)
def test_hub_references(name: str, repository: str, revision: str, file: str, key: str) -> None:
    found = interpret(name)
    assert found == HubReference(name, repository, revision, file)
    assert isinstance(found, HubReference)
    assert found.key == key


def test_catalogue_names_come_before_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whisper-base").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert interpret("whisper-base") is MODELS["whisper-base"]
    assert interpret("a/b") == tmp_path / "a" / "b"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert interpret("~/a") == tmp_path / "a"


@pytest.mark.parametrize("name", ["", "nothing", "a/b/c", "a/b:c.bin", "../a/b", "/a/b", "a/..", "a/b@../c", "a b/c"])
def test_names_of_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="whisper-base"):
        interpret(name)


def test_needs_of_the_default_server() -> None:
    assert needed(load_settings()) == ("whisper-base", "yamnet", "qwen2.5-coder-1.5b")
    assert needed(load_settings(lite=True)) == ("whisper-base", "yamnet", "qwen2.5-coder-0.5b")


def test_needs_follow_the_settings() -> None:
    own = load_settings(
        engines={"embedded": {"recognizer": "a/b", "language_model": "c/d:e.gguf", "sounds": ""}}, lite=True
    )
    assert needed(own) == ("a/b", "c/d:e.gguf")  # lite stands in for the default only
    off = {"enabled": False}
    recognition = load_settings(models={"mimo-v2.5": off, "mimo-v2-omni": off})
    assert needed(recognition) == ("whisper-base",)
    scripted = load_settings(engines={"embedded": {"kind": "scripted"}})
    assert needed(scripted) == ()
