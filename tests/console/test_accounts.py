"""The administrator's pages: from the first start to the first key, an ended session, a bill exported."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from auricle.store import tables
from tests.console.browser import Visit, visiting
from tests.console.test_accessibility import PHONE, fits, problems
from tests.serving import Server, question, scripted_settings, serving

pytestmark = pytest.mark.console

PASSWORD = "correct horse battery"
TEXT = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}
ADMIN_PAGES = ("overview", "accounts", "keys", "prices", "requests", "bills")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with serving(scripted_settings(accounts=True, data_dir=folder, admin_password=PASSWORD)) as running:
        yield running


@pytest.fixture(scope="module")
def used_server(server: Server) -> Server:
    """With a key that has asked for something."""
    with server.client() as client:
        reply = client.post("/admin/v1/session", json={"password": PASSWORD})
        client.headers["x-csrf-token"] = reply.json()["csrf_token"]
        made = client.post("/admin/v1/keys", json={"name": "laptop", "daily_limit": "5"}).json()
    for body in (question(), question(), TEXT):
        assert server.chat(body, headers={"api-key": made["key"]}).status_code == 200
    return server


def sign_in(visit: Visit, name: str) -> Page:
    page = visit.open(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def test_first_start_to_first_key_to_answer(browser: Browser, tmp_path: Path) -> None:
    with serving(scripted_settings(accounts=True, data_dir=tmp_path)) as server, visiting(browser, server.url) as visit:
        code = server.app.state.services.office.admin.setup_code()
        page = visit.open("keys")
        page.get_by_label("Code from the terminal").fill("0000")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("alert").filter(has_text="code is wrong")).to_be_visible()
        page.get_by_label("Code from the terminal").fill(code)
        page.get_by_role("button", name="Set the password").click()
        page.get_by_label("Name", exact=True).fill("laptop")
        page.get_by_role("button", name="Create key").click()
        key = page.locator("#new-key").inner_text()
        assert server.chat(TEXT, headers={"api-key": key}).status_code == 200
        page.get_by_role("button", name="Use it in the playground").click()
        page.get_by_role("button", name="I have copied it").click()
        row = page.get_by_role("row").filter(has_text="laptop")
        expect(row).to_contain_text("Active")
        assert key not in page.content()
        page.get_by_role("link", name="Models").click()
        expect(page.get_by_text("none (scripted)").first).to_be_visible()  # with the key of this tab
        assert key not in page.content()
        assert not [address for address in visit.addresses if key in address or PASSWORD in address]
        assert key not in json.dumps(page.evaluate("({...localStorage})"))
        assert key.encode() not in (tmp_path / "auricle.db").read_bytes()
        assert all("401 (Unauthorized)" in complaint for complaint in visit.complaints)
        visit.complaints.clear()


def test_keys_are_rotated_and_disabled(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = sign_in(visit, "keys")
        page.get_by_label("Name", exact=True).fill("phone")
        page.get_by_label(re.compile("Limit a day")).fill("2.5")
        page.get_by_role("button", name="Create key").click()
        first = page.locator("#new-key").inner_text()
        expect(page.get_by_role("row").filter(has_text="phone")).to_contain_text("2.5 a day")
        page.get_by_role("button", name="Rotate phone").click()
        expect(page.locator("#new-key")).not_to_have_text(first)
        second = page.locator("#new-key").inner_text()
        assert server.chat(TEXT, headers={"api-key": first}).status_code == 401
        assert server.chat(TEXT, headers={"api-key": second}).status_code == 200
        page.get_by_role("button", name="Disable phone").click()
        expect(page.get_by_role("button", name="Enable phone")).to_be_visible()
        assert server.chat(TEXT, headers={"api-key": second}).status_code == 403


def test_a_wrong_password_is_told(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = visit.open("bills")
        page.get_by_label("Password", exact=True).fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert").filter(has_text="The password is wrong.")).to_be_visible()
        visit.complaints.clear()


def test_an_ended_session_says_so_and_lets_one_in_again(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        page = sign_in(visit, "keys")
        expect(page.locator("main table, main .empty")).to_be_visible()
        with server.app.state.services.office.database.writing() as connection:
            connection.execute(tables.sessions.update().values(expires_us=sa.literal(1)))
        page.get_by_label("Name", exact=True).fill("late")
        page.get_by_role("button", name="Create key").click()
        expect(page.get_by_role("status").filter(has_text="Your session has ended")).to_be_visible()
        assert all("401 (Unauthorized)" in complaint for complaint in visit.complaints)
        visit.complaints.clear()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password", exact=True)).to_be_visible()


def test_a_bill_is_shown_and_exported(browser: Browser, used_server: Server, tmp_path: Path) -> None:
    with visiting(browser, used_server.url) as visit:
        page = sign_in(visit, "bills")
        expect(page.get_by_role("row").filter(has_text="laptop")).to_contain_text("mimo-v2.5")
        expect(page.get_by_role("img", name=re.compile("Cost by day in"))).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Export as CSV").click()
        assert re.fullmatch(r"auricle-bill-\d{4}-\d{2}\.csv", waiting.value.suggested_filename)
        rows = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
        total = sum(int(row["cost_micros"]) for row in rows)
        assert total > 0
        shown = re.sub(r"[^\d.]", "", page.locator("#total").inner_text())
        assert round(float(shown) * 1_000_000) == total
        page.get_by_role("link", name="Overview").click()
        rows_of_model = page.get_by_role("row").filter(has_text="mimo-v2.5")
        expect(rows_of_model.filter(has=page.get_by_role("cell", name="200", exact=True)).first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_administrators_pages_are_accessible(browser: Browser, used_server: Server, theme: Any) -> None:
    with visiting(browser, used_server.url, color_scheme=theme, bypass_csp=True) as visit:
        page = visit.open("keys")
        expect(page.get_by_label("Password", exact=True)).to_be_visible()
        assert problems(page) == []
        sign_in(visit, "keys")
        for name in ADMIN_PAGES:
            visit.open(name)
            expect(page.get_by_role("table").or_(page.locator("svg.chart")).first).to_be_visible()
            page.set_viewport_size({"width": 1280, "height": 860})
            assert problems(page) == [], name
            page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
            assert fits(page), name
