"""Who comes in, who is told to come back, and when."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing

import pytest

from auricle.admission import Admission, Deadline, Lane, Memory, Ticket, cost_seconds
from auricle.errors import TookTooLong, Unavailable


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_memory_is_given_back_once() -> None:
    clock = Clock()
    memory = Memory(100, clock)
    one = memory.claim(60)
    with pytest.raises(Unavailable):
        memory.claim(41)
    one.cover(50)
    one.cover(80)
    assert memory.used_bytes == 80
    two = memory.claim(20)
    one.release()
    one.release()
    assert memory.used_bytes == 20
    two.release()
    assert memory.used_bytes == 0
    assert memory.refused == 1


def test_memory_says_when_to_try_again() -> None:
    clock = Clock()
    memory = Memory(100, clock)
    for _ in range(100):
        claim = memory.claim(100)
        clock.now += 20
        claim.release()
    memory.claim(100)
    with pytest.raises(Unavailable) as refused:
        memory.claim(1)
    assert refused.value.retry_after_seconds == pytest.approx(20, rel=0.1)


def by_end(item: tuple[float, Ticket, float]) -> float:
    return item[0]


class World:
    """A lane of `parallel` workers, each answering a second of cost in `pace` seconds, first come first served.

    Costs are wrong by a factor that `error` draws.
    """

    def __init__(
        self, parallel: int, queue_seconds: float, pace: float = 1.0, error: Callable[[], float] = lambda: 1.0
    ) -> None:
        self.clock = Clock()
        self.lane = Lane("x", parallel, queue_seconds, 10_000, self.clock)
        self.pace = pace
        self.error = error
        self.queue: list[tuple[Ticket, float]] = []
        self.running: list[tuple[float, Ticket, float]] = []
        self.waits: list[float] = []

    async def arrive(self, cost: float) -> float | None:
        """None if it came in, else the seconds after which to come again."""
        ticket = Ticket(self.lane, Deadline(0))
        try:
            self.lane.check(cost)
            self.lane.measure()
            self.lane.tickets.add(ticket)
            ticket.weigh(cost)
        except Unavailable as refused:
            self.lane.tickets.discard(ticket)
            return refused.retry_after_seconds
        self.queue.append((ticket, self.clock.now))
        return None

    def pass_time(self, until: float) -> None:
        while True:
            while self.queue and len(self.running) < (self.lane.parallel or 0):
                ticket, came = self.queue.pop(0)
                assert ticket.cost is not None
                self.running.append((self.clock.now + ticket.cost * self.pace * self.error(), ticket, came))
            if not self.running or min(self.running, key=by_end)[0] > until:
                self.clock.now = until
                return
            end, ticket, came = min(self.running, key=by_end)
            self.clock.now = end
            self.running.remove((end, ticket, came))
            self.waits.append(end - came)
            ticket.finish()
            self.lane.measure()
            self.lane.tickets.discard(ticket)


@pytest.mark.parametrize("pace", [0.1, 1.0, 7.0])
async def test_whoever_comes_in_is_answered_in_time(pace: float) -> None:
    """Ten times more than can be answered; the bound is kept once the rate is known, and no worker is idle."""
    world = World(parallel=4, queue_seconds=5 * pace, pace=pace)
    hints: list[float] = []
    step = pace / 40  # 4 workers answer 4 requests a pace; 40 come
    for number in range(1, 4001):
        hint = await world.arrive(1.0)
        if hint is not None:
            hints.append(hint)
        world.pass_time(number * step)
    settled = world.waits[len(world.waits) // 4 :]
    assert max(settled) <= (2 * 1.0 + 5) * pace * 1.25
    assert len(world.waits) >= 0.95 * 4 * (4000 * step - 7 * pace) / pace
    assert len(hints) > 3000
    assert max(hints) <= max(13 * pace, 1.0)  # what is known at the start is little


async def test_room_is_kept_for_wrong_estimates() -> None:
    draw = random.Random(7)
    world = World(parallel=4, queue_seconds=6, error=lambda: draw.lognormvariate(0, 0.7))
    for number in range(1, 40_001):
        await world.arrive(1.0)
        world.pass_time(number / 40)
    settled = world.waits[len(world.waits) // 4 :]
    mean = math.exp(0.7**2 / 2)
    assert sorted(settled)[int(0.99 * len(settled))] <= 2 * mean + 6  # 11 s without room
    assert len(settled) >= 0.95 * 3000 / mean  # no worker is idle


async def test_who_waited_says_nothing_of_the_time_alone() -> None:
    world = World(parallel=4, queue_seconds=6)
    for number in range(1, 11):
        await world.arrive(1.0)
        world.pass_time(2.0 * number)
    for number in range(1, 2001):  # ten times too many, then nobody, so that the lane becomes empty
        await world.arrive(1.0)
        world.pass_time(20 + number / 40)
    world.pass_time(100.0)
    await world.arrive(1.0)
    assert world.lane.expected(1.0, next(iter(world.lane.tickets))) == pytest.approx(1.0)


async def test_an_idle_lane_refuses_nobody() -> None:
    world = World(parallel=2, queue_seconds=0)
    for number in range(200):
        assert await world.arrive(1000.0) is None
        world.pass_time((number + 1) * 1000.0)
    assert len(world.waits) == 200


async def test_a_short_clip_comes_in_beside_a_long_one() -> None:
    world = World(parallel=1, queue_seconds=5)
    assert await world.arrive(cost_seconds(10 * 3600, 0)) is None
    assert await world.arrive(cost_seconds(5, 0)) is None


async def test_lanes_and_the_server_have_bounds() -> None:
    admission = Admission(max_requests=3, max_queued=1, queue_seconds=1000)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(admission.enter("a", 1))
        with pytest.raises(Unavailable), admission.enter("a", 1):
            pass
        held.enter_context(admission.enter("b", None))
        with pytest.raises(Unavailable, match="in progress"), admission.enter("b", None):
            pass
        assert admission.in_progress == 3
    assert admission.in_progress == 0
    assert not admission.lanes["a"].tickets
    admission.refuse_new()
    with pytest.raises(Unavailable, match="stopping"), admission.enter("a", 1):
        pass


async def forever(closed: list[bool]) -> AsyncGenerator[int, None]:
    try:
        yield 1
        await asyncio.sleep(3600)
        yield 2
    finally:
        closed.append(True)


async def test_a_deadline_cuts_what_is_waited_for() -> None:
    closed: list[bool] = []
    deadline = Deadline(0.05)
    seen = []
    with pytest.raises(TookTooLong):
        async with aclosing(forever(closed)) as items, aclosing(deadline.each(items)) as timely:
            async for item in timely:
                seen.append(item)
    assert seen == [1]
    assert closed


async def test_a_stop_ends_what_is_in_progress_with_a_clean_error() -> None:
    admission = Admission()
    closed: list[bool] = []

    async def work() -> None:
        with admission.enter("a", None) as ticket:
            async with aclosing(forever(closed)) as items, aclosing(ticket.deadline.each(items)) as timely:
                async for _ in timely:
                    pass

    running = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    admission.stop()
    with pytest.raises(Unavailable, match="stopping"):
        await running
    assert closed


async def test_other_timeouts_are_not_mistaken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with Deadline(10).over():
            raise TimeoutError
