"""Weights and waveforms that the tests of sounds share."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle.config import load_settings
from auricle.weights.pull import resolve


@pytest.fixture(scope="session")
def sounds_bundle() -> Path:
    """YAMNet's TensorFlow variables."""
    return resolve("yamnet", load_settings())


@pytest.fixture(scope="session")
def sounds_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the converted model is kept."""
    return tmp_path_factory.mktemp("sounds")
