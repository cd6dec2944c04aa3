from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Server, scripted_settings, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server without keys, answered by the scripted engine."""
    with serving(scripted_settings()) as running:
        yield running


@pytest.fixture(scope="session")
def keyed_server() -> Iterator[Server]:
    """The same with two keys and the official rate limits."""
    with serving(scripted_settings(api_keys="sk-one,sk-two", rate_limits="mimo")) as running:
        yield running
