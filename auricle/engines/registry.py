"""The engines by name. A new engine is one file and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from auricle.config import EngineSettings, Settings
from auricle.engines.base import Engine

ENGINES = {
    "embedded": "auricle.engines.embedded.engine:EmbeddedEngine",
    "scripted": "auricle.engines.scripted:ScriptedEngine",
}

EngineFactory = Callable[[EngineSettings, Settings], Engine]


def build_engine(name: str, settings: Settings) -> Engine:
    """The engine that `settings.engines[name]` describes, not yet started.

    Raises ValueError for a kind that does not exist.
    """
    engine_settings = settings.engine(name)
    try:
        target = ENGINES[engine_settings.kind]
    except KeyError:
        known = ", ".join(sorted(ENGINES))
        raise ValueError(f"engine {name!r} is of unknown kind {engine_settings.kind!r}; known: {known}") from None
    module, _, attribute = target.partition(":")
    factory: Any = getattr(importlib.import_module(module), attribute)
    return cast(EngineFactory, factory)(engine_settings, settings)
