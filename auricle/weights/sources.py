"""What every source of weights shares: how it is asked, how it fails, how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from auricle.errors import PullStopped
from auricle.weights.catalogue import File, Model
from auricle.weights.disk import Verified, put
from auricle.weights.progress import Progress, Step

POLL_SECONDS = 0.1  # how late a stop may be noticed

T = TypeVar("T")


class SourceFailed(Exception):
    """This source does not give the files; another may. The text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One model on its way into the cache."""

    model: Model
    missing: tuple[File, ...]
    folder: Path
    """Where files go once they are complete and verified."""
    work: Path
    """Where everything incomplete lies; kept when a pull is interrupted."""
    verified: Verified
    progress: Progress
    cancelled: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise PullStopped if nobody wants the weights any more."""
        if self.cancelled.is_set():
            raise PullStopped(f"getting {self.model.name} was stopped; what has arrived is kept")

    def tell(
        self,
        phase: Literal["downloading", "unpacking", "checking"],
        source: str,
        file: str,
        done_bytes: int,
        total_bytes: int,
    ) -> None:
        self.progress.step(Step(self.model.name, phase, source, file, done_bytes, total_bytes))

    def finish(self, part: Path, file: File) -> None:
        """Take `part`, whose hash has been found right, into the model."""
        final = self.folder / file.name
        put(part, final)
        self.verified.add(final, file)


def run_stoppable(
    work: Callable[[threading.Event], T],
    pull: Pull,
    *,
    reached: threading.Event | None = None,
    reach_seconds: float = 0.0,
) -> T:
    """Run `work(stop)` in a thread of its own and wait for it, but no longer than anybody wants its result.

    Resolving a name or waiting for a silent server cannot be interrupted, so a stopped `work` is left alone: it must
    look at `stop` before it writes. Raises SourceFailed if `reached` is not set after `reach_seconds`, PullStopped if
    the pull is cancelled, and whatever `work` raises.
    """
    stop = threading.Event()
    done = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(stop))
        except BaseException as error:  # handed to the thread that waits
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="auricle-weights", daemon=True).start()
    waited = 0.0
    try:
        while not done.wait(POLL_SECONDS):
            pull.check()
            waited += POLL_SECONDS
            if reached is not None and not reached.is_set() and waited > reach_seconds:
                raise SourceFailed(f"no answer within {reach_seconds:.0f} s")
    finally:
        stop.set()
    if errors:
        raise errors[0]
    return results[0]
