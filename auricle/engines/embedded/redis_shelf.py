"""What was heard, kept in Redis or Valkey; see `shelf.py`. Imported only where a setting names one."""

from __future__ import annotations

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.shelf import MAX_ENTRY_BYTES, read, written
from auricle.errors import EngineFailed

REDIS_SECONDS = 0.5  # that Redis may take before the audio is heard anew
PREFIX = "auricle:heard:"

log = structlog.get_logger(__name__)


class RedisShelf:
    """Redis or Valkey, shared by several servers. How much it holds is its own setting, `maxmemory`."""

    def __init__(self, url: str, seconds: float) -> None:
        """Raises ValueError for what is no URL of a Redis."""
        self._seconds = seconds
        self._redis = Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)

    async def get(self, name: str) -> Heard | None:
        try:
            content = await self._redis.getex(PREFIX + name, ex=round(self._seconds))
            return None if content is None else read(bytes(content))  # type: ignore[arg-type]  # not decoded: bytes
        except (RedisError, OSError, EngineFailed) as error:
            log.warning("heard_not_read", error=type(error).__name__)
            return None

    async def put(self, name: str, heard: Heard) -> None:
        content = written(heard)
        if len(content) > MAX_ENTRY_BYTES:
            return
        try:
            await self._redis.set(PREFIX + name, content, ex=round(self._seconds))
        except (RedisError, OSError) as error:
            log.warning("heard_not_kept", error=type(error).__name__)

    async def close(self) -> None:
        try:
            await self._redis.aclose()
        except (RedisError, OSError):
            pass
