"""Every page in both themes: no serious problem that axe knows, nothing wider than a phone, painted within a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import visiting
from tests.serving import EXAMPLES, Server

pytestmark = pytest.mark.console

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
GRAVE = {"serious", "critical"}
PHONE = {"width": 390, "height": 844}
OPEN_PAGES = ("playground", "transcripts", "models")
PAINT_MILLISECONDS = 5000  # far above the second that it should take: the tests' machine may be busy


def problems(page: Page) -> list[str]:
    """What axe finds of weight, with the place."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def first_paint(page: Page) -> float:
    """Milliseconds from asking for the page to the first text in it."""
    found = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    return float(found)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OPEN_PAGES)
def test_open_pages(
    browser: Browser, open_server: Server, name: str, theme: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # axe writes styles into the page, which its policy forbids.
    with visiting(browser, open_server.url, color_scheme=theme, bypass_csp=True) as visit:
        page = visit.open(name)
        page.wait_for_load_state("networkidle")
        paint = first_paint(page)
        with capsys.disabled():
            print(f" {name}, {theme}: first paint after {paint:.0f} ms")
        assert paint < PAINT_MILLISECONDS
        assert problems(page) == []
        if name != "models":
            page.set_input_files("input[type=file]", EXAMPLES / "ask-not.mp3")
            page.locator("main button.primary").click()
            page.get_by_role("group", name="Speech").wait_for()
            assert problems(page) == []
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert fits(page)
        assert problems(page) == []
