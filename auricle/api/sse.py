"""Server-sent events: framing, and a response that stops its work when the client hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auricle.types import Delta

DONE = b"data: [DONE]\n\n"
QUEUED_DELTAS = 64  # read ahead of a slow client
SLOW_READER_SECONDS = 60.0  # for a client to take one event; then its work is stopped

T = TypeVar("T")


def event(body: Mapping[str, Any]) -> bytes:
    """`body` as one event. orjson writes no newline and no NaN, so the frame holds and every event is strict JSON."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


class ClientGone(Exception):
    """The client hung up; there is nobody to answer."""


async def until_disconnected(request: Request) -> None:
    """Return when the client hangs up. Only once the body has been read to its end."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`; if the client hangs up first, `work` is cancelled to its end and ClientGone raised."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(until_disconnected(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        await cancelled(watching)
        await cancelled(working)


async def cancelled(task: asyncio.Future[Any]) -> None:
    """Cancel `task` and wait until it has cleaned up."""
    task.cancel()
    await asyncio.wait({task})


class Pump:
    """Reads a generator in one task of its own, so that waiting for a Delta can time out without cutting it off."""

    def __init__(self, deltas: AsyncGenerator[Delta, None]) -> None:
        self._queue: asyncio.Queue[Delta | None] = asyncio.Queue(QUEUED_DELTAS)
        self._task = asyncio.create_task(self._read(deltas))
        self._closing = False

    async def _read(self, deltas: AsyncGenerator[Delta, None]) -> None:
        try:
            async for delta in deltas:
                await self._queue.put(delta)
        finally:
            await deltas.aclose()
            # Not `cancelling()`: on Python 3.11 a TaskGroup whose task fails while it is waited for leaves that at 1.
            if not self._closing:
                await self._queue.put(None)

    async def next(self, timeout_seconds: float | None = None) -> Delta | None:
        """The next Delta; raises StopAsyncIteration at the end, TimeoutError after `timeout_seconds`, and whatever
        the generator raised in place of more Deltas."""
        delta = await asyncio.wait_for(self._queue.get(), timeout_seconds)
        if delta is None:
            await self._task
            raise StopAsyncIteration
        return delta

    async def close(self) -> None:
        """Stop the generator and wait until it has cleaned up."""
        self._closing = True
        await cancelled(self._task)


class EventStream(Response):
    """A streamed body. When the client hangs up, the generator is closed, wherever it is."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], headers: Mapping[str, str] | None = None) -> None:
        self._events = events
        self.status_code = 200
        self.background = None
        self.body = b""
        # Proxies must neither cache nor collect events.
        self.init_headers({"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        watching = asyncio.create_task(until_disconnected(Request(scope, receive)))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                with suppress(TimeoutError):
                    sending.result()
        finally:
            await cancelled(watching)
            await cancelled(sending)
            await self._events.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for body in self._events:
            async with asyncio.timeout(SLOW_READER_SECONDS):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
