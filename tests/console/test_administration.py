"""Accounts, keys, prices, the ledger and the password, as the administrator changes them in a browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from auricle.accounts.clock import now_us
from auricle.accounts.keys import Caller
from auricle.accounts.office import Office
from auricle.accounts.prices import Reading
from auricle.accounts.reports import Span
from auricle.accounts.rows import Reservation, Row, write_rows
from tests.console.browser import Visit, visiting
from tests.console.test_accessibility import PHONE, fits, problems
from tests.console.test_accounts import PASSWORD, TEXT, sign_in
from tests.serving import Server, dictation, scripted_settings, serving

pytestmark = pytest.mark.console


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with serving(scripted_settings(accounts=True, data_dir=folder, admin_password=PASSWORD)) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    # axe writes styles into the page, which its policy forbids.
    with visiting(browser, server.url, bypass_csp=True, accept_downloads=True) as visited:
        yield visited


def office_of(server: Server) -> Office:
    office: Office = server.app.state.services.office
    return office


def write(server: Server, count: int, status: int = 200, latency_us: int = 1000) -> None:
    """Rows in the ledger, of a key of their own."""
    key = office_of(server).directory.create_key(f"writer of {count}").key
    caller = Caller(key.id, key.account_id, key.project_id)
    rows = [
        Row(
            Reservation(f"{key.id}-{n}", now_us(), caller, "mimo-v2.5", "scripted", None, 0),
            Reading(n, 0, 1, 0, 0),
            0,
            status,
            now_us(),
            latency_us * (n + 1),
            None,
        )
        for n in range(count)
    ]
    with office_of(server).database.writing() as connection:
        write_rows(connection, rows)


def good(page: Page) -> None:
    """Nothing that axe finds serious, wide and narrow, and nothing wider than a phone."""
    assert problems(page) == []
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert fits(page)
    assert problems(page) == []
    page.set_viewport_size({"width": 1280, "height": 860})


def test_an_account_pays_first(visit: Visit, server: Server) -> None:
    page = sign_in(visit, "accounts")
    new = page.get_by_role("region", name="New account")
    new.get_by_label("Name").fill("team")
    new.get_by_label("Pays").select_option("first")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="team")).to_be_focused()
    row = page.get_by_role("row").filter(has_text="team")
    expect(row).to_contain_text("First (prepaid)")

    page.get_by_label("Amount").fill("0.00005")
    page.get_by_label("Reference").fill("bank-7")
    for _ in range(2):  # the same payment told twice
        page.get_by_role("button", name="Add to the balance").click()
        expect(page.get_by_role("status").filter(has_text="The balance is CNY 0.00005")).to_be_visible()
        page.get_by_label("Amount").fill("0.00005")
        page.get_by_label("Reference").fill("bank-7")
    expect(page.get_by_role("row").filter(has_text="bank-7")).to_have_count(1)
    page.get_by_label("New project").fill("research")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("listitem").filter(has_text="research")).to_be_visible()
    good(page)

    key = office_of(server).directory.create_key("k", account="team", project="research").secret
    page.wait_for_timeout(1500)  # another process's change is felt within a second or so
    while (status := server.chat(TEXT, headers={"api-key": key}).status_code) == 200:
        pass
    assert status == 402
    page.get_by_label("Amount").fill("x")
    page.get_by_role("button", name="Add to the balance").click()
    assert page.get_by_label("Amount").evaluate("(it) => !it.checkValidity()")
    page.get_by_label("Amount").fill("1")
    page.get_by_label("Reference").fill("")
    page.get_by_role("button", name="Add to the balance").click()
    expect(page.get_by_role("status").filter(has_text=re.compile(r"The balance is CNY (1|0\.9)"))).to_be_visible()
    assert server.chat(TEXT, headers={"api-key": key}).status_code == 200
    page.get_by_role("button", name="Refuse its keys").click()
    expect(page.get_by_role("button", name="Accept its keys again")).to_be_visible()
    assert server.chat(TEXT, headers={"api-key": key}).status_code == 403


def test_a_name_that_is_taken_is_told(visit: Visit) -> None:
    page = sign_in(visit, "accounts")
    page.get_by_role("region", name="New account").get_by_label("Name").fill("default")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert").filter(has_text="there is a default already")).to_be_visible()
    assert all("400 (Bad Request)" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


def test_a_keys_terms_are_chosen_and_changed(visit: Visit, server: Server) -> None:
    directory = office_of(server).directory
    directory.create_account("lab")
    directory.create_project("lab", "speech")
    page = sign_in(visit, "keys")
    page.get_by_label("Name", exact=True).fill("bounded")
    page.get_by_label("Account", exact=True).select_option(label="lab")
    page.get_by_label("Project", exact=True).select_option(label="speech")
    page.get_by_role("checkbox", name="mimo-v2.5", exact=True).check()
    page.get_by_label("Expires").fill("2126-01-31")
    page.get_by_role("button", name="Create key").click()
    key = {"api-key": page.locator("#new-key").inner_text()}
    row = page.get_by_role("row").filter(has_text="bounded")
    expect(row).to_contain_text("lab / speech")
    expect(row).to_contain_text("mimo-v2.5")
    assert server.chat(TEXT, headers=key).status_code == 200
    assert server.chat(dictation(), headers=key).status_code == 403

    page.get_by_role("button", name="Edit bounded").click()
    edit = page.get_by_role("region", name="Edit bounded")
    expect(edit.get_by_label("Name", exact=True)).to_be_focused()
    expect(edit.get_by_label("Expires")).to_have_value("2126-01-31")
    good(page)
    edit.get_by_role("checkbox", name="mimo-v2.5-asr").check()
    edit.get_by_label(re.compile("Limit a month")).fill("12.5")
    edit.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("12.5 a month")
    assert server.chat(dictation(), headers=key).status_code == 200
    (kept,) = [one for one in directory.keys("lab") if one.name == "bounded"]
    assert (kept.monthly_limit_micros, kept.models) == (12_500_000, ("mimo-v2.5", "mimo-v2.5-asr"))
    assert kept.expires_us is not None


def test_prices_have_versions(visit: Visit, server: Server) -> None:
    made = office_of(server).directory.create_key("payer")
    page = sign_in(visit, "prices")
    rows = page.get_by_role("row").filter(has_text="mimo-v2.5")
    expect(rows.filter(has_text="In effect").filter(has_text="CNY 0.02").first).to_contain_text("The beginning")
    page.get_by_label("Model").fill("mimo-v2.5")
    page.get_by_role("button", name="Add a tier").click()
    for tier, amounts in ((1, ("1000", "0.1", "10", "100")), (2, ("", "0.2", "20", "200"))):
        group = page.get_by_role("group", name=f"Tier {tier}")
        for box, text in zip(group.get_by_role("textbox").all(), amounts, strict=True):
            box.fill(text)
    page.get_by_role("button", name="Set the price").click()
    expect(page.get_by_role("status").filter(has_text=re.compile(r"mimo-v2.5 has version \d+"))).to_be_visible()
    expect(rows.filter(has_text="In effect").filter(has_text="up to 1,000")).to_contain_text("CNY 200.00")
    expect(rows.filter(has_text="CNY 0.02").first).to_contain_text("Past")
    page.wait_for_timeout(1500)  # the key was made beside the server
    usage = server.chat(TEXT, headers={"api-key": made.secret}).json()["usage"]
    (line,) = [row for row in office_of(server).reports.all_lines(Span()) if row["key_id"] == made.key.id]
    assert line["cost_micros"] == 10 * usage["prompt_tokens"] + 100 * usage["completion_tokens"]

    page.get_by_label("Model").fill("mimo-v2.5-asr")
    page.get_by_label("From").fill("2126-01-31T12:00")
    page.get_by_label(re.compile("^Hour of audio")).fill("0.75")
    page.get_by_role("button", name="Set the price").click()
    expect(page.get_by_role("row").filter(has_text="CNY 0.75")).to_contain_text("Later")
    expect(page.get_by_role("row").filter(has_text="CNY 0.50")).to_contain_text("In effect")
    good(page)


def test_rows_of_the_ledger_are_paged_filtered_and_exported(visit: Visit, server: Server) -> None:
    write(server, 120)
    write(server, 3, status=503)
    page = sign_in(visit, "requests")
    rows = page.get_by_role("table").locator("tbody tr")
    page.get_by_label("Key").select_option(label="writer of 120")
    expect(rows).to_have_count(50)
    seen = []
    for number in (1, 2, 3):
        expect(page.get_by_role("status").filter(has_text=f"Page {number}")).to_be_visible()
        expect(rows).to_have_count(20 if number == 3 else 50)
        first = "119" if number == 1 else str(119 - 50 * (number - 1))
        expect(rows.first.locator("td").nth(8)).to_have_text(first)
        seen += [int(row.locator("td").nth(8).inner_text()) for row in rows.all()]
        if number < 3:
            page.get_by_role("button", name="Older").click()
    assert seen == list(reversed(range(120)))
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    expect(rows).to_have_count(50)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export as CSV").click()
    assert len(list(csv.DictReader(waiting.value.path().read_text().splitlines()))) == 120
    page.get_by_label("Status").select_option("true")
    expect(page.get_by_text("Nothing was used.")).to_be_visible()
    page.get_by_label("Key").select_option("")
    expect(rows.filter(has_text="503")).to_have_count(3)
    page.get_by_label("To").fill("2001-01-01")
    expect(page.get_by_text("Nothing was used.")).to_be_visible()
    page.get_by_label("To").fill("")
    good(page)


def test_the_overview_tells_how_long_answers_took(visit: Visit, server: Server) -> None:
    write(server, 100, latency_us=10_000_000)  # 10 s, 20 s ... 1000 s: slower than whatever else there is
    page = sign_in(visit, "overview")
    times = page.get_by_role("region", name="Answer times").first
    row = times.get_by_role("row", name=re.compile(r"^mimo-v2\.5 "))
    expect(row).to_contain_text(" s")
    shown = [cell.inner_text() for cell in row.locator("td").all()]
    (asked,) = [one for one in office_of(server).reports.answer_times(Span()) if one.model == "mimo-v2.5"]
    assert float(shown[4].removesuffix(" s").replace(",", "")) == round(asked.latency_us[2] / 10**6, 2)
    assert int(shown[1].replace(",", "")) == asked.answers
    times.get_by_label("Days").select_option("month")
    expect(row.locator("td").nth(1)).to_have_text(shown[1])
    good(page)


def test_the_password_is_changed(browser: Browser, tmp_path: Path) -> None:
    with serving(scripted_settings(accounts=True, data_dir=tmp_path)) as server, visiting(browser, server.url) as visit:
        office_of(server).admin.put_password(PASSWORD)
        page = sign_in(visit, "overview")
        page.get_by_role("button", name="Change the password").click()
        page.get_by_label("Password until now").fill("not the password")
        page.get_by_label("New password").fill("another long one")
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("alert").filter(has_text="The password is wrong.")).to_be_visible()
        page.get_by_label("Password until now").fill(PASSWORD)
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("status").filter(has_text="The password is changed")).to_be_visible()
        page.get_by_role("link", name="Keys").click()
        page.get_by_label("Name", exact=True).fill("afterwards")  # the new session's token counts
        page.get_by_role("button", name="Create key").click()
        expect(page.locator("#new-key")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Password", exact=True).fill("another long one")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert all("401 (Unauthorized)" in complaint for complaint in visit.complaints)
        visit.complaints.clear()


def test_a_password_of_the_environment_is_changed_there(visit: Visit) -> None:
    page = sign_in(visit, "overview")
    page.get_by_role("button", name="Change the password").click()
    page.get_by_label("Password until now").fill(PASSWORD)
    page.get_by_label("New password").fill("another long one")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert").filter(has_text="AURICLE_ADMIN_PASSWORD")).to_be_visible()
    visit.complaints.clear()
