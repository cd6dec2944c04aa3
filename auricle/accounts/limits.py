"""Requests and tokens a minute, by key and model, with the numbers that MiMo publishes."""

from __future__ import annotations

import math
import time
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from auricle.errors import RateLimited
from auricle.types import Task

REQUESTS_A_MINUTE = 100
TOKENS_A_MINUTE = {Task.UNDERSTAND: 10_000_000, Task.RECOGNIZE: 10_000}


class Limits:
    """`off`, or MiMo's published numbers. In memory: of this process alone."""

    def __init__(self, mode: Literal["off", "mimo"], tasks: dict[str, Task]) -> None:
        self._on = mode == "mimo"
        self._tasks = tasks
        storage = MemoryStorage()
        self._requests = MovingWindowRateLimiter(storage)
        self._tokens = SlidingWindowCounterRateLimiter(storage)  # counts, not one entry a token

    def admit(self, caller: str, model: str) -> None:
        """Count one request. Raises RateLimited, with the seconds until one more would be admitted."""
        if not self._on:
            return
        tokens = self._token_limit(model)
        if not self._tokens.test(tokens, "tokens", caller, model):
            wait = self._tokens.get_window_stats(tokens, "tokens", caller, model).reset_time - time.time()
            raise RateLimited(
                f"{model} is limited to {tokens.amount} tokens a minute", retry_after_seconds=math.ceil(max(wait, 1))
            )
        requests = RateLimitItemPerMinute(REQUESTS_A_MINUTE)
        if not self._requests.hit(requests, "requests", caller, model):
            wait = self._requests.get_window_stats(requests, "requests", caller, model).reset_time - time.time()
            raise RateLimited(
                f"{model} is limited to {REQUESTS_A_MINUTE} requests a minute",
                retry_after_seconds=math.ceil(max(wait, 1)),
            )

    def spend(self, caller: str, model: str, tokens: int) -> None:
        """Count the tokens of an answered request, so that the next ones wait when they were too many."""
        if self._on and tokens:
            limit = self._token_limit(model)
            left = self._tokens.get_window_stats(limit, "tokens", caller, model).remaining
            self._tokens.hit(limit, "tokens", caller, model, cost=max(1, min(tokens, left)))

    def _token_limit(self, model: str) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(TOKENS_A_MINUTE[self._tasks[model]])
