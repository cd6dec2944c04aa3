from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.console.browser import Visit, chromium, visiting
from tests.serving import Server, scripted_settings, serving

KEY = "sk-a-key-of-a-person"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `console` drive a browser, and run only where `-m` names them: `make test-console`."""
    if "console" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("console")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def open_server() -> Iterator[Server]:
    """Without keys."""
    with serving(scripted_settings()) as running:
        yield running


@pytest.fixture(scope="session")
def keyed_server() -> Iterator[Server]:
    with serving(scripted_settings(api_keys=KEY, rate_limits="off")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, open_server: Server) -> Iterator[Visit]:
    with visiting(browser, open_server.url) as visited:
        yield visited
