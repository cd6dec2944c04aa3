"""Answers that are given before the body has been read: too large, too slow, no room, a wrong key.

The client hears the answer at once, then the connection ends: reading the rest of a body that nobody wants would cost
as much as taking it. What is under way is thrown away for a moment, because closing a connection with unread bytes
resets it, and some clients lose the answer with that.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auricle.api.failures import error_response
from auricle.errors import BodyTooLarge

LINGER_SECONDS = 2.0
LINGER_BYTES = 8 * 1024 * 1024
SMALL_BODY_BYTES = 1024 * 1024
LARGE_BODIES = ("/v1/chat/", "/v1/audio/")  # paths that read bodies by rules of their own


class Unread:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        complete = False
        size = 0
        limit_bytes = None if scope["path"].startswith(LARGE_BODIES) else SMALL_BODY_BYTES

        async def counted() -> Message:
            nonlocal complete, size
            message = await receive()
            size += len(message.get("body", b""))
            if limit_bytes is not None and size > limit_bytes:
                raise BodyTooLarge(f"the body has more than {limit_bytes} bytes")
            complete = complete or message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def answered(message: Message) -> None:
            if complete or (message["type"] == "http.response.body" and message.get("more_body", False)):
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
                await send(message)
            else:
                await send({**message, "more_body": True})
                await discard(receive)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        declared = Headers(scope=scope).get("content-length", "")
        if limit_bytes is not None and declared.isdecimal() and int(declared) > limit_bytes:
            error = BodyTooLarge(f"the body has {declared} bytes, the limit here is {limit_bytes}")
            await error_response(error)(scope, counted, answered)
            return
        await self._app(scope, counted, answered)


def has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def discard(receive: Receive) -> None:
    """Read what still comes, for a while."""
    until = time.monotonic() + LINGER_SECONDS
    size = 0
    try:
        while size < LINGER_BYTES:
            async with asyncio.timeout(until - time.monotonic()):
                message = await receive()
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
    except TimeoutError:
        pass
