"""Child processes that do what must not happen in the server's own: decode strangers' bytes, run models.

A worker is this interpreter running one of our modules (`python -m MODULE`), joined to its parent by its standard
input and output. Both directions carry frames: a JSON object and a payload of raw bytes, never pickles, so that a
worker which a hostile file has taken over can hand its parent nothing but data. A worker ends when its parent does,
however that ended and whatever the worker is doing, importing and loading included: `python -m auricle.workers PARENT
MODULE` sees to that first, by asking Linux for a signal and by a thread that watches.

Parent (asyncio):                                   Child (blocking):

    worker = await Worker.spawn("auricle.m")            channel = connect()
    await worker.send({"do": "x"}, payload)             while (frame := channel.receive()) is not None:
    frame = await worker.receive()                          header, payload = frame
    worker.kill()                                           channel.send({"done": True}, result)
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import runpy
import signal
import struct
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

_LENGTHS = struct.Struct("<IQ")  # bytes of the JSON object, bytes of the payload
MAX_HEADER_BYTES = 64 * 1024 * 1024
MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
STREAM_LIMIT_BYTES = 1024 * 1024  # read ahead from a worker at most
WRITE_BYTES = 256 * 1024  # handed to the pipe at a time: asyncio copies what the pipe does not take at once
WATCH_SECONDS = 0.25  # how often a worker looks whether its parent lives
PR_SET_PDEATHSIG = 1  # of Linux's prctl
SAFE_VARIABLES = frozenset(
    {
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "PATH",
        "PYTHONHASHSEED",
        "PYTHONHOME",
    }
    | {"PYTHONPATH", "PYTHONUTF8", "PYTHONWARNINGS", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "TZ"}
    | {"VIRTUAL_ENV", "WINDIR"}
)
"""What an interpreter needs of the environment; everything else may hold secrets."""


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
    async def spawn(
        cls, module: str, *arguments: str, env: Mapping[str, str] | None = None, inherit_env: bool = True
    ) -> Worker:
        """Start `python -m module arguments...`; `env` is added to this process's environment.

        With `inherit_env=False` the worker gets only SAFE_VARIABLES of it: no keys, no tokens. The child inherits
        standard error. Raises WorkerDied if it cannot be started.
        """
        inherited = os.environ if inherit_env else {k: v for k, v in os.environ.items() if k.upper() in SAFE_VARIABLES}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                str(os.getpid()),
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=STREAM_LIMIT_BYTES,
                start_new_session=True,  # Ctrl-C is for the parent, which then ends its workers in order
                env={**inherited, **(env or {})},
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
        """Send one frame; waits while the pipe is full. Raises WorkerDied.

        A frame that was begun is finished even if the caller is cancelled meanwhile: what follows half a frame is lost.
        """
        encoded = orjson.dumps(header)
        await self._sending.acquire()
        writing = asyncio.create_task(self._write(encoded, memoryview(payload)))
        writing.add_done_callback(self._written)
        await asyncio.shield(writing)

    async def _write(self, header: bytes, rest: memoryview) -> None:
        try:
            self._stdin.write(_LENGTHS.pack(len(header), len(rest)) + header)
            while len(rest):
                self._stdin.write(rest[:WRITE_BYTES])
                await self._stdin.drain()
                rest = rest[WRITE_BYTES:]
            await self._stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise WorkerDied(f"worker {self.pid} does not take messages") from error

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._sending.release()
        if not writing.cancelled():
            writing.exception()  # the caller has it, or was cancelled and does not want it

    async def receive(
        self, *, max_header_bytes: int = MAX_HEADER_BYTES, max_payload_bytes: int = MAX_PAYLOAD_BYTES
    ) -> Frame:
        """The next frame. Raises WorkerDied when the worker ended, broke the protocol or sent more than allowed."""
        try:
            header_size, payload_size = _LENGTHS.unpack(await self._stdout.readexactly(_LENGTHS.size))
            if header_size > max_header_bytes or payload_size > max_payload_bytes:
                raise WorkerDied(f"worker {self.pid} sent a message of {header_size} and {payload_size} bytes")
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
                if sys.platform == "win32":
                    self._process.kill()
                else:  # by hand: subprocess would look for its end first, and so take that from asyncio
                    os.kill(self.pid, signal.SIGKILL)
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


def step_back(niceness: int) -> None:
    """Let other processes run first, the parent above all: for workers that keep every core busy.

    Each worker is a session of its own, which Linux schedules as a group equal to the parent's; so its group is made
    nice, and where there are no such groups, the process. With both models busy on two cores, the slowest of 2,000
    answers of `/health` took 22 ms in place of 89, the 95th percentile 1.5 in place of 5.7.
    """
    if hasattr(os, "nice"):
        os.nice(niceness)
    try:
        Path("/proc/self/autogroup").write_text(str(niceness))
    except OSError:  # not Linux, or without groups
        pass


def _end_with(parent: int) -> None:
    """From now on this process ends when its parent does, and at once if that is no more."""
    if sys.platform == "linux":
        # Sent even while a library that loads a model holds the interpreter. It is the end of the parent's thread that
        # counts, the one with the event loop.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    if sys.platform == "win32":
        return  # a process there keeps the number of a parent that is gone; the end of its input has to do
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _main() -> None:
    _, parent, module, *arguments = sys.argv
    _end_with(int(parent))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
