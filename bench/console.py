"""How soon each page of the console is painted, in headless Chromium; and pictures of them, for the documentation.

    python -m bench.console [--rounds 5]
    python -m bench.console --pictures docs/images [--all]

The pages are opened with an empty cache on a server with accounts and a month of made-up usage, the scripted engine
behind it; those of the administrator signed in. Prints the median and the longest first contentful paint (the browser's
own entry) and how long it took until the page's own content stood there. Pictures show the real models, which have to
be in the cache; `--all` takes every page, light and dark, in English and Chinese, wide and narrow, of scripted ones.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from auricle.accounts.clock import now_us
from auricle.accounts.directory import Directory, open_directory
from auricle.accounts.keys import Caller
from auricle.accounts.prices import Reading
from auricle.accounts.rows import Reservation, Row, write_rows
from auricle.accounts.views import KeyTerms
from auricle.config import load_settings
from bench.accounts import SCRIPTED, server

PASSWORD = "only for these pictures"
EXAMPLES = Path(__file__).parent.parent / "examples"
OPEN = ("playground", "transcripts", "models")
CLOSED = ("overview", "accounts", "keys", "prices", "requests", "bills")
CONTENT = "main dl.figures, main table, main .drop, main svg.chart"
DAY_US = 24 * 3600 * 10**6
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
LOAD_SECONDS = 180.0  # of the real models
ANSWER_MILLISECONDS = 300_000


@contextmanager
def opened(folder: Path) -> Iterator[Directory]:
    directory = open_directory(load_settings(accounts=True, data_dir=folder, api_keys=()))
    try:
        yield directory
    finally:
        directory.close()


def fill(folder: Path) -> str:
    """Make a month of usage in the accounts' database in `folder`; the key for the browser."""
    rng = random.Random(11)
    with opened(folder) as directory:
        directory.create_account("research", prepaid=True)
        directory.top_up("research", 25_000_000, "first payment", "2026-0117")
        for account, name in (("default", "website"), ("research", "corpora")):
            directory.create_project(account, name)
        own = directory.create_key("playground")
        keys = [
            own.key,
            directory.create_key("captions", project="website", terms=KeyTerms(daily_limit_micros=5_000_000)).key,
            directory.create_key(
                "night jobs", account="research", project="corpora", terms=KeyTerms(models=("mimo-v2.5-asr",))
            ).key,
        ]
        versions = {version.model: version for version in directory.prices()}
        rows = []
        for n in range(4000):
            model = rng.choices(("mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr"), (6, 1, 5))[0]
            key = keys[2] if model.endswith("asr") and rng.random() < 0.7 else rng.choice(keys[:2])
            age = rng.random() ** 1.4 * 21 * DAY_US if n > 120 else rng.random() * 0.4 * DAY_US
            status = rng.choices((200, 499, 503), (97, 2, 1))[0]
            seconds = rng.lognormvariate(3.2, 1.1)
            prompt = round(seconds * 6.25) + rng.randrange(20, 90)
            reading = Reading(prompt, rng.choice((0, prompt // 2)), rng.randrange(20, 400), 0, round(seconds * 1e6))
            price = versions[model]
            at = now_us() - round(age)
            caller = Caller(key.id, key.account_id, key.project_id)
            held = Reservation(f"{rng.getrandbits(128):032x}", at, caller, model, "embedded", price, 0)
            took = rng.lognormvariate(0.3, 0.7) + seconds / 40
            cost = price.price.cost(reading) if status == 200 else 0
            rows.append(Row(held, reading, cost, status, at, round(took * 1e6), round(took * 3e5)))
        with directory.database.writing() as connection:
            write_rows(connection, sorted(rows, key=lambda row: row.at_us))
    return own.secret


def chromium(playwright: Any) -> Browser:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("AURICLE_TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise SystemExit("Chromium is not installed (Debian: apt install chromium)")
    browser: Browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
    return browser


@contextmanager
def visiting(browser: Browser, url: str, key: str, **options: Any) -> Iterator[Page]:
    """A page of a browser with an empty cache, signed in, with a key."""
    with browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **options}) as context:
        reply = context.request.post(f"{url}/admin/v1/session", data={"password": PASSWORD})
        if not reply.ok:
            raise RuntimeError(f"not signed in: {reply.status}")
        context.add_init_script(f"sessionStorage.setItem('auricle.key', '{key}')")
        yield context.new_page()


def show(page: Page, url: str, name: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}/console#/{name}")
    page.locator(CONTENT).first.wait_for()


def paints(browser: Browser, url: str, key: str, rounds: int) -> bool:
    """Prints each page's times; whether each was painted within a second."""
    print(f"{'page':12} {'first paint':>22} {'content':>22}   milliseconds: median, longest of {rounds}")
    good = True
    for name in (*OPEN, *CLOSED):
        first, whole = [], []
        for _ in range(rounds):
            with visiting(browser, url, key) as page:
                show(page, url, name)
                whole.append(float(page.evaluate("performance.now()")))
                entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()"
                first.append(float(page.evaluate(entry)))
        print(
            f"{name:12} {statistics.median(first):11.0f} {max(first):10.0f} "
            f"{statistics.median(whole):11.0f} {max(whole):10.0f}"
        )
        good = good and max(first) < 1000
    return good


def wait_ready(url: str) -> None:
    deadline = time.monotonic() + LOAD_SECONDS
    while not (reply := httpx.get(f"{url}/health/ready")).is_success:
        if time.monotonic() > deadline:
            raise SystemExit(f"the models do not load: {reply.text}")
        time.sleep(0.5)


def ask(page: Page, clip: str, button: str, done: str) -> None:
    page.set_input_files("input[type=file]", EXAMPLES / clip)
    page.get_by_role("button", name=button, exact=True).click()
    page.locator(done).first.wait_for(timeout=ANSWER_MILLISECONDS)


def prepare(page: Page, name: str, chinese: bool) -> None:
    """What a picture of the page should show."""
    if name == "playground":
        page.locator("textarea").fill("这段话是谁说的？" if chinese else "What does the speaker ask for?")
        ask(page, "ask-not.mp3", "提问" if chinese else "Ask", "#answer[aria-busy=false] ~ dl.facts")
    elif name == "transcripts":
        ask(page, "one-to-ten-zh.ogg", "转写" if chinese else "Transcribe", ".segments li")
    elif name == "accounts":
        page.locator("td.actions button").nth(1).click()
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(600)  # for the waveform and the table


def pictures(browser: Browser, url: str, key: str, folder: Path, everything: bool) -> None:
    wanted = [("playground", "light", "en"), ("transcripts", "light", "en"), ("bills", "light", "en")]
    wanted += [("models", "light", "en"), ("overview", "dark", "zh")]
    sizes = {"": WIDE}
    if everything:
        wanted = [
            (name, theme, tongue) for name in (*OPEN, *CLOSED) for theme in ("light", "dark") for tongue in ("en", "zh")
        ]
        sizes = {"": WIDE, "-narrow": NARROW}
    for ending, viewport in sizes.items():
        for name, theme, tongue in wanted:
            if ending and (theme, tongue) not in (("light", "en"), ("dark", "zh")):
                continue
            locale = {"en": "en-GB", "zh": "zh-CN"}[tongue]
            with visiting(browser, url, key, viewport=viewport, color_scheme=theme, locale=locale) as page:
                show(page, url, name)
                prepare(page, name, tongue == "zh")
                suffix = f"-{theme}-{tongue}" if everything else "-dark" if theme == "dark" else ""
                page.screenshot(path=folder / f"console-{name}{suffix}{ending}.png", full_page=bool(ending))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is opened")
    parser.add_argument("--pictures", type=Path, help="take pictures into this folder instead")
    parser.add_argument("--all", action="store_true", help="pictures of every page, in every way")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        key = fill(Path(folder))
        accounts = {"AURICLE_ACCOUNTS": "true", "AURICLE_DATA_DIR": folder, "AURICLE_ADMIN_PASSWORD": PASSWORD}
        engine = "" if given.pictures and not given.all else SCRIPTED
        with server(Path(folder), config=engine, **accounts) as url:
            browser = chromium(playwright)
            if given.pictures is None:
                raise SystemExit(0 if paints(browser, url, key, given.rounds) else 1)
            wait_ready(url)
            pictures(browser, url, key, given.pictures, given.all)
            browser.close()


if __name__ == "__main__":
    main()
