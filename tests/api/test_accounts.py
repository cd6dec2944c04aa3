"""A server with accounts, on the wire: keys, limits, balances, usage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from auricle.accounts.clock import now_us
from auricle.accounts.directory import Directory
from auricle.accounts.office import Office
from auricle.accounts.reports import Span
from auricle.accounts.views import KeyTerms
from tests.serving import Server, audio_part, dictation, question, scripted_settings, serving

TEXT = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = scripted_settings(
        accounts=True, data_dir=tmp_path_factory.mktemp("data"), rate_limits="off", max_concurrent_requests=3
    )
    with serving(settings) as running:
        yield running


def office_of(server: Server) -> Office:
    office: Office = server.app.state.services.office
    return office


@pytest.fixture
def directory(server: Server) -> Directory:
    return office_of(server).directory


class Account:
    """A new account with a key, and what its requests are answered."""

    def __init__(self, server: Server, name: str, prepaid: bool = False, terms: KeyTerms | None = None) -> None:
        self.server = server
        self.directory = office_of(server).directory
        self.name = name
        self.directory.create_account(name, prepaid=prepaid)
        made = self.directory.create_key(name, account=name, terms=terms)
        self.key, self.id = made.secret, made.key.id
        self.wait_known()

    def wait_known(self) -> None:
        """Another process's change is noticed within a second."""
        deadline = now_us() + 5 * 10**6
        while self.get("/v1/models").status_code == 401:
            assert now_us() < deadline

    @property
    def headers(self) -> dict[str, str]:
        return {"api-key": self.key}

    def chat(self, body: dict[str, Any]) -> httpx.Response:
        return self.server.chat(body, headers=self.headers)

    def get(self, path: str) -> httpx.Response:
        with self.server.client(headers=self.headers) as client:
            return client.get(path)

    @property
    def rows(self) -> list[dict[str, Any]]:
        reports = office_of(self.server).reports
        return [line for line in reports.all_lines(Span()) if line["key_id"] == self.id]


def error(reply: httpx.Response) -> tuple[int, str]:
    body = reply.json()["error"]
    assert body["code"] == str(reply.status_code)
    return reply.status_code, body["message"]


def test_an_answer_is_charged_and_told(server: Server) -> None:
    account = Account(server, "plain")
    usage = account.chat(question()).json()["usage"]
    seconds = account.chat(dictation()).json()["usage"]["seconds"]
    talk, heard = sorted(account.rows, key=lambda row: row["seq"])
    assert (talk["prompt_tokens"], talk["completion_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert talk["cost_micros"] == usage["prompt_tokens"] + 2 * usage["completion_tokens"]
    assert talk["first_token_us"] <= talk["latency_us"]
    assert heard["audio_us"] / 10**6 <= seconds < heard["audio_us"] / 10**6 + 1
    assert heard["cost_micros"] == round(heard["audio_us"] * 0.5 / 3600)
    bill = account.get("/v1/usage?by=model").json()
    assert {line["model"]: line["cost_micros"] for line in bill["data"]} == {
        "mimo-v2.5": talk["cost_micros"],
        "mimo-v2.5-asr": heard["cost_micros"],
    }
    assert bill["total"]["cost_micros"] == talk["cost_micros"] + heard["cost_micros"]
    csv = account.get("/v1/usage?by=model&format=csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[0].startswith("model,requests,errors,prompt_tokens")
    assert account.get("/v1/balance").json()["charged"] == f"0.{bill['total']['cost_micros']:06d}"


def test_bad_input_leaves_no_charge_and_no_row(server: Server) -> None:
    account = Account(server, "bad input")
    not_audio = audio_part("bm90IGF1ZGlv")
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {**TEXT, "model": "gpt-5"},
        {**TEXT, "temperature": 3},
        dictation(not_audio),
        question("x", not_audio),
    )
    for body in wrong:
        assert account.chat(body).status_code == 400
    assert account.rows == []


@pytest.mark.parametrize(("script", "status"), [("[[fail 1]]", 503), ("[[filter]]", 421)])
def test_what_failed_leaves_a_row_that_costs_nothing(server: Server, script: str, status: int) -> None:
    account = Account(server, script)
    assert account.chat({**TEXT, "messages": [{"role": "user", "content": f"{script} x"}]}).status_code == status
    deadline = now_us() + 5 * 10**6
    while not (rows := account.rows):
        assert now_us() < deadline
    assert [(row["status"], row["cost_micros"]) for row in rows] == [(status, 0)]


def test_who_hangs_up_pays_for_what_was_written(server: Server) -> None:
    account = Account(server, "hung up")
    text = "[[sleep 0.02]] " + "word " * 100
    body = {**TEXT, "stream": True, "messages": [{"role": "user", "content": text}]}
    with (
        server.client(headers=account.headers) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as reply,
    ):
        lines = (line for line in reply.iter_lines() if line)
        for _ in range(5):
            next(lines)
    deadline = now_us() + 5 * 10**6
    while not (rows := account.rows):
        assert now_us() < deadline
    (row,) = rows
    assert row["status"] == 499
    assert 1 <= row["completion_tokens"] < 100
    assert row["cost_micros"] == row["prompt_tokens"] + 2 * row["completion_tokens"]


def test_a_used_up_balance_is_402(server: Server) -> None:
    account = Account(server, "prepaid", prepaid=True)
    assert error(account.chat(TEXT)) == (402, "Insufficient Balance")
    with openai.OpenAI(api_key=account.key, base_url=f"{server.url}/v1", max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model="mimo-v2.5", messages=[{"role": "user", "content": "hello"}])
        assert caught.value.status_code == 402
    account.directory.top_up("prepaid", 50)
    deadline = now_us() + 5 * 10**6
    while account.chat(TEXT).status_code == 402:
        assert now_us() < deadline
    while account.chat(TEXT).status_code == 200:
        pass
    assert error(account.chat(TEXT)) == (402, "Insufficient Balance")
    spent = sum(row["cost_micros"] for row in account.rows)
    assert 50 <= spent < 50 + max(row["cost_micros"] for row in account.rows)
    assert all(row["status"] == 200 for row in account.rows)


def test_requests_at_once_cannot_overspend(server: Server) -> None:
    account = Account(server, "at once", prepaid=True)
    office_of(server).directory.top_up("at once", 100)
    deadline = now_us() + 5 * 10**6
    while account.chat(TEXT).status_code == 402:
        assert now_us() < deadline
    body = {**TEXT, "max_tokens": 20, "messages": [{"role": "user", "content": "[[sleep 0.02]] " + "word " * 30}]}
    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(lambda _: account.chat(body).status_code, range(30)))
    assert statuses.count(200) >= 1
    assert 402 in statuses
    rows = account.rows
    # Each is reserved for what it costs at most: all but the last to be admitted fit into what there was.
    assert sum(row["cost_micros"] for row in rows) < 100 + max(row["cost_micros"] for row in rows)


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_limits_of_a_key(server: Server, period: str) -> None:
    daily, monthly = (40, None) if period == "daily" else (None, 40)
    terms = KeyTerms(models=("mimo-v2.5",), daily_limit_micros=daily, monthly_limit_micros=monthly)
    account = Account(server, f"limited {period}", terms=terms)
    assert error(account.chat(dictation())) == (403, "Forbidden")
    while account.chat(TEXT).status_code == 200:
        assert len(account.rows) < 20
    reply = account.chat(TEXT)
    assert error(reply) == (402, "Insufficient Balance")
    assert f"{period} limit" in reply.json()["error"]["param"]


@pytest.mark.parametrize("how", ["disabled", "rotated", "expired", "account disabled"])
def test_keys_that_are_refused_at_once(server: Server, directory: Directory, how: str) -> None:
    account = Account(server, how)
    assert account.chat(TEXT).status_code == 200
    expected = 403 if "disabled" in how else 401
    if how == "disabled":
        directory.change_key(account.id, disabled=True)
    elif how == "rotated":
        directory.rotate_key(account.id)
    elif how == "expired":
        directory.change_key(account.id, terms=KeyTerms(expires_us=now_us()))
    else:
        directory.change_account(how, disabled=True)
    deadline = now_us() + 2 * 10**6
    while account.chat(TEXT).status_code == 200:
        assert now_us() < deadline, "another process's change is felt within a second or so"
    assert account.chat(TEXT).status_code == expected


def test_too_many_requests_at_once_of_one_key(server: Server) -> None:
    account = Account(server, "eager")
    body = {**TEXT, "messages": [{"role": "user", "content": "[[sleep 0.1]] a b c d e f g h"}]}
    barrier = threading.Barrier(4)

    def ask(_: int) -> httpx.Response:
        barrier.wait()
        return account.chat(body)

    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(ask, range(4)))
    assert sorted(reply.status_code for reply in replies) == [200, 200, 200, 429]
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert refused.headers["retry-after"] == "1"


def test_headers_tell_what_is_left(tmp_path: Path) -> None:
    models = {"mimo-v2.5": {"engine": "scripted", "requests_a_minute": 2}}
    with serving(scripted_settings(accounts=True, data_dir=tmp_path, models=models)) as server:
        account = Account(server, "counted")
        first = account.chat(TEXT)
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert int(first.headers["x-ratelimit-remaining-tokens"]) <= 10_000_000
        streamed = account.chat({**TEXT, "stream": True})
        assert streamed.headers["x-ratelimit-remaining-requests"] == "0"
        third = account.chat(TEXT)
        assert error(third) == (429, "Too Many Requests")
        assert 1 <= int(third.headers["retry-after"]) <= 60
        assert third.headers["x-ratelimit-remaining-requests"] == "0"


def test_without_a_key_nothing_is_told(server: Server) -> None:
    with server.client() as client:
        for path in ("/v1/usage", "/v1/balance", "/v1/models"):
            assert client.get(path).status_code == 401


def test_a_server_without_accounts_has_no_such_endpoints() -> None:
    with serving(scripted_settings()) as plain, plain.client() as client:
        for path in ("/v1/usage", "/v1/balance", "/admin/v1/session", "/admin/v1/keys"):
            assert client.get(path).status_code == 404


def test_keys_are_in_no_log_and_no_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(scripted_settings(accounts=True, data_dir=tmp_path, log_level="debug")) as server:
        account = Account(server, "secret")
        assert account.chat(TEXT).status_code == 200
        assert account.chat({**TEXT, "model": "none"}).status_code == 400
    assert account.key not in "".join(capfd.readouterr())
    for file in tmp_path.iterdir():
        assert account.key.encode() not in file.read_bytes()
