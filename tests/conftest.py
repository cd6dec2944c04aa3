"""Weights for tests that are marked `weights`: found or downloaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle.config import load_settings
from auricle.weights.pull import resolve


@pytest.fixture(scope="session")
def recognizer_folder() -> Path:
    """Whisper base in CTranslate2 form."""
    return resolve("whisper-base", load_settings())


@pytest.fixture(scope="session")
def small_language_model() -> Path:
    """The 0.5B language model's GGUF file."""
    return resolve("qwen2.5-coder-0.5b", load_settings())
