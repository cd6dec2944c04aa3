"""Whether one more request may come in now: what the server would rather refuse at once than answer too late.

Three bounds, each told with the seconds after which trying again makes sense:

Memory      bytes of large audios that all requests hold together, encoded, taken as they arrive
Admission   requests in progress, and for each lane (an engine and a task) the estimated wait
Deadline    the time of one request; also what ends it when the server stops

The estimate of a lane: a request costs so many seconds of one worker, by its audio and its prompt; the lane's rate,
cost answered a second while it was full, is measured. Engines share their time among requests, so what a request
waits for is, of every other one, at most as much as it costs itself. It comes in if that is no more than its own time
and `queue_seconds`: then it takes at most twice the time that it would take alone, and the queue's bound. Estimates
err: as much of the queue is kept free as the latest of a hundred requests was answered later than estimated.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from auricle.errors import TookTooLong, Unavailable

FORGET_SECONDS = 30.0  # of a full lane's time: how quickly its measured rate follows what it does now
LEARN = 0.1  # weight of a new observation among the old
OBSERVED = 100  # requests that had to wait, the latest of which tells `Lane.lateness`
FIRST_LATENESS = 0.25  # of `queue_seconds`, kept free until more is known
MOST_LATENESS = 0.5  # of `queue_seconds`: the rest is for waiting, however wrong estimates are
AIM = 0.95  # of `queue_seconds`: who is let in is expected to have waited by then, as learning lags behind the load
KNOWN_SECONDS = 0.5  # of a full lane's time, until which its rate is guessed
QUEUED_UNKNOWN = 4  # requests for each worker that may wait while nothing is known of the lane's rate
SHORTEST_RETRY_SECONDS = 1.0
UNKNOWN_RETRY_SECONDS = 5.0
BASE_COST_SECONDS = 0.2
AUDIO_COST = 0.1  # seconds of work for a second of audio
TOKEN_COST_SECONDS = 0.002
ARRIVING_SHARE = 0.5  # of the memory budget, for what one sender has not sent to its end
STOPPING = "the server is stopping"

T = TypeVar("T")
Clock = Callable[[], float]


def cost_seconds(audio_seconds: float, tokens: int) -> float:
    """What a request is likely to cost, in seconds of one worker. Only proportions matter: the rate is measured."""
    return BASE_COST_SECONDS + AUDIO_COST * audio_seconds + TOKEN_COST_SECONDS * tokens


class Memory:
    """One budget for the large audios of all requests."""

    def __init__(self, budget_bytes: int, clock: Clock = time.monotonic) -> None:
        self.budget_bytes = budget_bytes
        self.used_bytes = 0
        self.refused = 0
        self._arriving_bytes: Counter[str] = Counter()  # by who sends them
        self._clock = clock
        self._held_seconds = UNKNOWN_RETRY_SECONDS

    def claim(self, size_bytes: int = 0, sender: str | None = None) -> Claim:
        """A part of the budget, which may grow. Raises Unavailable if there is not as much left.

        With a `sender` it is for what is still arriving, of which one sender gets ARRIVING_SHARE of the budget: who
        takes long to send takes only from that. A single body may be larger.
        """
        claim = Claim(self, self._clock(), sender)
        claim.grow(size_bytes)
        return claim

    def _check(self, claim: Claim, size_bytes: int) -> None:
        arriving = self._arriving_bytes[claim.sender] if claim.sender is not None else 0
        crowded = arriving > claim.size_bytes and arriving + size_bytes > ARRIVING_SHARE * self.budget_bytes
        if crowded or self.used_bytes + size_bytes > self.budget_bytes:
            self.refused += 1
            raise Unavailable(
                "too many large audios are being received; try again", retry_after_seconds=max(1.0, self._held_seconds)
            )

    def _move(self, size_bytes: int, sender: str | None) -> None:
        self.used_bytes += size_bytes
        self._arrive(size_bytes, sender)

    def _arrive(self, size_bytes: int, sender: str | None) -> None:
        if sender is not None:
            self._arriving_bytes[sender] += size_bytes
            if not self._arriving_bytes[sender]:
                del self._arriving_bytes[sender]

    def _held(self, since: float) -> None:
        self._held_seconds += LEARN * (self._clock() - since - self._held_seconds)


class Claim:
    """A part of the memory budget."""

    def __init__(self, memory: Memory, since: float, sender: str | None) -> None:
        self.size_bytes = 0
        self.sender = sender
        self._memory = memory
        self._since = since

    def foresee(self, size_bytes: int) -> None:
        """Take nothing yet. Raises Unavailable if there is not room for `size_bytes` in all now."""
        self._memory._check(self, size_bytes - self.size_bytes)

    def grow(self, size_bytes: int) -> None:
        """Take `size_bytes` more. Raises Unavailable."""
        if size_bytes:
            self._memory._check(self, size_bytes)
            self._memory._move(size_bytes, self.sender)
            self.size_bytes += size_bytes

    def cover(self, size_bytes: int) -> None:
        """Grow to `size_bytes` in all, if it is less. Raises Unavailable."""
        self.grow(max(0, size_bytes - self.size_bytes))

    def arrived(self) -> None:
        """Everything is here: it counts no more as its sender's."""
        self._memory._arrive(-self.size_bytes, self.sender)
        self.sender = None

    def release(self) -> None:
        """Give everything back. Safe to call twice."""
        if self.size_bytes:
            self._memory._move(-self.size_bytes, self.sender)
            self._memory._held(self._since)
            self.size_bytes = 0


class Deadline:
    """The time that one request may take. A stopping server moves it to now."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: 0 for any time."""
        self._seconds = seconds
        self._when = asyncio.get_running_loop().time() + seconds if seconds else None
        self._running: asyncio.Timeout | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the request now, wherever it is."""
        self._stopped = True
        self._when = asyncio.get_running_loop().time()
        if self._running is not None and not self._running.expired():
            self._running.reschedule(self._when)

    @asynccontextmanager
    async def over(self) -> AsyncGenerator[None, None]:
        """Bound what is awaited in the block. Not across a `yield` of a generator: its reader would be cancelled.

        Raises TookTooLong, or Unavailable when the server is stopping.
        """
        try:
            async with asyncio.timeout_at(self._when) as self._running:
                yield
        except TimeoutError:
            if self._running is None or not self._running.expired():
                raise
            if self._stopped:
                raise Unavailable(STOPPING) from None
            raise TookTooLong(self._seconds) from None
        finally:
            self._running = None

    async def each(self, items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The items of `items`, each waited for no longer than until the deadline."""
        while True:
            async with self.over():
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item


class Ticket:
    """One request in a lane."""

    def __init__(self, lane: Lane, deadline: Deadline) -> None:
        self.deadline = deadline
        self.remaining = lane.typical_cost  # of work, in seconds
        self.cost: float | None = None  # known once the audio is decoded
        self._lane = lane
        self._entered = lane.clock()
        self._began = 0.0
        self._expected: float | None = None  # seconds; None: it did not have to wait

    def weigh(self, cost: float) -> None:
        """Its real cost is known now. Raises Unavailable if it has to wait too long."""
        self._lane.measure()
        self._lane.check(cost, self)
        self.cost = self.remaining = cost
        self._began = self._lane.clock()
        self._expected = self._lane.expected(cost, self) if self._lane.full else None
        self._lane.learn_cost(cost)

    def progress(self, done: float) -> None:
        """`done` (0 to 1) of the request has been answered."""
        if self.cost is not None and 0 <= done <= 1:
            self._work(max(0.0, self.remaining - self.cost * (1 - done)))

    def finish(self) -> None:
        """The request has been answered to its end."""
        if self.cost is not None:
            self._work(self.remaining)
            seconds = self._lane.clock() - self._began
            if self._lane.last_full < self._entered:
                self._lane.learn_pace(seconds, self.cost)
            if self._expected is not None:
                self._lane.learn_lateness(self._lane.clock() - self._entered - self._expected)

    def _work(self, cost: float) -> None:
        self._lane.measure(cost)
        self.remaining -= cost


class Lane:
    """Requests for one engine and one task."""

    def __init__(
        self, name: str, parallel: int | None, queue_seconds: float, max_queued: int, clock: Clock = time.monotonic
    ) -> None:
        """`parallel` requests are worked on at once, others wait; None: nothing is known, and nobody is refused."""
        self.name = name
        self.parallel = parallel
        self.clock = clock
        self.tickets: set[Ticket] = set()
        self.refused = 0
        self._lateness = deque([FIRST_LATENESS * queue_seconds] * OBSERVED, OBSERVED)
        self._queue_seconds = queue_seconds
        self._max_queued = max_queued
        self._log_cost = math.log(cost_seconds(0, 0))
        self._pace: float | None = None  # seconds that a second of cost takes, when nobody waits
        self._full_seconds = 0.0
        self._full_cost = 0.0
        self._measured = clock()
        self.last_full = -math.inf  # when there was somebody to wait for, last

    @property
    def typical_cost(self) -> float:
        """The geometric mean: one long audio among short ones moves it little."""
        return math.exp(self._log_cost)

    @property
    def full(self) -> bool:
        return self.parallel is not None and len(self.tickets) >= self.parallel

    @property
    def known(self) -> bool:
        """Whether anything has been answered that tells how fast the lane is."""
        return self._pace is not None or self._full_cost > 0

    @property
    def lateness(self) -> float:
        """Seconds that the latest of the last hundred requests that had to wait was answered later than estimated."""
        return min(max(0.0, *self._lateness), MOST_LATENESS * self._queue_seconds)

    @property
    def rate(self) -> float:
        """Cost answered a second: measured while the lane was full, else estimated."""
        if self._full_seconds >= KNOWN_SECONDS and self._full_cost > 0:
            return self._full_cost / self._full_seconds
        return (self.parallel or 1) / (self._pace or 1.0)

    @property
    def wait_seconds(self) -> float:
        """What a typical request would wait for now."""
        return self.wait(self.typical_cost)

    def wait(self, cost: float, but: Ticket | None = None) -> float:
        if not self.full:
            return 0.0
        return sum(min(ticket.remaining, cost) for ticket in self.tickets if ticket is not but) / self.rate

    def expected(self, cost: float, ticket: Ticket) -> float:
        """Seconds until `ticket` will be answered; of its own time no more than is known, as what lacks is learned."""
        pace = 1 / self.rate if self._pace is None else self._pace
        return self.wait(cost, ticket) + cost * pace

    def check(self, cost: float, ticket: Ticket | None = None) -> None:
        """Raises Unavailable if a request of `cost` would wait too long."""
        if self.parallel is None or len(self.tickets) - (ticket is not None) < self.parallel:
            return
        own = cost / self.rate
        too_long = self.wait(cost, ticket) - own - (AIM * self._queue_seconds - self.lateness)
        most = self._max_queued if self.known else min(self._max_queued, QUEUED_UNKNOWN * self.parallel)
        if too_long > 0 or (ticket is None and len(self.tickets) - self.parallel >= most):
            self.refused += 1
            raise Unavailable(
                "too many requests are waiting; try again", retry_after_seconds=max(SHORTEST_RETRY_SECONDS, too_long)
            )

    def measure(self, cost: float = 0.0) -> None:
        """Note that `cost` was answered since the last call. Called before tickets come or go."""
        now = self.clock()
        if self.full:
            self.last_full = now
            passed = now - self._measured
            kept = math.exp(-passed / FORGET_SECONDS)
            self._full_seconds = self._full_seconds * kept + passed
            self._full_cost = self._full_cost * kept + cost
        self._measured = now

    def learn_cost(self, cost: float) -> None:
        self._log_cost += LEARN * (math.log(cost) - self._log_cost)

    def learn_pace(self, seconds: float, cost: float) -> None:
        """A request of `cost` took so long without waiting for others."""
        pace = seconds / cost
        self._pace = pace if self._pace is None else self._pace + LEARN * (pace - self._pace)

    def learn_lateness(self, seconds: float) -> None:
        """A request came so much later than expected."""
        self._lateness.append(seconds)


class Admission:
    """Everything that is in progress."""

    def __init__(
        self,
        memory: Memory | None = None,
        *,
        max_requests: int = 1000,
        max_queued: int = 256,
        queue_seconds: float = 30.0,
        request_seconds: float = 0.0,
    ) -> None:
        self.memory = memory or Memory(512 * 1024 * 1024)
        self.lanes: dict[str, Lane] = {}
        self.refused = 0  # because too many were in progress, whatever the lane
        self._max_requests = max_requests
        self._max_queued = max_queued
        self._queue_seconds = queue_seconds
        self._request_seconds = request_seconds
        self._deadlines: set[Deadline] = set()
        self._stopping = False

    @property
    def in_progress(self) -> int:
        return len(self._deadlines)

    @contextmanager
    def enter(self, name: str, parallel: int | None) -> Iterator[Ticket]:
        """Let a request into the lane `name`, before anything is done for it. Raises Unavailable."""
        if self._stopping:
            raise Unavailable(STOPPING)
        if len(self._deadlines) >= self._max_requests:
            self.refused += 1
            raise Unavailable("too many requests are in progress; try again", retry_after_seconds=UNKNOWN_RETRY_SECONDS)
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane(name, parallel, self._queue_seconds, self._max_queued)
        lane.check(lane.typical_cost)
        lane.measure()
        ticket = Ticket(lane, Deadline(self._request_seconds))
        lane.tickets.add(ticket)
        self._deadlines.add(ticket.deadline)
        try:
            yield ticket
        finally:
            lane.measure()
            lane.tickets.discard(ticket)
            self._deadlines.discard(ticket.deadline)

    def refuse_new(self) -> None:
        """From now on nobody comes in; what is in progress goes on."""
        self._stopping = True

    def stop(self) -> None:
        """End everything that is in progress: each request fails with a clean error."""
        self.refuse_new()
        for deadline in list(self._deadlines):
            deadline.stop()
