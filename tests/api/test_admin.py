"""The administrator's endpoints: sign-in, fences against other pages, keys, top-ups, prices, bills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from auricle.accounts.admin import TRIES_A_MINUTE
from tests.serving import Server, scripted_settings, serving

PASSWORD = "correct horse battery"
TEXT = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with serving(scripted_settings(accounts=True, data_dir=folder, admin_password=PASSWORD)) as running:
        yield running


@contextmanager
def signed_in(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        reply = client.post("/admin/v1/session", json={"password": PASSWORD})
        assert reply.status_code == 200
        client.headers["x-csrf-token"] = reply.json()["csrf_token"]
        yield client


@pytest.fixture
def admin(server: Server) -> Iterator[httpx.Client]:
    with signed_in(server) as client:
        yield client


def test_everything_needs_a_session(server: Server) -> None:
    with server.client() as client:
        document = client.get("/openapi.json").json()
        asked = 0
        for path, operations in document["paths"].items():
            if not path.startswith("/admin/v1") or path in ("/admin/v1/session", "/admin/v1/setup"):
                continue
            for method in operations:
                url = path.replace("{account}", "default").replace("{key}", "k")
                assert client.request(method, url, json={}).status_code in (400, 401), (method, url)
                assert client.request(method, url, params={"month": "2026-01"}).status_code in (400, 401)
                asked += 1
        assert asked >= 15
        assert client.get("/admin/v1/session").json() == {"signed_in": False, "setup_needed": False}
        assert client.get("/admin/v1/accounts").status_code == 401


def test_a_changing_request_needs_the_token(admin: httpx.Client) -> None:
    token = admin.headers.pop("x-csrf-token")
    assert admin.get("/admin/v1/keys").status_code == 200
    for wrong in ({}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": "ä"}):
        reply = admin.post("/admin/v1/keys", json={"name": "k"}, headers=httpx.Headers(wrong, encoding="utf-8"))
        assert reply.status_code == 403
    right = {"x-csrf-token": token}
    assert admin.post("/admin/v1/keys", json={"name": "k"}, headers=right).status_code == 201
    for site in ("cross-site", "same-site"):
        headers = {**right, "sec-fetch-site": site}
        assert admin.post("/admin/v1/keys", json={"name": "k"}, headers=headers).status_code == 403
        assert admin.get("/admin/v1/keys", headers=headers).status_code == 403


def test_the_cookie_is_for_no_script_and_no_other_site(server: Server) -> None:
    with server.client() as client:
        reply = client.post("/admin/v1/session", json={"password": PASSWORD})
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert reply.headers["cache-control"] == "no-store"
        assert "access-control-allow-credentials" not in reply.headers


def test_a_session_ends_with_its_sign_out(server: Server) -> None:
    with signed_in(server) as client:
        cookies = dict(client.cookies)
        assert client.delete("/admin/v1/session").status_code == 204
        client.cookies.update(cookies)
        assert client.get("/admin/v1/keys").status_code == 401


def test_guessing_is_slow(tmp_path: Path) -> None:
    with (
        serving(scripted_settings(accounts=True, data_dir=tmp_path, admin_password=PASSWORD)) as server,
        server.client() as client,
    ):
        statuses = [
            client.post("/admin/v1/session", json={"password": f"guess {n}"}).status_code
            for n in range(TRIES_A_MINUTE + 1)
        ]
        assert statuses == [401] * TRIES_A_MINUTE + [429]
        reply = client.post("/admin/v1/session", json={"password": PASSWORD})
        assert reply.status_code == 429
        assert int(reply.headers["retry-after"]) > 0


def test_guessing_the_code_is_slow_too(tmp_path: Path) -> None:
    with serving(scripted_settings(accounts=True, data_dir=tmp_path)) as server, server.client() as client:
        code = server.app.state.services.office.admin.setup_code()
        for n in range(TRIES_A_MINUTE):
            reply = client.post("/admin/v1/setup", json={"code": f"{n}", "password": PASSWORD})
            assert reply.status_code == 401
        assert client.post("/admin/v1/setup", json={"code": code, "password": PASSWORD}).status_code == 429


def test_the_password_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_ADMIN_PASSWORD", PASSWORD)
    monkeypatch.setenv("AURICLE_ACCOUNTS", "true")
    with serving(scripted_settings(data_dir=tmp_path)) as server, server.client() as client:
        assert server.app.state.services.office.admin.setup_code() is None
        assert client.get("/admin/v1/session").json() == {"signed_in": False, "setup_needed": False}
        assert client.post("/admin/v1/session", json={"password": f"{PASSWORD}."}).status_code == 401
        reply = client.post("/admin/v1/session", json={"password": PASSWORD})
        assert reply.status_code == 200
        client.headers["x-csrf-token"] = reply.json()["csrf_token"]
        change = {"current": PASSWORD, "new": "another long one"}
        refused = client.put("/admin/v1/password", json=change)
        assert (refused.status_code, "AURICLE_ADMIN_PASSWORD" in refused.json()["error"]["param"]) == (400, True)
    assert PASSWORD.encode() not in (tmp_path / "auricle.db").read_bytes()


def test_what_can_be_done_with_the_rows_and_times(server: Server, admin: httpx.Client) -> None:
    key = admin.post("/admin/v1/keys", json={"name": "rows"}).json()
    for _ in range(3):
        assert server.chat(TEXT, headers={"api-key": key["key"]}).status_code == 200
    mine = {"key": key["id"]}
    assert len(admin.get("/admin/v1/requests", params={**mine, "model": "mimo-v2.5"}).json()["data"]) == 3
    for none in ({"model": "mimo-v2-omni"}, {"errors": "true"}, {"status": "499"}, {"project": "prj_0"}):
        assert admin.get("/admin/v1/requests", params={**mine, **none}).json()["data"] == []
    (times,) = [one for one in admin.get("/admin/v1/answer-times").json()["data"] if one["model"] == "mimo-v2.5"]
    assert times["answers"] >= 3
    assert 0 < times["latency_seconds"]["p50"] <= times["latency_seconds"]["p95"] <= times["latency_seconds"]["p99"]
    assert times["first_token_seconds"]["p50"] <= times["latency_seconds"]["p50"]
    assert admin.get("/admin/v1/answer-times", params={"to": "2001-01-01"}).json()["data"] == []


def test_the_password_is_chosen_once_with_the_code(tmp_path: Path) -> None:
    settings = scripted_settings(accounts=True, data_dir=tmp_path)
    with serving(settings) as server, server.client() as client:
        assert client.get("/admin/v1/session").json()["setup_needed"]
        code = server.app.state.services.office.admin.setup_code()
        assert client.post("/admin/v1/setup", json={"code": "0", "password": PASSWORD}).status_code == 401
        assert client.post("/admin/v1/setup", json={"code": code, "password": "short"}).status_code == 400
        reply = client.post("/admin/v1/setup", json={"code": code, "password": PASSWORD})
        assert reply.status_code == 200
        assert client.post("/admin/v1/setup", json={"code": code, "password": PASSWORD}).status_code == 401
        client.headers["x-csrf-token"] = reply.json()["csrf_token"]
        change = {"current": PASSWORD, "new": "another long one"}
        assert client.put("/admin/v1/password", json=change).status_code == 200
    assert PASSWORD.encode() not in (tmp_path / "auricle.db").read_bytes()
    with serving(settings) as server, server.client() as client:
        assert not client.get("/admin/v1/session").json()["setup_needed"]
        assert client.post("/admin/v1/session", json={"password": PASSWORD}).status_code == 401
        assert client.post("/admin/v1/session", json={"password": "another long one"}).status_code == 200


def test_from_the_first_key_to_the_bill(server: Server, admin: httpx.Client) -> None:
    account = admin.post("/admin/v1/accounts", json={"name": "team", "prepaid": True}).json()
    assert admin.post("/admin/v1/accounts/team/projects", json={"name": "research"}).status_code == 201
    made = admin.post(
        "/admin/v1/keys",
        json={"name": "laptop", "account": "team", "project": "research", "models": ["mimo-v2.5"], "daily_limit": "1"},
    )
    assert made.headers["cache-control"] == "no-store"
    key = made.json()
    headers = {"api-key": key["key"]}
    assert server.chat(TEXT, headers=headers).status_code == 402  # known at once, and without money
    paid = {"amount": "0.01", "reference": "bank-7"}
    for _ in range(2):
        reply = admin.post("/admin/v1/accounts/team/top-ups", json=paid)
        assert reply.json()["balance"] == "0.010000"
    usage = server.chat(TEXT, headers=headers).json()["usage"]
    cost = usage["prompt_tokens"] + 2 * usage["completion_tokens"]
    price = {"model": "mimo-v2.5", "tiers": [{"input_hit": "1", "input_miss": "2", "output": "3"}]}
    version = admin.post("/admin/v1/prices", json=price).json()["version"]
    server.chat(TEXT, headers=headers)
    rows = admin.get("/admin/v1/requests", params={"account": "team"}).json()["data"]
    assert [row["price_version"] for row in rows] == [version, 1]
    assert rows[1]["cost_micros"] == cost
    assert rows[0]["cost_micros"] == 2 * usage["prompt_tokens"] + 3 * usage["completion_tokens"]
    total = sum(row["cost_micros"] for row in rows)
    month = rows[0]["time"][:7]
    bill = admin.get("/admin/v1/bills", params={"month": month, "account": account["id"]}).json()
    assert [(line["project_name"], line["key_name"], line["cost_micros"]) for line in bill["data"]] == [
        ("research", "laptop", total)
    ]
    assert bill["total"]["cost_micros"] == total
    balance = admin.get("/admin/v1/accounts/team").json()
    assert balance["balance"] == f"0.{10_000 - total:06d}"
    csv = admin.get("/admin/v1/bills", params={"month": month, "format": "csv"})
    assert f'filename="auricle-bill-{month}.csv"' in csv.headers["content-disposition"]
    assert "research" in csv.text
    lines = admin.get("/admin/v1/requests", params={"account": "team", "format": "csv"}).text.splitlines()
    assert len(lines) == 3
    assert admin.get("/admin/v1/overview").json()["today"]["requests"] >= 2

    rotated = admin.post(f"/admin/v1/keys/{key['id']}/rotate").json()
    assert server.chat(TEXT, headers=headers).status_code == 401
    headers = {"api-key": rotated["key"]}
    assert server.chat(TEXT, headers=headers).status_code == 200
    assert admin.patch(f"/admin/v1/keys/{key['id']}", json={"disabled": True}).status_code == 200
    assert server.chat(TEXT, headers=headers).status_code == 403
    for listed in (admin.get("/admin/v1/keys").text, admin.get("/admin/v1/requests").text):
        assert key["key"] not in listed
        assert rotated["key"] not in listed


def test_a_spreadsheet_is_given_no_formula(server: Server, admin: httpx.Client) -> None:
    key = admin.post("/admin/v1/keys", json={"name": '=HYPERLINK("http://example.com")'}).json()
    assert server.chat(TEXT, headers={"api-key": key["key"]}).status_code == 200
    csv = admin.get("/admin/v1/usage", params={"by": "key", "format": "csv"}).text
    assert "'=HYPERLINK" in csv


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/v1/keys", {}),
        ("/admin/v1/keys", {"name": "k", "nonsense": 1}),
        ("/admin/v1/keys", {"name": "k", "daily_limit": "-1"}),
        ("/admin/v1/keys", {"name": "k", "daily_limit": "0.0000001"}),
        ("/admin/v1/accounts", {"name": "default"}),
        ("/admin/v1/accounts/default/top-ups", {"amount": "0"}),
        ("/admin/v1/accounts/default/top-ups", {"amount": 5}),
        ("/admin/v1/prices", {"model": "m", "hour": "-1"}),
        ("/admin/v1/prices", {"model": "m", "from": "2020-01-01T00:00:00Z"}),
    ],
)
def test_bodies_that_will_not_do(admin: httpx.Client, path: str, body: dict[str, object]) -> None:
    reply = admin.post(path, json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "Param Incorrect"


@pytest.mark.parametrize("query", ["bills?month=2026-13", "bills?month=x", "usage?by=colour", "usage?from=today"])
def test_reports_that_cannot_be(admin: httpx.Client, query: str) -> None:
    assert admin.get(f"/admin/v1/{query}").status_code == 400
