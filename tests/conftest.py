"""Weights for tests that are marked `weights`: found or downloaded once; and hypothesis without a stopwatch."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from auricle.config import load_settings
from auricle.weights.pull import resolve

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
