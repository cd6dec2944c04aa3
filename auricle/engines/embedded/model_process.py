"""A model in a process of its own, from both ends: loaded, watched, restarted, asked and answered.

Inference never runs in the server's process, and a crash of the model costs the requests in flight and nothing else.

Server (asyncio):                                       Process (blocking), a `*_worker.py`:

    class Recognizer(ModelProcess[Segment]): ...            def load(config, answers) -> Model: ...
    await recognizer.start()                                serve(load, NICENESS)
    async for item in self._ask({...}, pcm): ...

The first frame in is the configuration, the first one out `ready` with the model's facts, or `failed`. Then `open` and
`cancel` go in, each with the id of a request; `item`s of a request come out in order, then its `end` or `error`, and
`note`s that belong to none.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import structlog

from auricle.errors import AuricleError, EngineFailed, Unavailable, WeightsError
from auricle.types import Readiness
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.workers import Channel, Frame, Worker, WorkerDied, connect, step_back

RESTART_SECONDS = 0.5  # pause before a restart, doubled each time the process dies again soon
MAX_RESTART_SECONDS = 30.0
SOON_SECONDS = 30.0  # a process that lived longer is restarted after the shortest pause
RESTART_WAIT_SECONDS = 20.0  # a request waits so long for a model that is being restarted

Item = TypeVar("Item")

log = structlog.get_logger(__name__)


class _NotLoaded(Exception):
    """The process says that it cannot load its model."""


def pause_seconds(deaths: int) -> float:
    """Before the restart after so many deaths soon after one another."""
    return float(min(RESTART_SECONDS * 2 ** (deaths - 1), MAX_RESTART_SECONDS))


class ModelProcess(Generic[Item]):
    """The server's end. Every method belongs on the event loop; none blocks it."""

    def __init__(
        self,
        name: str,
        module: str,
        weights: Callable[[], Path] | Path,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`name` is what people read: "the recogniser". `weights` may be a callable, which is asked for them in a
        thread and may download them. With an `environment` the process knows it and nothing secret of the server's."""
        self.name = name
        self._module = module
        self._weights = weights
        self._environment = environment
        self._worker: Worker | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._was_ready = False
        self._readiness = Readiness(False, f"{name} has not been started")
        self._ids = itertools.count()
        self._inboxes: dict[int, asyncio.Queue[dict[str, Any] | AuricleError]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def readiness(self) -> Readiness:
        return self._readiness

    @property
    def loading(self) -> bool:
        """Whether it may be ready soon for the first time; false once it was, and where it never will be."""
        return self._supervisor is not None and not self._supervisor.done() and not self._was_ready

    @property
    def worker_pid(self) -> int | None:
        """The process's id, while there is one that answers."""
        return self._worker.pid if self._worker and self._worker.alive else None

    async def start(self) -> None:
        """Begin to load and return; `readiness` tells how far it is. Called again it tries once more if it gave up."""
        if self._supervisor is None or self._supervisor.done():
            self._readiness = Readiness(False, f"{self.name} is loading")
            self._supervisor = asyncio.create_task(self._supervise(), name=self.name)

    async def wait_ready(self) -> None:
        """Return once the model can answer. Raises WeightsError if it cannot be loaded."""
        supervisor = self._supervisor
        if supervisor is None:
            raise Unavailable(f"{self.name} has not been started")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, supervisor}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            raise WeightsError(self._readiness.detail)

    async def close(self) -> None:
        """End the process; requests in flight fail. Safe to call twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        self._readiness = Readiness(False, f"{self.name} has been stopped")

    def _config(self, weights: Path) -> dict[str, Any]:
        """What the process is told first."""
        raise NotImplementedError

    def _item(self, value: Any) -> Item:
        """One piece of an answer, as the process sent it."""
        raise NotImplementedError

    def _connected(self, facts: Mapping[str, Any]) -> AbstractAsyncContextManager[None]:
        """Held as long as a process lives that has loaded its model; `facts` are what it says of it."""
        return nullcontext()

    def _noted(self, values: Mapping[str, Any]) -> None:
        """The process noted something that belongs to no request."""

    async def _ask(self, request: Mapping[str, Any], payload: bytes = b"") -> AsyncGenerator[Item, None]:
        """The pieces of the answer, each as soon as it is known.

        Closing the generator cancels the request in the process. Raises Unavailable while the model loads, EngineFailed
        when the process dies under the request or says that it failed.
        """
        worker = await self._living()
        id = next(self._ids)
        inbox: asyncio.Queue[dict[str, Any] | AuricleError] = asyncio.Queue()
        self._inboxes[id] = inbox
        open = True
        try:
            try:
                await worker.send({"do": "open", "id": id, "request": request}, payload)
            except WorkerDied as error:
                raise self._died() from error
            while True:
                message = await inbox.get()
                open = not isinstance(message, AuricleError) and message["event"] == "item"
                if isinstance(message, AuricleError):
                    raise message
                if message["event"] == "end":
                    return
                if message["event"] == "error":
                    raise EngineFailed(f"{self.name} failed: {message['detail']}")
                yield self._item(message["item"])
        finally:
            del self._inboxes[id]
            if open and worker.alive:
                self._tell(worker, {"do": "cancel", "id": id})

    async def _living(self) -> Worker:
        """The process, waited for while it is being restarted. Raises Unavailable."""
        if not self._ready.is_set() and self._was_ready and self._supervisor is not None:
            try:
                await asyncio.wait_for(self._ready.wait(), RESTART_WAIT_SECONDS)
            except TimeoutError:
                pass
        if not self._ready.is_set() or self._worker is None:
            raise Unavailable(self._readiness.detail)
        return self._worker

    def _lose(self, worker: Worker) -> None:
        """It does not answer any more, which may not have been noticed yet: end it."""
        if self._worker is worker:
            self._worker = None
            self._ready.clear()
        worker.kill()

    def _died(self) -> EngineFailed:
        return EngineFailed(f"{self.name} died under this request and is being restarted")

    def _tell(self, worker: Worker, header: Mapping[str, Any]) -> None:
        """Send without waiting: a generator that is being closed cannot wait for a full pipe."""

        async def send() -> None:
            try:
                await worker.send(header)
            except WorkerDied:
                pass

        task = asyncio.create_task(send())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _supervise(self) -> None:
        """Keep a process alive until cancelled; give up only where trying again cannot help."""
        try:
            weights = await asyncio.to_thread(self._weights) if callable(self._weights) else self._weights
        except Exception as error:  # whoever finds the weights has its own failures; all of them mean "no model"
            detail = error.param if isinstance(error, AuricleError) else f"{type(error).__name__}: {error}"
            self._fail(f"the weights of {self.name} cannot be had: {detail}")
            return
        deaths = 0  # soon after one another
        while True:
            begun = time.monotonic()
            try:
                await self._live(weights)
            except _NotLoaded as error:
                self._fail(f"{self.name} cannot be loaded: {error}")
                if not self._was_ready:
                    return  # it never will be
            deaths = 1 if time.monotonic() - begun > SOON_SECONDS else deaths + 1
            await asyncio.sleep(pause_seconds(deaths))

    def _fail(self, detail: str) -> None:
        self._readiness = Readiness(False, detail)
        log.error("model_not_ready", model=self.name, detail=detail)

    async def _live(self, weights: Path) -> None:
        """One process's life, to its end. Raises _NotLoaded."""
        worker: Worker | None = None
        try:
            worker = await Worker.spawn(self._module, env=self._environment, inherit_env=self._environment is None)
            await worker.send(self._config(weights))
            first = (await worker.receive()).header
            if first.get("event") != "ready":
                raise _NotLoaded(str(first.get("detail", "it does not say why")))
            async with self._connected(first):
                self._worker = worker
                self._readiness = Readiness(True)
                self._was_ready = True
                self._ready.set()
                try:
                    while True:
                        self._deliver((await worker.receive()).header)
                finally:
                    self._worker = None
                    self._ready.clear()
                    self._readiness = Readiness(False, f"{self.name} died and is being restarted")
                    for inbox in self._inboxes.values():
                        inbox.put_nowait(self._died())
        except _NotLoaded:
            raise
        except Exception as error:  # its end, or a bug in what it says: then it cannot be relied upon either
            log.warning("model_died", model=self.name, detail=f"{type(error).__name__}: {error}")
        finally:
            if worker is not None:
                worker.kill()
                await worker.wait()

    def _deliver(self, message: dict[str, Any]) -> None:
        if message["event"] == "note":
            self._noted(message)
        elif (inbox := self._inboxes.get(message["id"])) is not None:  # else it was cancelled meanwhile
            inbox.put_nowait(message)


class Answers:
    """What the process tells the server. For any thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def item(self, id: int, value: Any) -> None:
        """One piece of the answer to request `id`: anything that JSON can hold."""
        self._channel.send({"event": "item", "id": id, "item": value})

    def end(self, id: int) -> None:
        self._channel.send({"event": "end", "id": id})

    def error(self, id: int, error: Exception) -> None:
        self._channel.send({"event": "error", "id": id, "detail": f"{type(error).__name__}: {error}"})

    def note(self, **values: Any) -> None:
        """Something that belongs to no request."""
        self._channel.send({"event": "note", **values})


class Model(Protocol):
    """What a process has loaded. Called from one thread."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the server wants to know of it."""
        ...

    def open(self, id: int, frame: Frame) -> None:
        """Begin to answer `frame.header["request"]`, and return soon. What it raises is that request's error."""
        ...

    def cancel(self, id: int) -> None:
        """Nobody waits for the answer to `id` any more, if it is still going on."""
        ...


def serve(load: Callable[[dict[str, Any], Answers], Model], niceness: int) -> None:
    """The process's `main`: load the model and answer until the server is gone. Steps back by `niceness`."""
    channel = connect()
    step_back(niceness)
    answers = Answers(channel)
    if (first := channel.receive()) is None:
        return
    try:
        model = load(first.header, answers)
    except Exception as error:  # the server says it in its own words
        channel.send({"event": "failed", "detail": f"{type(error).__name__}: {error}"})
        return
    channel.send({"event": "ready", **model.facts})
    while (frame := channel.receive()) is not None:
        id = frame.header["id"]
        if frame.header["do"] == "cancel":
            model.cancel(id)
            continue
        try:
            model.open(id, frame)
        except Exception as error:
            answers.error(id, error)
    os._exit(0)  # at once: work that is running must not hold the process


def audio_request(waveform: Waveform) -> tuple[dict[str, Any], bytes]:
    """A request about `waveform`, and its payload; `requested_audio` takes them apart at the other end."""
    if isinstance(waveform.pcm, bytes):
        return {"path": None, "samples": waveform.sample_count}, waveform.pcm
    return {"path": str(waveform.pcm), "samples": waveform.sample_count}, b""


def requested_audio(frame: Frame) -> Waveform:
    """The audio of a request."""
    path, count = frame.header["request"]["path"], frame.header["request"]["samples"]
    pcm = Path(path) if path else frame.payload
    return Waveform(pcm=pcm, sample_count=count, duration=Fraction(count, SAMPLE_RATE), tokens=0, digest="")
