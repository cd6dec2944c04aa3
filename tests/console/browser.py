"""Headless Chromium for tests: the system's, driven by Playwright; what its console says is collected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.serving import EXAMPLES

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MILLISECONDS = 20_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    f"--use-file-for-fake-audio-capture={EXAMPLES / 'ask-not.wav'}",
)

expect.set_options(timeout=WAIT_MILLISECONDS)


def find_chromium() -> Path:
    """Where the browser is. Without one the test is skipped, with what to install; on CI it fails."""
    given = os.environ.get("AURICLE_TEST_CHROMIUM")
    found = given or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing = "Chromium is not installed (Debian: apt install chromium; elsewhere: AURICLE_TEST_CHROMIUM=/its/path)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(found)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser whose microphone hears the English clip."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page of a browser of its own: no cookies, nothing stored. What went wrong in it is in `complaints`."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # requests to other hosts
    addresses: list[str] = field(default_factory=list)  # of every request

    def open(self, name: str = "playground") -> Page:
        self.page.goto(f"{self.url}/console#/{name}")
        self.page.locator("h1").wait_for()
        return self.page


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A visit to the server at `url`; it must end without a complaint in the browser's console."""
    with browser.new_context(locale="en-GB", permissions=["microphone"], **options) as context:
        context.set_default_timeout(WAIT_MILLISECONDS)
        page = context.new_page()
        visit = Visit(page, url)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                visit.complaints.append(message.text)

        def asked(request: Any) -> None:
            visit.addresses.append(request.url)
            if not request.url.startswith((url, "blob:", "data:")):
                visit.foreign.append(request.url)

        page.on("console", said)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", asked)
        yield visit
        assert visit.complaints == [], visit.complaints
        assert visit.foreign == []
