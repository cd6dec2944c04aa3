from __future__ import annotations

from collections.abc import Iterator

import pytest

from auricle.config import load_settings
from tests.clients.running import KEY, Service, keyed_settings, service
from tests.serving import wait_ready


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `clients` need what `make test-clients` installs, and run only where `-m` names them."""
    if "clients" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("clients")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def scripted() -> Iterator[Service]:
    """A service with a key, answered by the scripted engine."""
    with service(keyed_settings()) as running:
        yield running


@pytest.fixture(scope="session")
def embedded() -> Iterator[Service]:
    """A service with a key, answered by the real models, the small language model among them."""
    settings = load_settings(api_keys=KEY, rate_limits="off", fetch_allow="127.0.0.0/8", lite=True)
    with service(settings) as running:
        wait_ready(running.server)
        yield running
