"""Pulls that a running server was asked for, in threads of their own: started, watched, stopped.

A model is pulled once at a time. What engines pull by themselves when they start is seen here, too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from auricle.config import Settings
from auricle.errors import NotFound, PullStopped, WeightsError
from auricle.weights.catalogue import MODELS, Model
from auricle.weights.progress import Step
from auricle.weights.pull import State, downloaded_from_hub, resolve, state
from auricle.weights.references import interpret, needed

PULLS_AT_ONCE = 2  # of different models; more wait

log = structlog.get_logger("auricle")


@dataclass(frozen=True, slots=True)
class PullState:
    """How far a pull is, or how it ended."""

    kind: Literal["waiting", "running", "done", "stopped", "failed"]
    asked: bool  # for by somebody, who may stop it; else an engine began it
    step: Step | None = None
    note: str = ""  # what it said last
    error: str = ""  # with what was tried

    @property
    def goes_on(self) -> bool:
        return self.kind in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Weights that this server knows, what is here of them, and their pull."""

    name: str
    model: Model | None  # None: named by its repository, and its files are not known yet
    needed: bool  # by the configured server
    state: State
    pull: PullState | None


class Order:
    """One pull that was asked for; receives its progress."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.kind: Literal["waiting", "running", "done", "stopped", "failed"] = "waiting"
        self.error = ""
        self._step: Step | None = None
        self._note = ""

    @property
    def state(self) -> PullState:
        return PullState(self.kind, True, self._step, self._note, self.error)

    def step(self, step: Step) -> None:
        # A stopped download may end a little later, and tells so: that changes nothing any more.
        if self.kind in ("waiting", "running"):
            self.kind = "running"
            self._step = step

    def note(self, text: str) -> None:
        self._note = text

    def end(self, model: str) -> None: ...


class Pulls:
    """See the module's docstring."""

    def __init__(
        self,
        settings: Settings,
        arrived: Callable[[], Awaitable[None]],
        begun_by_engines: Callable[[], Mapping[str, Step]],
    ) -> None:
        """`arrived` is called when weights have come; engines that gave up for want of them may try again."""
        self._settings = settings
        self._arrived = arrived
        self._begun_by_engines = begun_by_engines
        self._threads = ThreadPoolExecutor(PULLS_AT_ONCE, "auricle-pull")
        self._orders: dict[str, Order] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def shelves(self) -> list[Shelf]:
        """The catalogue, what the server needs besides, and what was pulled from a hub. Blocking, a little."""
        wanted = needed(self._settings)
        known: dict[str, Model | None] = dict(MODELS)
        known |= {model.name: model for model in downloaded_from_hub(self._settings)}
        for name in wanted:
            if name not in known and not isinstance(interpret(name), Path):
                known[name] = None
        nothing = State("absent", self._settings.cache_dir, 0)
        return [
            Shelf(name, model, name in wanted, state(model, self._settings) if model else nothing, self._pull_of(name))
            for name, model in known.items()
        ]

    async def start(self, name: str) -> None:
        """Begin to pull, unless that goes on already. Raises NotFound for what is on no shelf."""
        if name not in {shelf.name for shelf in await asyncio.to_thread(self.shelves)}:
            raise NotFound(f"no weights called {name} are known here")
        known = self._pull_of(name)
        if known is not None and known.goes_on:
            return
        self._orders[name] = order = Order()
        task = asyncio.create_task(self._run(name, order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self, name: str) -> None:
        """Stop a pull within a second; what has arrived is kept. Raises NotFound where none was asked for."""
        order = self._orders.get(name)
        if order is None:
            raise NotFound(f"nobody asked for a pull of {name}")
        order.cancelled.set()

    async def close(self) -> None:
        """Stop every pull."""
        for order in self._orders.values():
            order.cancelled.set()
        await asyncio.gather(*self._tasks)
        self._threads.shutdown(wait=False)

    def _pull_of(self, name: str) -> PullState | None:
        step = self._begun_by_engines().get(name)
        order = self._orders.get(name)
        if step is not None and (order is None or not order.state.goes_on):
            return PullState("running", False, step)
        return order.state if order else None

    async def _run(self, name: str, order: Order) -> None:
        loop = asyncio.get_running_loop()
        log.info("pull began", weights=name)
        try:
            await loop.run_in_executor(self._threads, resolve, name, self._settings, order, order.cancelled)
            await self._arrived()
            order.kind = "done"
        except PullStopped:
            order.kind = "stopped"
        except WeightsError as error:
            order.kind, order.error = "failed", str(error)
        except Exception as error:
            order.kind, order.error = "failed", f"{type(error).__name__}: see the server's log"
            log.error("pull failed", weights=name, exc_info=True)
        log.info("pull ended", weights=name, how=order.kind, detail=order.error)
