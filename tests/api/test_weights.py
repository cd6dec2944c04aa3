"""Getting weights by the admin API, from a hub of our own: progress, stopping, failing, and who may."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from auricle.config import Settings
from tests.serving import Server, scripted_settings, serving
from tests.weights.published import StandIn, Tiny, assert_whole

PASSWORD = "correct horse battery"
PATH = "/admin/v1/weights"


@pytest.fixture
def settings(tmp_path: Path, hub: StandIn) -> Settings:
    return scripted_settings(cache_dir=tmp_path / "cache", hub_url=hub.url, weights_sources="hub")


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with serving(settings) as running:
        yield running


def tiny_of(client: httpx.Client) -> dict[str, Any]:
    shelves: list[dict[str, Any]] = client.get(PATH).json()["data"]
    return next(shelf for shelf in shelves if shelf["name"] == "tiny")


def wait(client: httpx.Client, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while not done(shelf := tiny_of(client)):
        assert time.monotonic() < deadline, str(shelf)
        time.sleep(0.02)
    return shelf


def ended(shelf: dict[str, Any]) -> bool:
    return shelf["pull"]["state"] not in ("waiting", "running")


def test_a_pull_tells_how_far_it_is_and_ends(server: Server, tiny: Tiny, hub: StandIn, settings: Settings) -> None:
    hub.hold_after_bytes = 2_000_000
    with server.client() as client:
        before = tiny_of(client)
        assert (before["state"], before["pull"], before["needed"]) == ("absent", None, False)
        assert client.post(f"{PATH}/tiny/pull").status_code == 202
        # What has not filled a block is on its way, but not told.
        on_its_way = wait(client, lambda shelf: bool(shelf["pull"]["percent"]))["pull"]
        assert (on_its_way["state"], on_its_way["phase"], on_its_way["source"]) == ("running", "downloading", "hub")
        assert 0 < on_its_way["done_bytes"] < on_its_way["total_bytes"] == before["size_bytes"]
        again = client.post(f"{PATH}/tiny/pull").json()["pull"]  # one at a time
        assert again["state"] == "running"
        hub.go_on.set()
        after = wait(client, ended)
    assert (after["state"], after["pull"]["state"]) == ("ready", "done")
    assert after["where"] == str(settings.cache_dir / "weights" / "tiny")
    assert_whole(settings.cache_dir / "weights" / "tiny", tiny.contents)
    assert len(hub.asked) == len(tiny.contents)


def test_a_pull_is_stopped_and_goes_on_where_it_was(server: Server, tiny: Tiny, hub: StandIn) -> None:
    hub.hold_after_bytes = 3_000_000
    with server.client() as client:
        client.post(f"{PATH}/tiny/pull")
        wait(client, lambda shelf: bool(shelf["pull"]["percent"]))
        assert client.delete(f"{PATH}/tiny/pull").status_code == 200
        stopped = wait(client, ended)
        assert (stopped["pull"]["state"], stopped["state"]) == ("stopped", "partial")
        assert stopped["present_bytes"] > 1_000_000
        hub.hold_after_bytes = None
        hub.go_on.set()
        hub.asked.clear()
        client.post(f"{PATH}/tiny/pull")
        assert wait(client, ended)["state"] == "ready"
        assert hub.asked[0].range.startswith("bytes=")


def test_a_pull_that_fails_says_what_was_tried(server: Server, tiny: Tiny, hub: StandIn) -> None:
    hub.files.clear()
    with server.client() as client:
        client.post(f"{PATH}/tiny/pull")
        failed = wait(client, ended)["pull"]
        assert failed["state"] == "failed"
        assert "Tried:" in failed["error"]
        assert hub.url in failed["error"]
        assert "AURICLE_HUB_URL" in failed["error"]
        tiny.put_on(hub)
        client.post(f"{PATH}/tiny/pull")
        assert wait(client, ended)["state"] == "ready"


def test_a_server_stops_with_a_pull_under_way(tiny: Tiny, hub: StandIn, settings: Settings) -> None:
    hub.hold_after_bytes = 1_000_000
    with serving(settings) as server, server.client() as client:
        client.post(f"{PATH}/tiny/pull")
        wait(client, lambda shelf: shelf["pull"]["state"] == "running")
        began = time.monotonic()
    assert time.monotonic() - began < 15


def test_names_that_are_on_no_shelf(server: Server) -> None:
    with server.client() as client:
        for name in ("somebody/else", "/etc/passwd", "..%2F..%2Fetc", "nothing"):
            assert client.post(f"{PATH}/{name}/pull").status_code == 404
            assert client.delete(f"{PATH}/{name}/pull").status_code == 404
        assert client.delete(f"{PATH}/whisper-base/pull").status_code == 404


def test_other_sites_pages_may_not(server: Server, tiny: Tiny) -> None:
    own = server.url
    with server.client() as client:
        for wrong in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "http://evil.example"},
            {"origin": "null"},
        ):
            assert client.post(f"{PATH}/tiny/pull", headers=wrong).status_code == 403
        assert tiny_of(client)["pull"] is None
        right = {"sec-fetch-site": "same-origin", "origin": own}
        assert client.post(f"{PATH}/tiny/pull", headers=right).status_code == 202


def test_only_the_administrator_where_there_are_accounts(settings: Settings, tmp_path: Path, tiny: Tiny) -> None:
    kept = settings.model_copy(update={"accounts": True, "data_dir": tmp_path, "admin_password": SecretStr(PASSWORD)})
    with serving(kept) as server, server.client() as client:
        assert client.get(PATH).status_code == 401
        assert client.post(f"{PATH}/tiny/pull").status_code == 401
        token = client.post("/admin/v1/session", json={"password": PASSWORD}).json()["csrf_token"]
        assert client.post(f"{PATH}/tiny/pull").status_code == 403  # without the token
        assert tiny_of(client)["pull"] is None
        assert client.post(f"{PATH}/tiny/pull", headers={"x-csrf-token": token}).status_code == 202
        assert wait(client, ended)["state"] == "ready"


def test_a_key_of_the_settings_administers_nothing(settings: Settings, tiny: Tiny) -> None:
    with serving(settings.model_copy(update={"api_keys": (SecretStr("sk-1"),)})) as server, server.client() as client:
        reply = client.post(f"{PATH}/tiny/pull", headers={"api-key": "sk-1"})
        assert reply.status_code == 403
        assert "auricle models pull" in reply.json()["error"]["param"]
