from __future__ import annotations

import socket

import pytest

from auricle.accounts.keys import Caller, Keys, find_caller, fingerprint
from auricle.accounts.limits import REQUESTS_A_MINUTE, TOKENS_A_MINUTE, Limits, Quota
from auricle.config import ModelSettings
from auricle.errors import RateLimited, Unauthorized
from auricle.types import Task
from tests.serving import scripted_settings, serving

QUOTAS = {
    "mimo-v2.5": Quota.of(ModelSettings(task=Task.UNDERSTAND)),
    "mimo-v2.5-asr": Quota.of(ModelSettings(task=Task.RECOGNIZE)),
}
ANN, BEN = Caller("key-a", "ann"), Caller("key-b", "ben")


async def test_requests_are_counted_by_account_and_model() -> None:
    limits = Limits(QUOTAS)
    for _ in range(REQUESTS_A_MINUTE):
        await limits.admit(ANN, "mimo-v2.5")
    with pytest.raises(RateLimited) as caught:
        await limits.admit(Caller("another key", "ann"), "mimo-v2.5")
    assert caught.value.retry_after_seconds is not None
    assert 1 <= caught.value.retry_after_seconds <= 60
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "0"
    await limits.admit(BEN, "mimo-v2.5")
    await limits.admit(ANN, "mimo-v2.5-asr")


async def test_tokens_are_counted_after_the_answer() -> None:
    limits = Limits(QUOTAS)
    await limits.admit(ANN, "mimo-v2.5-asr")
    await limits.spend(ANN, "mimo-v2.5-asr", TOKENS_A_MINUTE[Task.RECOGNIZE] - 1)
    await limits.admit(ANN, "mimo-v2.5-asr")
    assert limits.headers(ANN, "mimo-v2.5-asr")["x-ratelimit-remaining-tokens"] == "1"
    await limits.spend(ANN, "mimo-v2.5-asr", 500)
    with pytest.raises(RateLimited, match="10000 tokens"):
        await limits.admit(ANN, "mimo-v2.5-asr")
    await limits.admit(ANN, "mimo-v2.5")


async def test_the_numbers_can_be_configured() -> None:
    limits = Limits({"m": Quota.of(ModelSettings(task=Task.UNDERSTAND, requests_a_minute=2, tokens_a_minute=7))})
    await limits.admit(ANN, "m")
    await limits.spend(ANN, "m", 3)
    headers = limits.headers(ANN, "m")
    resets = [headers.pop(f"x-ratelimit-reset-{of}") for of in ("requests", "tokens")]
    assert all(1 <= int(reset.removesuffix("s")) <= 60 for reset in resets)
    assert headers == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-limit-tokens": "7",
        "x-ratelimit-remaining-tokens": "4",
    }
    await limits.admit(ANN, "m")
    with pytest.raises(RateLimited, match="2 requests"):
        await limits.admit(ANN, "m")


async def test_off_is_off() -> None:
    limits = Limits()
    for _ in range(10 * REQUESTS_A_MINUTE):
        await limits.admit(ANN, "mimo-v2.5")
    assert limits.headers(ANN, "mimo-v2.5") == {}


def test_requests_at_once_are_counted_by_key() -> None:
    limits = Limits(max_concurrent_requests=2)
    with (
        limits.in_progress(ANN),
        limits.in_progress(ANN),
        limits.in_progress(BEN),
        pytest.raises(RateLimited),
        limits.in_progress(ANN),
    ):
        pass
    with limits.in_progress(ANN):
        pass


async def test_servers_share_what_redis_counts(redis: str) -> None:
    quota = {"m": Quota(requests=3, tokens=100)}
    one, other = Limits(quota, redis), Limits(quota, redis)
    await one.admit(ANN, "m")
    await other.admit(ANN, "m")
    await one.admit(ANN, "m")
    with pytest.raises(RateLimited):
        await other.admit(ANN, "m")
    await one.spend(BEN, "m", 100)
    with pytest.raises(RateLimited, match="tokens"):
        await other.admit(BEN, "m")


def test_servers_with_one_redis_count_together_on_the_wire(redis: str) -> None:
    models = {"mimo-v2.5": {"engine": "scripted", "requests_a_minute": 3}}
    settings = scripted_settings(api_keys="sk-shared", limits_url=redis, models=models)
    body = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}
    key = {"api-key": "sk-shared"}
    with serving(settings) as one, serving(settings) as other:
        replies = [server.chat(body, headers=key) for server in (one, other, one, other)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining-requests"] for reply in replies] == ["2", "1", "0", "0"]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60


async def test_without_its_redis_a_server_counts_for_itself() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{free.getsockname()[1]}/0"
    limits = Limits({"m": Quota(requests=1, tokens=100)}, url)
    await limits.admit(ANN, "m")
    with pytest.raises(RateLimited):
        await limits.admit(ANN, "m")


def test_keys() -> None:
    keys = Keys(["sk-1", "sk-2"])
    assert keys.knows("sk-1")
    assert keys.knows("sk-2")
    assert not keys.knows("sk-3")
    assert not keys.knows("")
    assert not keys.knows("\udcff")
    assert not Keys([])
    assert "sk-1" not in fingerprint("sk-1")
    assert find_caller(keys, ["sk-3", "sk-2"]).id == fingerprint("sk-2")
    for presented in ([], ["sk-3"]):
        with pytest.raises(Unauthorized):
            find_caller(keys, presented)
