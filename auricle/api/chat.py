"""`POST /v1/chat/completions`: audio understanding and speech recognition, streamed or not."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from auricle.accounts.keys import Caller
from auricle.admission import Claim
from auricle.api import render
from auricle.api.auth import authenticate
from auricle.api.body import read_body
from auricle.api.failures import error_body, request_id_of, translate
from auricle.api.parse import parse_chat
from auricle.api.services import Services, services_of
from auricle.api.sse import DONE, ClientGone, EventStream, Pump, event, while_connected
from auricle.pipeline import ServedModel, collect
from auricle.types import Delta

router = APIRouter()

FIRST_EVENT_SECONDS = 10.0  # until then an error is still a plain HTTP error
HEARTBEAT_SECONDS = 15.0  # an empty delta, so that no proxy thinks the stream is dead


@router.post("/v1/chat/completions", openapi_extra={"requestBody": {"required": True}})
async def create_chat_completion(http: Request) -> Response:
    """Answer a question about audio (`mimo-v2.5`, `mimo-v2-omni`) or transcribe it (`mimo-v2.5-asr`)."""
    services = services_of(http)
    caller = authenticate(http, services.keys)
    sender = caller.id if services.keys or http.client is None else http.client.host
    claim = services.pipeline.admission.memory.claim(sender=sender)
    try:
        return await answer_chat(http, services, caller, claim)
    except ClientGone:
        claim.release()
        return Response(status_code=499)
    except BaseException:
        claim.release()  # the pipeline does it, once it has begun
        raise


async def answer_chat(http: Request, services: Services, caller: Caller, claim: Claim) -> Response:
    """The whole answer, or a stream that has begun; then whatever `claim` covers is the pipeline's."""
    with services.tracing.stage("body") as span:
        body = await read_body(http, services.settings, claim)
        tasks = {name: model.task for name, model in services.pipeline.models.items()}
        request, streaming = parse_chat(body, tasks, request_id_of(http))
        span.set(audios=sum(1 for _ in request.sources()), model=request.model, stream=streaming.wanted)
    del body  # a large audio must not be held longer than it is needed
    model = services.pipeline.find(request)
    head = render.Head(request.id, request.model, int(time.time()), request.task)
    headers = provenance(model)
    deltas = services.pipeline.run(request, caller, claim)
    del request  # the pipeline lets go of the encoded audio once it is decoded
    if streaming.wanted:
        response = await opened_stream(http, head, Pump(deltas), streaming.include_usage, headers)
    else:
        answer = await while_connected(http, collect(deltas))
        response = Response(orjson.dumps(render.completion(head, answer)), 200, headers, "application/json")
    response.headers.update(services.pipeline.limits.headers(caller, model.name))
    return response


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
        counted = None if include_usage else delta.usage
        frames.append(event(render.finish_chunk(head, delta.finish_reason, counted, delta.heard)))
        if include_usage and delta.usage is not None:
            frames.append(event(render.usage_chunk(head, delta.usage)))
    return frames


def provenance(model: ServedModel) -> dict[str, str]:
    """Headers that say which engine and which weights answer under a MiMo name."""
    return {
        "x-auricle-engine": model.engine.name,
        "x-auricle-weights": model.engine.capabilities(model.task).weights,
    }
