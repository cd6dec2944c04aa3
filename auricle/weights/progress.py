"""What a pull tells while it runs, and the ways to show it: bars, plain lines, a server's readiness.

Every receiver may be called from several threads at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

MEGABYTE = 1_000_000  # bytes; what is shown to people is decimal, as download sizes are
PLAIN_INTERVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a model is. The byte counts are of the whole model in this phase, not of one file."""

    model: str
    phase: Literal["downloading", "unpacking", "checking"]
    source: str
    """`hub`, `wheels` or `disk`."""
    file: str
    """What is worked on now, a file of the model or a wheel; may be empty."""
    done_bytes: int
    total_bytes: int

    @property
    def percent(self) -> int:
        """0..100, rounded down, so that 100 means complete."""
        return min(100, 100 * self.done_bytes // self.total_bytes) if self.total_bytes else 0


class Progress(Protocol):
    """Receives what a pull tells."""

    def step(self, step: Step) -> None:
        """Called often; must return at once."""
        ...

    def note(self, text: str) -> None:
        """One line for a person."""
        ...

    def end(self, model: str) -> None:
        """Nothing more will come about this model, whether it is there or not."""
        ...


class Silent:
    """Shows nothing."""

    def step(self, step: Step) -> None: ...

    def note(self, text: str) -> None: ...

    def end(self, model: str) -> None: ...


class Bars:
    """A bar a model, with speed and time left, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, tuple[TaskID, str]] = {}
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def step(self, step: Step) -> None:
        description = f"{step.phase} {step.model}"
        with self._lock:
            if not self._tasks:
                self._bars.start()
            task, shown = self._tasks.get(step.model, (None, ""))
            if task is None:
                task = self._bars.add_task(description, total=step.total_bytes)
            elif shown != description:
                # a new phase has a speed of its own
                self._bars.reset(task, total=step.total_bytes, description=description)
            self._tasks[step.model] = (task, description)
            self._bars.update(task, completed=step.done_bytes, total=step.total_bytes)

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def end(self, model: str) -> None:
        with self._lock:
            task, _ = self._tasks.pop(model, (None, ""))
            if task is not None:
                self._bars.remove_task(task)
            if not self._tasks:
                self._bars.stop()

    def close(self) -> None:
        self._bars.stop()


class Lines:
    """A plain line a phase and every few seconds, for logs: they must say what is waited for."""

    def __init__(self, write: Callable[[str], None], interval_seconds: float = PLAIN_INTERVAL_SECONDS) -> None:
        self._write = write
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._phases: dict[str, _Phase] = {}

    def step(self, step: Step) -> None:
        now = time.monotonic()
        with self._lock:
            phase = self._phases.get(step.model)
            if phase is None or phase.name != step.phase:
                phase = self._phases[step.model] = _Phase(step.phase, now, step.done_bytes, shown_at=-self._interval)
            elif now - phase.shown_at < self._interval:
                return
            phase.shown_at = now
            text = _line(step, phase, now)
        self._write(text)

    def note(self, text: str) -> None:
        self._write(text)

    def end(self, model: str) -> None:
        with self._lock:
            self._phases.pop(model, None)


@dataclass(slots=True)
class _Phase:
    name: str
    started_at: float  # monotonic seconds
    started_bytes: int
    shown_at: float


def _line(step: Step, phase: _Phase, now: float) -> str:
    where = f" from {step.source}" if step.phase == "downloading" else ""
    text = (
        f"{step.phase} {step.model}{where}: {step.percent} % "
        f"({step.done_bytes / MEGABYTE:.0f} of {step.total_bytes / MEGABYTE:.0f} MB)"
    )
    seconds = now - phase.started_at
    speed = (step.done_bytes - phase.started_bytes) / seconds if seconds > 0 else 0.0  # bytes a second
    if speed > 0:
        left = (step.total_bytes - step.done_bytes) / speed
        text += f", {speed / MEGABYTE:.1f} MB/s, {left:.0f} s left"
    return text


class Board:
    """Remembers the last step of every model, for a server's readiness, and passes everything on."""

    def __init__(self, shown: Progress | None = None) -> None:
        self._shown: Progress = shown or Silent()
        self._lock = threading.Lock()
        self._steps: dict[str, Step] = {}

    def detail(self, model: str) -> str:
        """`downloading qwen2.5-coder-1.5b: 43 %`, or nothing while nothing is done about the model."""
        with self._lock:
            step = self._steps.get(model)
        return f"{step.phase} {step.model}: {step.percent} %" if step else ""

    @property
    def steps(self) -> Mapping[str, Step]:
        """The last step of every model that something is done about, by its name."""
        with self._lock:
            return dict(self._steps)

    def step(self, step: Step) -> None:
        with self._lock:
            self._steps[step.model] = step
        self._shown.step(step)

    def note(self, text: str) -> None:
        self._shown.note(text)

    def end(self, model: str) -> None:
        with self._lock:
            self._steps.pop(model, None)
        self._shown.end(model)


@contextmanager
def shown(console: Console | None = None) -> Iterator[Progress]:
    """Progress on standard error: bars on a terminal, else plain lines."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Lines(lambda text: print(text, file=sys.stderr, flush=True))
        return
    bars = Bars(console)
    try:
        yield bars
    finally:
        bars.close()


def size_text(size_bytes: int) -> str:
    """`1.12 GB`, `148 MB`, `2.3 kB`: three digits, decimal units."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5 or unit == "GB":
            break
        size /= 1000
    return f"{size_bytes} bytes" if unit == "bytes" else f"{size:.{max(0, 3 - len(str(int(size))))}f} {unit}"
