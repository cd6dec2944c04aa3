"""Apps with a heart: how long the event loop was blocked, told by the server itself.

`auricle` is a server with the scripted engine; `plain` is what a web framework's tutorial makes of the same request:
FastAPI, a pydantic model of the body, `base64.b64decode`, PyAV. uvicorn runs both the same way (`--factory`).
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import av
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

BEAT_SECONDS = 0.005


class Heart:
    """ASGI app around another one: beats on its loop, tells at `/beats` the longest pause since it was asked, and at
    `/tasks` how many tasks there are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._longest = 0.0
        self._beating: asyncio.Task[None] | None = None

    async def _beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.perf_counter()
            self._longest = max(self._longest, now - last - BEAT_SECONDS)
            last = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/beats":
            self._beating = self._beating or asyncio.create_task(self._beat())
            longest, self._longest = self._longest, 0.0
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(longest).encode()})
        elif scope["type"] == "http" and scope["path"] == "/tasks":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(len(asyncio.all_tasks())).encode()})
        else:
            await self._app(scope, receive, send)


def auricle() -> ASGIApp:
    from auricle import logs
    from auricle.app import create_app
    from auricle.config import load_settings

    models = {name: {"engine": "scripted"} for name in ("mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr")}
    engines = {"scripted": {"kind": "scripted", "context_length": 1_000_000}}
    logs.configure(settings := load_settings(models=models, engines=engines, log_level="warning"))
    return Heart(create_app(settings))


class Audio(BaseModel):
    data: str


class Part(BaseModel):
    type: str
    input_audio: Audio | None = None
    text: str | None = None


class Message(BaseModel):
    role: str
    content: list[Part]


class Chat(BaseModel):
    model: str
    messages: list[Message]


def plain() -> ASGIApp:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/chat/completions")
    async def chat(body: Chat) -> dict[str, Any]:
        audio = body.messages[0].content[0].input_audio
        samples = await asyncio.to_thread(decode, audio.data if audio else "")
        return {"seconds": len(samples) / 16_000}

    return Heart(app)


def decode(text: str) -> np.ndarray[Any, Any]:
    encoded = base64.b64decode(text.partition(",")[2])
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    pieces = []
    with av.open(io.BytesIO(encoded), "r") as file:
        for frame in file.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    return np.concatenate(pieces)
