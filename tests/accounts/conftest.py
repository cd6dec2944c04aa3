from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle.accounts.directory import Directory, open_directory
from tests.postgres import new_database, running
from tests.serving import scripted_settings


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Settings that name a new database, of each kind."""
    if request.param == "sqlite":
        return {"accounts": True, "data_dir": tmp_path}
    return {"database_url": new_database(request.getfixturevalue("postgres"))}


@pytest.fixture
def directory(place: dict[str, Any]) -> Iterator[Directory]:
    opened = open_directory(scripted_settings(**place))
    yield opened
    opened.close()
