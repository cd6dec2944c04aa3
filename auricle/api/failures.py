"""Errors to JSON bodies: the one place where a failure becomes wire."""

from __future__ import annotations

import math
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auricle.errors import AuricleError, BadRequest, InternalError, InvalidField, MethodNotAllowed, NotFound

log = structlog.get_logger("auricle")


def error_body(error: AuricleError) -> dict[str, Any]:
    """The official shape: `code` is the status as a string, `message` the class, `param` the detail."""
    return {
        "error": {"code": str(error.status), "message": error.message, "param": error.param, "type": ""},
    }


def error_response(error: AuricleError) -> Response:
    headers = dict(error.headers)
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_seconds))
    return Response(orjson.dumps(error_body(error)), error.status, headers, "application/json")


def translate(error: Exception, request_id: str) -> AuricleError:
    """`error` if it is ours; else an InternalError with the id under which the log has the traceback."""
    if isinstance(error, AuricleError):
        return error
    log.error("request failed", request_id=request_id, exc_info=error)
    return InternalError(f"something went wrong here; the log has it under {request_id}")


def install(app: FastAPI) -> None:
    """Have `app` answer every failure in the official shape."""

    async def ours(request: Request, error: Exception) -> Response:
        return error_response(translate(error, request_id_of(request)))

    async def frameworks(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            problem = error.errors()[0]
            return error_response(InvalidField(str(problem["loc"][-1]), str(problem["msg"])))
        if not isinstance(error, HTTPException):
            return await ours(request, error)
        if error.status_code == 404:
            return error_response(NotFound(f"there is no {request.method} {request.url.path}"))
        if error.status_code == 405:
            response = error_response(MethodNotAllowed(f"{request.url.path} does not take {request.method}"))
            response.headers.update(error.headers or {})  # Allow
            return response
        return error_response(BadRequest(str(error.detail)))

    app.add_exception_handler(HTTPException, frameworks)
    app.add_exception_handler(RequestValidationError, frameworks)
    app.add_exception_handler(AuricleError, ours)


class Boundary:
    """ASGI middleware inside CORS: what nobody expected becomes our 500, readable for browsers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if scope["type"] != "http":
                raise
            failure = translate(error, request_id_of(Request(scope)))
            if not started:
                await error_response(failure)(scope, receive, send)


def request_id_of(request: Request) -> str:
    return str(request.scope.get("auricle.request_id", ""))
