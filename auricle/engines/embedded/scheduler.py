"""Whose window is next: fair shares of the machine among requests, in jobs short enough that nobody waits long.

Each request is read in stretches (LISTEN), which yields windows; windows are encoded one by one (ENCODE) and decoded in
batches (DECODE); a window whose text is doubtful is recognised again, alone and slowly (REDO).

Fairness is by virtual time (weighted fair queueing: Demers, Keshav, Shenker 1989): a request's tag is the audio that it
has had recognised, on a clock that runs by the work done divided by the requests that want work, and the window comes
first that would be finished first on it. A new request starts at the clock, so a short clip overtakes a long file, and
the clock overtakes every waiting tag, so no stream of short clips starves the file.

Jobs cannot be interrupted. So one thread does nothing for long audios while short ones are there, and for a moment
after, as who sent one often sends another (anticipatory scheduling: Iyer and Druschel 2001).
"""

from __future__ import annotations

import enum
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from auricle.engines.embedded.windows import Window

LONG_SECONDS = 6.0  # audio in a job from which on it is a long one
LENGTHS = 1.6  # windows of one batch differ in length by this factor at most
SLACK = 0.65  # of a window's length, in virtual time: encode first what comes so soon after it and may join its batch
EXPECTED_SECONDS = 2.0  # after a short audio's end in which another is expected


class Kind(enum.Enum):
    LISTEN = "listen"
    ENCODE = "encode"
    DECODE = "decode"
    REDO = "redo"


@dataclass(slots=True, eq=False)
class Item:
    """A window on its way."""

    owner: Ticket
    window: Window
    tag: float  # when it would be finished, in virtual time
    group: Hashable = None  # windows of different groups cannot be decoded together

    @property
    def seconds(self) -> float:
        return self.window.seconds


@dataclass(slots=True, eq=False)
class Ticket:
    """A request as the scheduler sees it."""

    id: int
    tag: float = 0.0
    unread: bool = True  # there is more audio to search for speech
    listening: bool = False
    cancelled: bool = False
    bulk: bool = False  # it is read in more than one stretch: a long one, whose jobs others must not wait for
    windows: deque[Window] = field(default_factory=deque)  # to be encoded
    open: int = 0  # windows that were handed out and are not done
    last_seconds: float = 0.0  # of the last window that was handed out

    @property
    def next_tag(self) -> float:
        """When its next window would be finished, in virtual time; an unknown one is taken to be like the last."""
        return self.tag + (self.windows[0].seconds if self.windows else self.last_seconds)

    @property
    def done(self) -> bool:
        return not (self.unread or self.listening or self.windows or self.open)


@dataclass(slots=True, frozen=True)
class Job:
    """What a thread shall do now."""

    kind: Kind
    ticket: Ticket
    items: tuple[Item, ...] = ()
    long: bool = False
    bulk: bool = False  # for a long audio, as far as is known


class Scheduler:
    """Safe to use from all threads."""

    def __init__(self, *, threads: int, batch: int, ahead: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`threads` take jobs; `batch` windows are decoded together; `ahead` windows of a request are open at most;
        `clock` tells real time, in seconds."""
        self._threads = threads
        self._batch = batch
        self._ahead = ahead
        self._changed = threading.Condition()
        self._tickets: dict[int, Ticket] = {}
        self._ready: list[Item] = []
        self._redo: list[Item] = []
        self._clock = 0.0
        self._long = 0  # long jobs that are running
        self._bulk = 0  # jobs for long audios that are running
        self._now = clock
        self._expected_until = -math.inf  # a short audio
        self._closed = False

    def open(self, ticket: Ticket) -> None:
        with self._changed:
            ticket.tag = self._clock
            self._tickets[ticket.id] = ticket
            self._changed.notify()

    def cancel(self, id: int) -> None:
        """Take everything of a request out of the queues."""
        with self._changed:
            ticket = self._tickets.pop(id, None)
            if ticket is not None:
                ticket.cancelled = True
                self._left(ticket)
                ticket.windows.clear()
                self._ready = [item for item in self._ready if item.owner is not ticket]
                self._redo = [item for item in self._redo if item.owner is not ticket]
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def next(self) -> Job | None:
        """The next job, waited for; None once closed."""
        with self._changed:
            while not self._closed:
                if (job := self.poll()) is not None:
                    return job
                expected_seconds = self._expected_until - self._now()
                self._changed.wait(expected_seconds if expected_seconds > 0 else None)
            return None

    def poll(self) -> Job | None:
        """A job, if there is one that may be done now."""
        with self._changed:
            job = self._choose()
            if job is not None:
                self._long += job.long
                self._bulk += job.bulk
            return job

    def finished(self, job: Job) -> None:
        """A thread is done with `job` (whatever came of it)."""
        with self._changed:
            self._long -= job.long
            self._bulk -= job.bulk
            if job.kind is Kind.LISTEN:
                job.ticket.listening = False
            self._changed.notify_all()

    def heard(self, ticket: Ticket, windows: list[Window], *, unread: bool) -> None:
        """Listening found `windows`; `unread` if there is more audio."""
        with self._changed:
            if not ticket.cancelled:
                ticket.windows.extend(windows)
                ticket.unread = unread
                ticket.bulk = ticket.bulk or unread

    def ready(self, item: Item) -> None:
        """An encoded window may be decoded (`item.group` is set)."""
        self._queue(self._ready, item)

    def again(self, item: Item) -> None:
        """A decoded window must be recognised the slow way."""
        self._queue(self._redo, item)

    def split(self, item: Item, parts: int) -> None:
        """A window was taken apart: each part will be done on its own."""
        with self._changed:
            item.owner.open += parts - 1

    def done(self, item: Item) -> bool:
        """A window has its text, or failed. True if its request is finished with that."""
        with self._changed:
            item.owner.open -= 1
            return self._finish(item.owner)

    def finish(self, ticket: Ticket) -> bool:
        """True, once, if nothing of the request is left to do."""
        with self._changed:
            return self._finish(ticket)

    def _finish(self, ticket: Ticket) -> bool:
        if not ticket.done or self._tickets.pop(ticket.id, None) is None:
            return False
        self._left(ticket)
        return True

    def _left(self, ticket: Ticket) -> None:
        if not ticket.bulk:
            self._expected_until = self._now() + EXPECTED_SECONDS

    def _queue(self, queue: list[Item], item: Item) -> None:
        with self._changed:
            if not item.owner.cancelled:
                queue.append(item)
                queue.sort(key=lambda other: other.tag)

    def _choose(self) -> Job | None:
        may_be_long = self._has_room(self._long)
        may_be_bulk = self._has_room(self._bulk) or not self._short_expected()
        sources = (ticket for ticket in self._tickets.values() if self._has_work(ticket))
        sources = (ticket for ticket in sources if may_be_bulk or not ticket.bulk)
        source = min(sources, key=lambda ticket: ticket.next_tag, default=None)
        ready, doubtful = (
            [item for item in queue if may_be_bulk or not item.owner.bulk] for queue in (self._ready, self._redo)
        )
        redo = doubtful[0] if doubtful and may_be_long else None
        batch, may_grow = self._next_batch(ready, may_be_long, source)
        tag = min((item.tag for item in (*batch[:1], *([redo] if redo else []))), default=None)
        if source is not None and (tag is None or source.next_tag < tag or may_grow):
            return self._feed(source)
        if redo is not None and (not batch or redo.tag < batch[0].tag):
            self._redo.remove(redo)
            return Job(Kind.REDO, redo.owner, (redo,), long=True, bulk=redo.owner.bulk)
        if batch:
            for item in batch:
                self._ready.remove(item)
            long = sum(item.seconds for item in batch) > LONG_SECONDS
            bulk = any(item.owner.bulk for item in batch)
            return Job(Kind.DECODE, batch[0].owner, tuple(batch), long=long, bulk=bulk)
        return None

    def _has_room(self, running: int) -> bool:
        """Whether a thread is left for others beside so many jobs and one more; one job there may be in any case."""
        return running == 0 or running < self._threads - 1

    def _short_expected(self) -> bool:
        """Whether a short audio is there, or likely to come soon."""
        return self._now() < self._expected_until or any(not ticket.bulk for ticket in self._tickets.values())

    def _worth_waiting(self, batch: list[Item], source: Ticket | None) -> bool:
        """Whether to encode a window of `source` before decoding `batch`, which it may then join."""
        if source is None or len(batch) == self._batch:
            return False
        head = batch[0]
        if source is head.owner:
            return head.window.index > 0  # the first text of an audio comes as soon as it can
        if source.bulk and not head.owner.bulk:
            return False
        if source.windows and not _alike(source.windows[0].seconds, head.seconds):
            return False  # it would join another batch
        # While all who wait are served once the clock advances by a window's length: what came much later is left for
        # another batch, or now and then a window would wait for two.
        return source.next_tag <= head.tag + SLACK * head.seconds

    def _has_work(self, ticket: Ticket) -> bool:
        if ticket.windows:
            return ticket.open < self._ahead
        return ticket.unread and not ticket.listening and ticket.open < self._ahead

    def _feed(self, ticket: Ticket) -> Job:
        """Encode the request's next window, or listen for more.

        Listening keeps a batch of windows in store, so that no thread waits for it, but never delays an audio's first.
        """
        enough = len(ticket.windows) >= (self._batch if ticket.open else 1)
        if ticket.unread and not ticket.listening and not enough:
            ticket.listening = True
            return Job(Kind.LISTEN, ticket, bulk=ticket.bulk)
        item = Item(ticket, ticket.windows[0], ticket.next_tag)
        window = ticket.windows.popleft()
        ticket.open += 1
        wanting = sum(1 for other in self._tickets.values() if not other.done) or 1
        self._clock += window.seconds / wanting
        ticket.tag += window.seconds
        ticket.last_seconds = window.seconds
        return Job(Kind.ENCODE, ticket, (item,), bulk=ticket.bulk)

    def _next_batch(self, ready: list[Item], may_be_long: bool, source: Ticket | None) -> tuple[list[Item], bool]:
        """The windows to decode next, and whether it is worth while to encode one of `source` first.

        Of batches of windows that are alike, the first by its tag that need not grow; one that may does not hold up
        the others.
        """
        growing: list[Item] = []
        for head in ready:
            if head in growing or (not may_be_long and head.seconds > LONG_SECONDS):
                continue
            batch = self._batch_of(head, ready, may_be_long)
            if not self._worth_waiting(batch, source):
                return batch, False
            growing = growing or batch
        return growing, bool(growing)

    def _batch_of(self, head: Item, ready: list[Item], may_be_long: bool) -> list[Item]:
        batch = [head]
        seconds = head.seconds
        for item in ready:
            if len(batch) == self._batch:
                break
            if item is head or item.group != head.group or not _alike(item.seconds, head.seconds):
                continue
            if not may_be_long and seconds + item.seconds > LONG_SECONDS:
                continue
            batch.append(item)
            seconds += item.seconds
        return batch


def _alike(seconds: float, others: float) -> bool:
    """Whether windows of these lengths may be decoded together."""
    return 1 / LENGTHS <= (seconds + 1) / (others + 1) <= LENGTHS
