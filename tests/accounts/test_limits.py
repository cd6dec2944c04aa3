from __future__ import annotations

import pytest

from auricle.accounts.keys import Keys, fingerprint
from auricle.accounts.limits import REQUESTS_A_MINUTE, TOKENS_A_MINUTE, Limits
from auricle.errors import RateLimited
from auricle.types import Task

TASKS = {"mimo-v2.5": Task.UNDERSTAND, "mimo-v2.5-asr": Task.RECOGNIZE}


def test_requests_are_counted_by_caller_and_model() -> None:
    limits = Limits("mimo", TASKS)
    for _ in range(REQUESTS_A_MINUTE):
        limits.admit("a", "mimo-v2.5")
    with pytest.raises(RateLimited) as caught:
        limits.admit("a", "mimo-v2.5")
    assert caught.value.retry_after_seconds is not None
    assert 1 <= caught.value.retry_after_seconds <= 60
    limits.admit("b", "mimo-v2.5")
    limits.admit("a", "mimo-v2.5-asr")


def test_tokens_are_counted_after_the_answer() -> None:
    limits = Limits("mimo", TASKS)
    limits.admit("a", "mimo-v2.5-asr")
    limits.spend("a", "mimo-v2.5-asr", TOKENS_A_MINUTE[Task.RECOGNIZE] - 1)
    limits.admit("a", "mimo-v2.5-asr")
    limits.spend("a", "mimo-v2.5-asr", 500)
    with pytest.raises(RateLimited, match="10000 tokens"):
        limits.admit("a", "mimo-v2.5-asr")
    limits.admit("a", "mimo-v2.5")


def test_off_is_off() -> None:
    limits = Limits("off", TASKS)
    for _ in range(10 * REQUESTS_A_MINUTE):
        limits.admit("a", "mimo-v2.5")


def test_keys() -> None:
    keys = Keys(["sk-1", "sk-2"])
    assert keys.knows("sk-1")
    assert keys.knows("sk-2")
    assert not keys.knows("sk-3")
    assert not keys.knows("")
    assert not keys.knows("\udcff")
    assert not Keys([])
    assert "sk-1" not in fingerprint("sk-1")
