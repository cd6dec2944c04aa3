"""Child processes that do what must not happen in the server's own: decode strangers' bytes, run models.

A worker is this interpreter running one of our modules (`python -m MODULE`), joined to its parent by its standard
input and output. Both directions carry frames: a JSON object and a payload of raw bytes, never pickles, so that a
worker which a hostile file has taken over can hand its parent nothing but data. A worker ends when its parent does,
however the parent ended, because its input then reaches its end.

Parent (asyncio):                                   Child (blocking):

    worker = await Worker.spawn("auricle.m")            channel = connect()
    await worker.send({"do": "x"}, payload)             while (frame := channel.receive()) is not None:
    frame = await worker.receive()                          header, payload = frame
    worker.kill()                                           channel.send({"done": True}, result)
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import orjson

_LENGTHS = struct.Struct("<IQ")  # bytes of the JSON object, bytes of the payload
MAX_HEADER_BYTES = 64 * 1024 * 1024
STREAM_LIMIT_BYTES = 1024 * 1024  # read ahead from a worker at most


class WorkerDied(Exception):
    """The worker ended, was killed, or sent what is not a frame."""


class Frame(NamedTuple):
    """One message: a JSON object and raw bytes."""

    header: dict[str, Any]
    payload: bytes


class Worker:
    """The parent's end of a worker. Not safe for concurrent `receive`s; `send` may be called by many tasks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a worker needs both pipes")
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._sending = asyncio.Lock()

    @classmethod
    async def spawn(cls, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Worker:
        """Start `python -m module arguments...`; `env` is added to this process's environment.

        The child inherits standard error. Raises WorkerDied if it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=STREAM_LIMIT_BYTES,
                start_new_session=True,  # Ctrl-C is for the parent, which then ends its workers in order
                env={**os.environ, **(env or {})},
            )
        except OSError as error:
            raise WorkerDied(f"{module} could not be started: {error}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Send one frame; waits while the pipe is full. Raises WorkerDied."""
        encoded = orjson.dumps(header)
        async with self._sending:
            try:
                self._stdin.write(_LENGTHS.pack(len(encoded), len(payload)) + encoded)
                if len(payload):
                    self._stdin.write(payload)
                await self._stdin.drain()
            except (ConnectionError, RuntimeError) as error:
                raise WorkerDied(f"worker {self.pid} does not take messages") from error

    async def receive(self) -> Frame:
        """The next frame. Raises WorkerDied when the worker ended or broke the protocol."""
        try:
            header_size, payload_size = _LENGTHS.unpack(await self._stdout.readexactly(_LENGTHS.size))
            if header_size > MAX_HEADER_BYTES:
                raise WorkerDied(f"worker {self.pid} sent a header of {header_size} bytes")
            header = orjson.loads(await self._stdout.readexactly(header_size))
            payload = await self._stdout.readexactly(payload_size) if payload_size else b""
        except (asyncio.IncompleteReadError, ConnectionError, orjson.JSONDecodeError) as error:
            raise WorkerDied(f"worker {self.pid} ended") from error
        if not isinstance(header, dict):
            raise WorkerDied(f"worker {self.pid} sent something that is not a message")
        return Frame(header, payload)

    def kill(self) -> None:
        """End it at once. Safe to call twice."""
        if self.alive:
            try:
                self._process.kill()
            except ProcessLookupError:
                pass

    async def wait(self) -> int:
        """Wait for its end; its exit status (negative: the signal)."""
        return await self._process.wait()

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """Close its input, so that it ends by itself; kill it if it has not after `grace_seconds`."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), grace_seconds)
        except TimeoutError:
            self.kill()
            await self._process.wait()


class Channel:
    """The child's end. `receive` for one thread, `send` for any."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._sending = threading.Lock()

    def receive(self) -> Frame | None:
        """The next frame, or None once the parent is gone or has closed the worker's input."""
        lengths = self._source.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            return None
        header_size, payload_size = _LENGTHS.unpack(lengths)
        header = self._source.read(header_size)
        payload = self._source.read(payload_size) if payload_size else b""
        if len(header) < header_size or len(payload) < payload_size:
            return None
        return Frame(orjson.loads(header), payload)

    def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Send one frame. A parent that is gone is no error: the next `receive` tells."""
        encoded = orjson.dumps(header)
        with self._sending:
            try:
                self._sink.write(_LENGTHS.pack(len(encoded), len(payload)) + encoded)
                if len(payload):
                    self._sink.write(payload)
                self._sink.flush()
            except BrokenPipeError:
                pass


def connect() -> Channel:
    """The channel to the parent, for a worker's `main`. Call it first.

    From then on whatever a library prints to standard output goes to standard error, so that it cannot break a frame.
    """
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    return Channel(source, sink)
