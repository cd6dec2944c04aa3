"""`POST /v1/chat/completions`: audio understanding and speech recognition, streamed or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from auricle.api import render
from auricle.api.auth import authenticate
from auricle.api.failures import error_body, request_id_of, translate
from auricle.api.parse import parse_chat, read_json
from auricle.api.services import services_of
from auricle.api.sse import DONE, ClientGone, EventStream, Pump, event, while_connected
from auricle.errors import BodyTooLarge
from auricle.pipeline import ServedModel, collect
from auricle.types import Delta

router = APIRouter()

LARGE_BODY_BYTES = 256 * 1024  # parsed in a thread from here on
FIRST_EVENT_SECONDS = 10.0  # until then an error is still a plain HTTP error
HEARTBEAT_SECONDS = 15.0  # an empty delta, so that no proxy thinks the stream is dead


@router.post("/v1/chat/completions", openapi_extra={"requestBody": {"required": True}})
async def create_chat_completion(http: Request) -> Response:
    """Answer a question about audio (`mimo-v2.5`, `mimo-v2-omni`) or transcribe it (`mimo-v2.5-asr`)."""
    services = services_of(http)
    caller = authenticate(http, services.keys)
    raw = await read_object(http, services.settings.max_body_bytes)
    tasks = {name: model.task for name, model in services.pipeline.models.items()}
    request, streaming = parse_chat(raw, tasks, request_id_of(http))
    del raw  # a large audio must not be held twice while it is worked on
    model = services.pipeline.find(request)
    head = render.Head(request.id, request.model, int(time.time()), request.task)
    headers = provenance(model)
    deltas = services.pipeline.run(request, caller)
    del request  # the pipeline lets go of the encoded audio once it is decoded
    try:
        if streaming.wanted:
            response = await opened_stream(http, head, Pump(deltas), streaming.include_usage, headers)
        else:
            answer = await while_connected(http, collect(deltas))
            body = orjson.dumps(render.completion(head, answer))
            response = Response(body, headers=headers, media_type="application/json")
    except ClientGone:
        return Response(status_code=499)
    response.headers.update(services.pipeline.limits.headers(caller, model.name))
    return response


async def read_object(http: Request, limit_bytes: int) -> dict[str, Any]:
    """The JSON object of the body. Raises BodyTooLarge as soon as it is known, and InvalidField."""
    declared = http.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise BodyTooLarge(f"the body has {declared} bytes, the limit is {limit_bytes}")
    body = bytearray()
    async for piece in http.stream():
        body += piece
        if len(body) > limit_bytes:
            raise BodyTooLarge(f"the body has more than {limit_bytes} bytes")
    if len(body) > LARGE_BODY_BYTES:
        return await asyncio.to_thread(read_json, body)
    return read_json(body)


async def opened_stream(
    http: Request, head: render.Head, pump: Pump, include_usage: bool, headers: dict[str, str]
) -> Response:
    """A response once the first Delta is there, or once waiting longer would look dead.

    Whatever is wrong until then is raised, and so becomes a plain HTTP error.
    """
    first: Delta | None = None
    try:
        try:
            first = await while_connected(http, pump.next(FIRST_EVENT_SECONDS))
        except TimeoutError:
            pass
    except BaseException:
        await pump.close()
        raise
    return EventStream(events(head, pump, first, include_usage), headers)


async def events(
    head: render.Head, pump: Pump, first: Delta | None, include_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The frames of a stream, from the role to `[DONE]`, or to the error that ended it."""
    try:
        yield event(render.first_chunk(head))
        delta = first
        while True:
            if delta is not None:
                for frame in frames(head, delta, include_usage):
                    yield frame
            try:
                delta = await pump.next(HEARTBEAT_SECONDS)
            except TimeoutError:
                yield event(render.chunk(head, {}))
                delta = None
            except StopAsyncIteration:
                yield DONE
                return
    except Exception as error:
        yield event(error_body(translate(error, head.id)))
    finally:
        await pump.close()


def frames(head: render.Head, delta: Delta, include_usage: bool) -> list[bytes]:
    """One Delta as events."""
    frames = []
    if delta.reasoning or delta.content or delta.tool_calls:
        frames.append(event(render.delta_chunk(head, delta)))
    if delta.finish_reason is not None:
        frames.append(event(render.finish_chunk(head, delta.finish_reason, None if include_usage else delta.usage)))
        if include_usage and delta.usage is not None:
            frames.append(event(render.usage_chunk(head, delta.usage)))
    return frames


def provenance(model: ServedModel) -> dict[str, str]:
    """Headers that say which engine and which weights answer under a MiMo name."""
    return {
        "x-auricle-engine": model.engine.name,
        "x-auricle-weights": model.engine.capabilities(model.task).weights,
    }
