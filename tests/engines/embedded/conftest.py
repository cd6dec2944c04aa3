"""Weights that the tests of sounds share, and a responder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from auricle.config import EngineSettings, load_settings
from auricle.engines.embedded.language_model import LanguageModel
from auricle.weights.pull import resolve
from tests.engines.embedded.respondent import CONTEXT, Respondent


@pytest.fixture(scope="session")
def sounds_bundle() -> Path:
    """YAMNet's TensorFlow variables."""
    return resolve("yamnet", load_settings())


@pytest.fixture(scope="session")
def sounds_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the converted model is kept."""
    return tmp_path_factory.mktemp("sounds")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def respondent(small_language_model: Path) -> AsyncIterator[Respondent]:
    model = LanguageModel(small_language_model, EngineSettings(context_length=CONTEXT))
    await model.start()
    await model.wait_ready()
    respondent = Respondent(model)
    await respondent.taught.warm_up()
    yield respondent
    await model.close()
