"""Speech recognition, seen from the server: a child process that holds the model, watched and restarted.

Inference never runs in this process; a crash of the child costs the requests in flight and nothing else.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from auricle.config import EngineSettings
from auricle.errors import AuricleError, EngineFailed, Unavailable, WeightsError
from auricle.types import Readiness, RecognitionOptions, Segment, Word
from auricle.waveform import Waveform
from auricle.workers import Frame, Worker, WorkerDied

WORKER_MODULE = "auricle.engines.embedded.recognizer_worker"
RESTART_SECONDS = 0.5  # pause before a restart, doubled each time the child dies again soon
MAX_RESTART_SECONDS = 30.0
SOON_SECONDS = 30.0  # a child that lived longer restarts without the longer pause
RESTART_WAIT_SECONDS = 15.0  # a request waits so long for a child that is being restarted
TRANSCRIPTION_SETTINGS = {
    *("beam_size", "window_seconds", "graft", "graft_seconds", "recheck", "recheck_logprob", "temperature_fallback"),
    *("speech_threshold", "chinese_script"),
}

log = structlog.get_logger(__name__)


class Recognizer:
    """Writes down speech. Every method belongs on the event loop; none blocks it."""

    def __init__(self, folder: Callable[[], Path] | Path, settings: EngineSettings) -> None:
        """`folder` holds a CTranslate2 Whisper; a callable is asked for it in a thread, and may download it."""
        self._folder = folder
        self._settings = settings
        self._worker: Worker | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._was_ready = False
        self._readiness = Readiness(False, "the recogniser has not been started")
        self._ids = itertools.count()
        self._inboxes: dict[int, asyncio.Queue[dict[str, Any] | AuricleError]] = {}
        self.batches: Counter[int] = Counter()
        self.languages: frozenset[str] = frozenset()
        """ISO 639-1 codes that the model knows; empty until it is ready."""

    @property
    def readiness(self) -> Readiness:
        return self._readiness

    @property
    def worker_pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._worker.pid if self._worker and self._worker.alive else None

    async def start(self) -> None:
        """Begin to load and return; `readiness` tells how far it is. Safe to call twice."""
        if self._supervisor is None:
            self._readiness = Readiness(False, "the recogniser is loading")
            self._supervisor = asyncio.create_task(self._supervise(), name="recognizer")

    async def wait_ready(self) -> None:
        """Return once the model can answer. Raises WeightsError if it cannot be loaded."""
        supervisor = self._supervisor
        if supervisor is None:
            raise Unavailable("the recogniser has not been started")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, supervisor}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            raise WeightsError(self._readiness.detail)

    async def close(self) -> None:
        """End the child; requests in flight fail. Safe to call twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        self._readiness = Readiness(False, "the recogniser has been stopped")

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        """The segments of `waveform` in order, as soon as each is known; none for silence and noise.

        Closing the generator takes the request's queued windows out of the child's queues and drops what is running.
        Raises Unavailable while the model loads, EngineFailed when the child dies under the request.
        """
        worker = await self._living_worker()
        id = next(self._ids)
        inbox: asyncio.Queue[dict[str, Any] | AuricleError] = asyncio.Queue()
        self._inboxes[id] = inbox
        finished = False
        try:
            in_memory = isinstance(waveform.pcm, bytes)
            header = {
                "do": "open",
                "id": id,
                "path": None if in_memory else str(waveform.pcm),
                "samples": waveform.sample_count,
                "options": dataclasses.asdict(options),
            }
            try:
                await worker.send(header, waveform.pcm if isinstance(waveform.pcm, bytes) else b"")
            except WorkerDied as error:
                finished = True
                raise EngineFailed("the recogniser died and is being restarted") from error
            while True:
                message = await inbox.get()
                if isinstance(message, AuricleError):
                    finished = True
                    raise message
                if message["event"] == "end":
                    finished = True
                    return
                if message["event"] == "error":
                    finished = True
                    raise EngineFailed(f"the recogniser failed: {message['detail']}")
                yield _segment(message["segment"])
        finally:
            self._inboxes.pop(id, None)
            if not finished and worker.alive:
                _tell(worker, {"do": "cancel", "id": id})

    async def _living_worker(self) -> Worker:
        if not self._ready.is_set() and self._was_ready and self._supervisor is not None:
            try:
                await asyncio.wait_for(self._ready.wait(), RESTART_WAIT_SECONDS)
            except TimeoutError:
                pass
        if not self._ready.is_set() or self._worker is None:
            raise Unavailable(self._readiness.detail)
        return self._worker

    async def _supervise(self) -> None:
        """Keep a child alive until cancelled; give up only where trying again cannot help."""
        pause = RESTART_SECONDS
        try:
            folder = await asyncio.to_thread(self._folder) if callable(self._folder) else self._folder
        except Exception as error:  # whoever finds the weights has its own failures; all of them mean "no model"
            detail = error.param if isinstance(error, AuricleError) else f"{type(error).__name__}: {error}"
            self._readiness = Readiness(False, f"the recogniser's weights cannot be had: {detail}")
            log.error("recognizer_weights_missing", detail=detail)
            return
        while True:
            begun = time.monotonic()
            try:
                await self._live(folder)
                return  # it said that it cannot load the model: it never will
            except WorkerDied as error:
                self._readiness = Readiness(False, "the recogniser died and is being restarted")
                log.warning("recognizer_died", detail=str(error))
            finally:
                self._ready.clear()
                self._fail_all()
            pause = RESTART_SECONDS if time.monotonic() - begun > SOON_SECONDS else min(2 * pause, MAX_RESTART_SECONDS)
            await asyncio.sleep(pause)

    async def _live(self, folder: Path) -> None:
        """One child's life. Returns if it cannot load the model; raises WorkerDied at its end."""
        worker = await Worker.spawn(WORKER_MODULE, orjson.dumps(self._worker_options(folder)).decode())
        try:
            frame = await worker.receive()
            if frame.header.get("event") != "ready":
                detail = str(frame.header.get("detail", "it cannot be loaded"))
                self._readiness = Readiness(False, f"the recogniser's model cannot be loaded: {detail}")
                log.error("recognizer_not_loaded", detail=detail)
                return
            self.languages = frozenset(frame.header["languages"])
            self._worker = worker
            self._readiness = Readiness(True)
            self._was_ready = True
            self._ready.set()
            while True:
                self._deliver(await worker.receive())
        finally:
            self._worker = None
            worker.kill()
            await worker.wait()

    def _worker_options(self, folder: Path) -> dict[str, Any]:
        settings = self._settings
        return {
            "folder": str(folder),
            "compute_type": settings.compute_type,
            "threads": settings.threads,
            "threads_per_window": settings.threads_per_window,
            "decode_batch": settings.decode_batch,
            "transcription": settings.model_dump(include=TRANSCRIPTION_SETTINGS),
        }

    def _deliver(self, frame: Frame) -> None:
        if frame.header.get("event") == "batch":
            self.batches[int(frame.header["size"])] += 1
            return
        inbox = self._inboxes.get(frame.header.get("id", -1))
        if inbox is not None:  # else it was cancelled while this was on its way
            inbox.put_nowait(frame.header)

    def _fail_all(self) -> None:
        for inbox in self._inboxes.values():
            inbox.put_nowait(EngineFailed("the recogniser died under this request and is being restarted"))


_telling: set[asyncio.Task[None]] = set()


def _tell(worker: Worker, header: Mapping[str, Any]) -> None:
    """Send without waiting: a generator that is being closed cannot wait for a full pipe."""

    async def send() -> None:
        try:
            await worker.send(header)
        except WorkerDied:
            pass

    task = asyncio.create_task(send())
    _telling.add(task)
    task.add_done_callback(_telling.discard)


def _segment(values: dict[str, Any]) -> Segment:
    """A segment as the worker sent it."""
    words = tuple(Word(**word) for word in values.pop("words"))
    tokens = tuple(values.pop("tokens"))
    return Segment(**values, words=words, tokens=tokens)
