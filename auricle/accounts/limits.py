"""Requests and tokens a minute by account and model, with the numbers that MiMo publishes; requests at once by key."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from auricle.accounts.keys import Caller
from auricle.config import ModelSettings
from auricle.errors import RateLimited
from auricle.types import Task

REQUESTS_A_MINUTE = 100
TOKENS_A_MINUTE = {Task.UNDERSTAND: 10_000_000, Task.RECOGNIZE: 10_000}
STORAGE_SECONDS = 1.0  # that Redis may take before each server counts for itself
REMEMBERED = 10_000  # pairs of account and model whose headers are kept

log = structlog.get_logger("auricle")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quota:
    """Of one model, for each account."""

    requests: int  # a minute
    tokens: int  # a minute

    @classmethod
    def of(cls, model: ModelSettings) -> Quota:
        """What is configured, else the official numbers."""
        return cls(
            model.requests_a_minute or REQUESTS_A_MINUTE,
            model.tokens_a_minute or TOKENS_A_MINUTE[model.task],
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a quota."""

    limit: int
    remaining: int
    reset_seconds: int

    def headers(self, of: str) -> dict[str, str]:
        return {
            f"x-ratelimit-limit-{of}": str(self.limit),
            f"x-ratelimit-remaining-{of}": str(self.remaining),
            f"x-ratelimit-reset-{of}": f"{self.reset_seconds}s",
        }


class Meter:
    """Counts in one storage, blocking."""

    def __init__(self, storage: Storage) -> None:
        self._requests = MovingWindowRateLimiter(storage)
        self._tokens = SlidingWindowCounterRateLimiter(storage)  # counts, not one entry a token

    def admit(self, account: str, model: str, quota: Quota) -> tuple[bool, Standing, Standing]:
        """Count one request, if there is room for it; what is left of requests and of tokens."""
        item = RateLimitItemPerMinute(quota.requests)
        tokens = self._standing(self._tokens, RateLimitItemPerMinute(quota.tokens), "tokens", account, model)
        admitted = tokens.remaining > 0 and self._requests.hit(item, "requests", account, model)
        return admitted, self._standing(self._requests, item, "requests", account, model), tokens

    def spend(self, account: str, model: str, quota: Quota, tokens: int) -> Standing:
        """Count tokens, as many as there is room for: with the room used up, the next requests wait."""
        item = RateLimitItemPerMinute(quota.tokens)
        left = self._standing(self._tokens, item, "tokens", account, model).remaining
        self._tokens.hit(item, "tokens", account, model, cost=max(1, min(tokens, left)))
        return self._standing(self._tokens, item, "tokens", account, model)

    def _standing(self, limiter: RateLimiter, item: RateLimitItemPerMinute, *names: str) -> Standing:
        stats = limiter.get_window_stats(item, *names)
        return Standing(item.amount, stats.remaining, math.ceil(max(stats.reset_time - time.time(), 1)))


class Limits:
    """Whether one more request may run now. Without quotas everything may."""

    def __init__(
        self, quotas: Mapping[str, Quota] | None = None, url: str | None = None, max_concurrent_requests: int = 0
    ) -> None:
        """`quotas` by model; `url` of the Redis or Valkey that counts, else this process's memory."""
        self._quotas = dict(quotas or {})
        self._own = Meter(MemoryStorage())
        self._shared = Meter(shared_storage(url)) if url and quotas else None
        self._max_concurrent_requests = max_concurrent_requests
        self._running: Counter[str] = Counter()
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    @contextmanager
    def in_progress(self, caller: Caller) -> Iterator[None]:
        """Count a request while it runs. Raises RateLimited if its key has too many at this server."""
        if self._max_concurrent_requests and self._running[caller.id] >= self._max_concurrent_requests:
            raise RateLimited(
                f"{self._running[caller.id]} requests of this key are in progress, which is the limit",
                retry_after_seconds=1,
            )
        self._running[caller.id] += 1
        try:
            yield
        finally:
            self._running[caller.id] -= 1
            if not self._running[caller.id]:
                del self._running[caller.id]

    async def admit(self, caller: Caller, model: str) -> None:
        """Count one request. Raises RateLimited, with the seconds until one more would be admitted."""
        quota = self._quotas.get(model)
        if quota is None:
            return
        admitted, requests, tokens = await self._count(lambda meter: meter.admit(caller.account, model, quota))
        headers = requests.headers("requests") | tokens.headers("tokens")
        self._remember(caller, model, headers)
        if admitted:
            return
        name, standing = ("requests", requests) if tokens.remaining > 0 else ("tokens", tokens)
        raise RateLimited(
            f"{model} is limited to {standing.limit} {name} a minute",
            retry_after_seconds=standing.reset_seconds,
            headers=headers,
        )

    async def spend(self, caller: Caller, model: str, tokens: int) -> None:
        """Count the tokens of an answered request, so that the next ones wait when they were too many."""
        quota = self._quotas.get(model)
        if quota is not None and tokens:
            left = await self._count(lambda meter: meter.spend(caller.account, model, quota, tokens))
            self._remember(caller, model, left.headers("tokens"))

    def headers(self, caller: Caller, model: str) -> dict[str, str]:
        """`x-ratelimit-*`: what this account has left of `model`, as last counted."""
        return dict(self._known.get((caller.account, model), {}))

    async def _count(self, count: Callable[[Meter], T]) -> T:
        if self._shared is not None:
            try:
                return await asyncio.to_thread(count, self._shared)
            except StorageError as error:
                # Better a limit for each server than no service.
                log.warning("limits_url does not answer; this server counts for itself", detail=str(error))
        return count(self._own)

    def _remember(self, caller: Caller, model: str, headers: dict[str, str]) -> None:
        place = (caller.account, model)
        self._known[place] = self._known.pop(place, {}) | headers
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


def shared_storage(url: str) -> Storage:
    """Redis or Valkey. Raises `limits`' ConfigurationError for a URL that is neither."""
    options = {"socket_timeout": STORAGE_SECONDS, "socket_connect_timeout": STORAGE_SECONDS}
    return storage_from_string(url, wrap_exceptions=True, **options)  # type: ignore[return-value]
