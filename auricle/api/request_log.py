"""A request id for every request, told to the client, to the log and to traces, and one log line a request."""

from __future__ import annotations

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auricle.api.metrics import Metrics
from auricle.api.parse import new_request_id
from auricle.tracing import Tracing

QUIET_PATHS = frozenset({"/health", "/health/ready", "/metrics"})
log = structlog.get_logger("auricle")


class RequestLog:
    """ASGI middleware. Logs method, path, status and time: never headers, queries, bodies or answers.

    Every line that is logged while the request is worked on carries its id.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

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

        method, path = scope["method"], scope["path"]
        quiet = path in QUIET_PATHS
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                if quiet:
                    await self._app(scope, receive, named)
                else:
                    with self._tracing.serve(method, Headers(scope=scope)) as span:
                        await self._app(scope, receive, named)
                        span.set(request_id=request_id, route=route(scope), status=status)
                        if status >= 500:
                            span.fail(str(status))
            finally:
                seconds = time.monotonic() - started
                self._metrics.responded(method, route(scope), status)
                line = log.debug if quiet else log.info
                line("request", method=method, path=path, status=status, seconds=round(seconds, 3))


def route(scope: Scope) -> str:
    """The path as it was declared, for names that must stay few: whatever is no route is `other`."""
    return str(getattr(scope.get("route"), "path", "other"))
