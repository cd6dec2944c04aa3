"""Listening for sounds, seen from the server: a child process that holds YAMNet, watched and restarted.

It runs beside the recogniser, in one thread. A crash of the child costs the audios in flight and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import structlog

from auricle.engines.embedded.events import SoundEvent
from auricle.errors import AuricleError, EngineFailed, Unavailable, WeightsError
from auricle.types import Readiness
from auricle.waveform import Waveform
from auricle.workers import Worker, WorkerDied

WORKER_MODULE = "auricle.engines.embedded.sounds_worker"
RESTART_SECONDS = 0.5  # pause before a restart, doubled each time the child dies again soon
MAX_RESTART_SECONDS = 30.0
SOON_SECONDS = 30.0  # a child that lived longer restarts without the longer pause
RESTART_WAIT_SECONDS = 15.0  # an audio waits so long for a child that is being restarted

log = structlog.get_logger(__name__)


class Sounds:
    """Hears sounds. Every method belongs on the event loop; none blocks it."""

    def __init__(self, bundle: Callable[[], Path] | Path, cache_folder: Path) -> None:
        """`bundle` holds YAMNet's TensorFlow variables; a callable is asked for it in a thread, and may download it.

        The converted model is kept in `cache_folder`.
        """
        self._bundle = bundle
        self._cache_folder = cache_folder
        self._worker: Worker | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._was_ready = False
        self._readiness = Readiness(False, "listening for sounds has not been started")
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[list[dict[str, Any]]]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def readiness(self) -> Readiness:
        return self._readiness

    @property
    def loading(self) -> bool:
        """Whether sounds may be heard soon for the first time; false once they were, and where they never will."""
        return self._supervisor is not None and not self._supervisor.done() and not self._was_ready

    @property
    def worker_pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._worker.pid if self._worker and self._worker.alive else None

    async def start(self) -> None:
        """Begin to load and return; `readiness` tells how far it is. Safe to call twice."""
        if self._supervisor is None:
            self._readiness = Readiness(False, "listening for sounds is loading")
            self._supervisor = asyncio.create_task(self._supervise(), name="sounds")

    async def wait_ready(self) -> None:
        """Return once sounds can be heard. Raises WeightsError if the model cannot be loaded."""
        supervisor = self._supervisor
        if supervisor is None:
            raise Unavailable("listening for sounds has not been started")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, supervisor}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            raise WeightsError(self._readiness.detail)

    async def close(self) -> None:
        """End the child; audios in flight fail. Safe to call twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        self._readiness = Readiness(False, "listening for sounds has been stopped")

    async def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]:
        """What a person would say was heard in `waveform`, in order of time.

        Cancelling the call ends the child's work for it within about 0.2 s. Raises Unavailable while the model loads,
        EngineFailed when the child dies under the audio.
        """
        worker = await self._living_worker()
        id = next(self._ids)
        answer: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answer
        in_memory = isinstance(waveform.pcm, bytes)
        header = {
            "do": "open",
            "id": id,
            "path": None if in_memory else str(waveform.pcm),
            "samples": waveform.sample_count,
        }
        try:
            try:
                await worker.send(header, waveform.pcm if isinstance(waveform.pcm, bytes) else b"")
            except WorkerDied as error:
                raise EngineFailed("listening for sounds died and is being restarted") from error
            return tuple(_event(values) for values in await answer)
        finally:
            del self._waiting[id]
            if worker.alive and (not answer.done() or answer.cancelled()):
                self._cancel(worker, id)

    async def _living_worker(self) -> Worker:
        if not self._ready.is_set() and self._was_ready and self._supervisor is not None:
            try:
                await asyncio.wait_for(self._ready.wait(), RESTART_WAIT_SECONDS)
            except TimeoutError:
                pass
        if not self._ready.is_set() or self._worker is None:
            raise Unavailable(self._readiness.detail)
        return self._worker

    def _cancel(self, worker: Worker, id: int) -> None:
        """Tell the child without waiting: a call that is being cancelled cannot wait for a full pipe."""

        async def send() -> None:
            try:
                await worker.send({"do": "cancel", "id": id})
            except WorkerDied:
                pass

        task = asyncio.create_task(send())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _supervise(self) -> None:
        """Keep a child alive until cancelled; give up only where trying again cannot help."""
        pause = RESTART_SECONDS
        try:
            bundle = await asyncio.to_thread(self._bundle) if callable(self._bundle) else self._bundle
        except Exception as error:  # whoever finds the weights has its own failures; all of them mean "no model"
            detail = error.param if isinstance(error, AuricleError) else f"{type(error).__name__}: {error}"
            self._readiness = Readiness(False, f"the weights for sounds cannot be had: {detail}")
            log.error("sounds_weights_missing", detail=detail)
            return
        while True:
            begun = time.monotonic()
            try:
                await self._live(bundle)
                return  # it said that it cannot load the model: it never will
            except WorkerDied as error:
                self._readiness = Readiness(False, "listening for sounds died and is being restarted")
                log.warning("sounds_died", detail=str(error))
            finally:
                self._ready.clear()
                self._fail_all()
            pause = RESTART_SECONDS if time.monotonic() - begun > SOON_SECONDS else min(2 * pause, MAX_RESTART_SECONDS)
            await asyncio.sleep(pause)

    async def _live(self, bundle: Path) -> None:
        """One child's life. Returns if it cannot load the model; raises WorkerDied at its end."""
        options = {"bundle": str(bundle), "cache_folder": str(self._cache_folder)}
        worker = await Worker.spawn(WORKER_MODULE, orjson.dumps(options).decode())
        try:
            frame = await worker.receive()
            if frame.header.get("event") != "ready":
                detail = str(frame.header.get("detail", "it cannot be loaded"))
                self._readiness = Readiness(False, f"the model for sounds cannot be loaded: {detail}")
                log.error("sounds_not_loaded", detail=detail)
                return
            self._worker = worker
            self._readiness = Readiness(True)
            self._was_ready = True
            self._ready.set()
            while True:
                self._deliver((await worker.receive()).header)
        finally:
            self._worker = None
            worker.kill()
            await worker.wait()

    def _deliver(self, message: dict[str, Any]) -> None:
        answer = self._waiting.get(message.get("id", -1))
        if answer is None or answer.done():  # it was cancelled while this was on its way
            return
        if message["event"] == "events":
            answer.set_result(message["events"])
        else:
            answer.set_exception(EngineFailed(f"listening for sounds failed: {message['detail']}"))

    def _fail_all(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(EngineFailed("listening for sounds died under this audio and is being restarted"))


def _event(values: dict[str, Any]) -> SoundEvent:
    """An event as the worker sent it."""
    return SoundEvent(**{**values, "details": tuple(values["details"])})
