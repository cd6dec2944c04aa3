"""The playground, as a person uses it in a browser."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import Visit, visiting
from tests.console.conftest import KEY
from tests.serving import EXAMPLES, Server, scripted_settings, serving, serving_files

pytestmark = pytest.mark.console


def choose(page: Page, name: str = "ask-not.mp3") -> None:
    page.set_input_files("input[type=file]", EXAMPLES / name)


def ask(page: Page, question: str | None = None) -> None:
    if question:
        page.get_by_label("What do you want to know?").fill(question)
    page.get_by_role("button", name="Ask").click()


def test_record_to_answer(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("timer")).to_contain_text("0:02", timeout=15_000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("recording.wav", exact=True)).to_be_visible()
    ask(page, "Who speaks?")
    expect(page.locator("#answer")).to_contain_text("You said: Who speaks?")
    # The scripted engine names silence as such, so the microphone's sound has arrived.
    expect(page.locator("#answer")).to_contain_text("seconds")
    expect(page.locator("#answer")).not_to_contain_text("silence")
    expect(page.get_by_text("I was given audio 1")).to_be_visible()
    expect(page.get_by_role("group", name="Speech").get_by_role("button")).to_have_count(1)


def test_a_file_is_drawn_asked_about_and_counted(visit: Visit) -> None:
    page = visit.open()
    choose(page)
    expect(page.get_by_text("0:00.0 / 0:04.")).to_be_visible()
    ask(page)
    facts = page.locator("dl.facts")
    expect(facts).to_contain_text("of them audio30")
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    span = page.get_by_role("button", name="0:00.0 to 0:04.7: scripted speech")
    span.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_an_answer_streams_and_can_be_stopped(visit: Visit) -> None:
    page = visit.open()
    choose(page)
    ask(page, "slowly [[sleep 0.2]] [[repeat 50]]")
    expect(page.locator("#answer")).to_contain_text("You said")
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="wrong")).to_have_count(0)


def test_an_error_in_the_stream_is_told(visit: Visit) -> None:
    page = visit.open()
    choose(page)
    ask(page, "x [[fail 3]]")
    expect(page.get_by_role("alert").filter(has_text="busy or still starting")).to_be_visible()


def test_an_address_is_fetched_by_the_server(browser: Browser) -> None:
    settings = scripted_settings(fetch_allow="127.0.0.0/8")
    with serving(settings) as server, serving_files() as files, visiting(browser, server.url) as visit:
        page = visit.open()
        page.get_by_label("Address of an audio").fill("ftp://x")
        page.get_by_role("button", name="Use address").click()
        expect(page.get_by_role("alert").filter(has_text="no http or https address")).to_be_visible()
        page.get_by_label("Address of an audio").fill(f"{files}/ask-not.wav")
        page.get_by_role("button", name="Use address").click()
        ask(page)
        expect(page.get_by_role("group", name="Speech").get_by_role("button")).to_have_count(1)


def test_the_recogniser_takes_no_question(visit: Visit) -> None:
    page = visit.open()
    choose(page)
    page.get_by_label("Model").select_option("mimo-v2.5-asr")
    expect(page.get_by_label("What do you want to know?")).to_have_count(0)
    ask(page)
    expect(page.locator("#answer")).to_have_text("scripted speech from 0 to 4.7")


@pytest.mark.parametrize("program", ["curl", "Python"])
def test_the_same_call_gives_the_same_answer(visit: Visit, program: str, tmp_path: Path) -> None:
    page = visit.open()
    (tmp_path / "it's a clip.wav").write_bytes((EXAMPLES / "ask-not.wav").read_bytes())
    page.set_input_files("input[type=file]", tmp_path / "it's a clip.wav")
    page.get_by_text("Show what was heard").click()
    ask(page, 'What\'s "said" here, 中文 too?')
    expect(page.locator("dl.facts")).to_be_visible()
    page.get_by_role("tab", name=program).click()
    text = page.get_by_role("tabpanel").inner_text()
    command = ["bash", "-c", text] if program == "curl" else [sys.executable, "-W", "ignore", "-c", text]
    environment = {"PATH": "/usr/bin:/bin", "MIMO_API_KEY": "local", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    if program == "curl":
        chunks = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("data: {")]
        said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    else:
        said = done.stdout.strip()
    assert said == page.locator("#answer").inner_text()


def test_a_wrong_key_is_told_and_the_right_one_goes_nowhere_but_the_header(
    browser: Browser, keyed_server: Server
) -> None:
    with visiting(browser, keyed_server.url) as visit:
        page = visit.open()
        choose(page)
        ask(page)
        expect(page.get_by_role("alert").filter(has_text="asks for an API key")).to_be_visible()
        page.get_by_label("API key").fill("sk-wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("alert").filter(has_text="does not know this key")).to_be_visible()
        page.get_by_role("button", name="Forget it").click()
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Use this key").click()
        ask(page)
        expect(page.locator("#answer")).to_contain_text("You said")
        for tab in ("curl", "Python"):
            page.get_by_role("tab", name=tab).click()
            assert KEY not in page.content()
        assert not [address for address in visit.addresses if "sk-" in address]
        assert KEY not in json.dumps(page.evaluate("({...localStorage})"))
        # A browser notes every response of 400 and more in its console; nothing else may be there.
        assert all("401 (Unauthorized)" in complaint for complaint in visit.complaints)
        visit.complaints.clear()
    with visiting(browser, keyed_server.url) as visit:
        expect(visit.open().get_by_label("API key")).to_be_visible()  # another tab knows nothing of it


def test_languages_and_themes_are_kept(browser: Browser, open_server: Server) -> None:
    with visiting(browser, open_server.url, color_scheme="dark") as visit:
        page = visit.open()
        root = page.locator("html")
        expect(root).to_have_attribute("data-theme", "dark")
        page.get_by_label("Theme").select_option("light")
        page.get_by_label("Language").select_option("zh")
        expect(page.locator("h1")).to_have_text("试用")
        page.reload()
        expect(page.locator("h1")).to_have_text("试用")
        expect(root).to_have_attribute("data-theme", "light")
        expect(root).to_have_attribute("lang", "zh-CN")


def test_the_browsers_language_is_taken(browser: Browser, open_server: Server) -> None:
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(f"{open_server.url}/console")
        expect(page.locator("h1")).to_have_text("试用")
