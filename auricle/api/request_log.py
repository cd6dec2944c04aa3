"""A request id for every request, told to the client and to the log, and one log line a request."""

from __future__ import annotations

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auricle.api.parse import new_request_id

QUIET_PATHS = frozenset({"/health", "/health/ready", "/metrics"})
log = structlog.get_logger("auricle")


class RequestLog:
    """ASGI middleware. Logs method, path, status and time: never headers, queries, bodies or answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_request_id()
        scope["auricle.request_id"] = request_id
        started = time.monotonic()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            quiet = scope["path"] in QUIET_PATHS
            (log.debug if quiet else log.info)(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=round(time.monotonic() - started, 3),
            )
