"""A real server for tests: uvicorn on a free loopback port, in a thread of the test process."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from auricle.app import create_app
from auricle.config import Settings, load_settings
from auricle.pipeline import Pipeline

EXAMPLES = Path(__file__).parent.parent / "examples"
CLIP = EXAMPLES / "ask-not.wav"  # 4.7 s of English speech
START_SECONDS = 30.0


def scripted_settings(**changed: Any) -> Settings:
    """Settings whose MiMo names are answered by the scripted engine, whatever the environment says."""
    models = {name: {"engine": "scripted"} for name in ("mimo-v2.5", "mimo-v2-omni", "mimo-v2.5-asr")}
    given: dict[str, Any] = {"api_keys": (), "models": models, "engines": {"scripted": {"kind": "scripted"}}}
    return load_settings(**{**given, **changed})


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str
    app: FastAPI

    @property
    def pipeline(self) -> Pipeline:
        pipeline: Pipeline = self.app.state.services.pipeline
        return pipeline

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **options)

    def chat(self, body: dict[str, Any], **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.post("/v1/chat/completions", json=body, **options)


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """Run a server for `settings` until the block ends; its shutdown is part of the test."""
    app = create_app(settings)
    # Named as TCP, so that asyncio sends small events at once (TCP_NODELAY), as it does on a port of its own.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving_files(folder: Path = EXAMPLES) -> Iterator[str]:
    """The files of `folder` from a web server on loopback; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_ready(server: Server, seconds: float = 120.0) -> None:
    """Wait until every model of `server` can answer."""
    deadline = time.monotonic() + seconds
    with server.client() as client:
        while (reply := client.get("/health/ready")).status_code != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(reply.text)
            time.sleep(0.1)


def data_url(path: Path = CLIP, mime: str = "audio/wav") -> str:
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode()}"


def audio_part(data: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data if data is not None else data_url(), **more}}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def question(
    text: str = "please describe the content of the audio", *audio: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """The body of the official understanding sample, about our clip unless `audio` parts are given."""
    content = [*(audio or (audio_part(),)), text_part(text)]
    return {"model": "mimo-v2.5", "messages": [{"role": "user", "content": content}], **more}


def dictation(*audio: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body of the official recognition sample, about our clip unless `audio` parts are given."""
    content = list(audio or (audio_part(),))
    return {"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": content}], **more}
