"""Weights from the page of the models: their progress, stopping, failing, and the engine that takes them up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from auricle.config import Settings, load_settings
from auricle.weights.catalogue import MODELS
from tests.console.browser import visiting
from tests.console.test_accessibility import problems
from tests.console.test_accounts import PASSWORD
from tests.serving import Server, dictation, scripted_settings, serving
from tests.weights.published import StandIn, Tiny

pytestmark = pytest.mark.console


@pytest.fixture
def settings(tmp_path: Path, hub: StandIn) -> Settings:
    return scripted_settings(cache_dir=tmp_path / "cache", hub_url=hub.url, weights_sources="hub")


@pytest.fixture
def server(settings: Settings, tiny: Tiny) -> Iterator[Server]:
    with serving(settings) as running:
        yield running


def test_a_download_is_watched_stopped_and_goes_on(browser: Browser, server: Server, hub: StandIn) -> None:
    hub.hold_after_bytes = 2_500_000
    with visiting(browser, server.url, bypass_csp=True) as visit:
        page = visit.open("models")
        row = page.get_by_role("row").filter(has_text="tiny")
        expect(row).to_contain_text("Not here")
        expect(row).to_contain_text("4 MB")
        page.get_by_role("button", name="Download tiny").click()
        bar = page.get_by_role("progressbar", name="Download of tiny")
        expect(bar).to_be_visible()
        expect(row).to_contain_text(re.compile(r"Downloading [1-9]\d %"))
        assert 0 < bar.evaluate("(it) => it.value / it.max") < 1
        assert problems(page) == []
        expect(page.get_by_role("status").filter(has_text="The download of tiny has begun.")).to_be_attached()
        page.get_by_role("button", name="Stop downloading tiny").click()
        expect(row).to_contain_text("In part (")
        expect(page.get_by_role("status").filter(has_text="was stopped")).to_be_attached()
        hub.hold_after_bytes = None
        hub.go_on.set()
        page.get_by_role("button", name="Go on downloading tiny").click()
        expect(row).to_contain_text("Here")
        expect(row.get_by_role("button")).to_have_count(0)
        expect(row).to_contain_text("Not by this server's settings")
        expect(page.get_by_role("status").filter(has_text="tiny is here.")).to_be_attached()


def test_what_cannot_be_had_says_what_was_tried(browser: Browser, server: Server, hub: StandIn, tiny: Tiny) -> None:
    hub.files.clear()
    with visiting(browser, server.url, bypass_csp=True) as visit:
        page = visit.open("models")
        row = page.get_by_role("row").filter(has_text="tiny")
        page.get_by_role("button", name="Download tiny").click()
        expect(row).to_contain_text("Tried:")
        expect(row).to_contain_text(hub.url)
        assert problems(page) == []
        tiny.put_on(hub)
        page.get_by_role("button", name="Download tiny").click()
        expect(row).to_contain_text("Here")
        expect(row).not_to_contain_text("Tried:")


def test_the_administrator_downloads_where_there_are_accounts(
    browser: Browser, settings: Settings, tiny: Tiny, tmp_path: Path
) -> None:
    kept = scripted_settings(
        **{name: getattr(settings, name) for name in ("cache_dir", "hub_url", "weights_sources")},
        accounts=True,
        data_dir=tmp_path,
        admin_password=PASSWORD,
    )
    with serving(kept) as server, visiting(browser, server.url, bypass_csp=True) as visit:
        page = visit.open("models")
        expect(page.get_by_text("The administrator can see and download weights here.")).to_be_visible()
        assert problems(page) == []
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Download tiny").click()
        expect(page.get_by_role("row").filter(has_text="tiny")).to_contain_text("Here")


def test_with_keys_of_the_settings_the_page_names_the_command(browser: Browser, keyed_server: Server) -> None:
    with visiting(browser, keyed_server.url) as visit:
        expect(visit.open("models").get_by_text("auricle models pull")).to_be_visible()


@pytest.mark.weights
def test_an_engine_takes_up_what_was_downloaded(
    browser: Browser, hub: StandIn, tmp_path: Path, recognizer_folder: Path
) -> None:
    """A server that starts without its recogniser, and has it a click later."""
    whisper = MODELS["whisper-base"]
    models = {"mimo-v2.5": {"enabled": False}, "mimo-v2-omni": {"enabled": False}}
    settings = load_settings(
        api_keys=(), models=models, cache_dir=tmp_path, hub_url=hub.url, weights_sources="hub", weights_dir=None
    )
    with serving(settings) as server, visiting(browser, server.url) as visit:
        page = visit.open("models")
        state = page.get_by_role("row").filter(has_text="mimo-v2.5-asr")
        expect(state).to_contain_text("Not ready")
        expect(state).to_contain_text("Tried:")
        assert whisper.hub is not None
        for file in whisper.files:
            content = (recognizer_folder / file.name).read_bytes()
            hub.files[f"/{whisper.hub.repository}/resolve/{whisper.hub.revision}/{file.name}"] = content
        hub.chunk_bytes = 4 * 1024 * 1024
        page.get_by_role("button", name="Download whisper-base").click()
        expect(page.get_by_role("progressbar", name="Download of whisper-base")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="Speech recognition, 99")).to_contain_text(
            "Here", timeout=60_000
        )
        expect(state).to_contain_text("Ready", timeout=60_000)
        text = server.chat(dictation()).json()["choices"][0]["message"]["content"]
        assert "country" in text
