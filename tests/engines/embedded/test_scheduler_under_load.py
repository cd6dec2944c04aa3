"""Ten times more than can be recognised: admission, the scheduler and threads together, in a time of their own."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from auricle.admission import Deadline, Lane, cost_seconds
from auricle.admission import Ticket as Request
from auricle.engines.embedded.scheduler import Job, Kind, Scheduler, Ticket
from auricle.engines.embedded.windows import Span, Window
from auricle.errors import Unavailable
from auricle.waveform import SAMPLE_RATE

AUDIO_SECONDS = 4.0
LISTEN_SECONDS = 0.006
ENCODE_SECONDS = 0.15
DECODE_SECONDS = 0.08  # and for each window
WINDOW_SECONDS = 0.05
BESIDE_NOBODY = 0.55  # what a job takes then of its time beside another: threads share the memory
UNEVENNESS = 0.3  # standard deviation of the logarithm of a job's time
QUEUE_SECONDS = 2.0
DECODING_SECONDS = 0.01  # of the audio, before the recogniser has it


@dataclass(order=True)
class Event:
    at: float
    number: int
    happen: Callable[[], None] = field(compare=False)


class Machine:
    """Two threads, a lane, and audios of one window. Whoever asks gets the seconds, or None when refused."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.lane = Lane("x", 4, QUEUE_SECONDS, 256, lambda: self.now)
        self._scheduler = Scheduler(threads=2, batch=6, ahead=18, clock=lambda: self.now)
        self._random = random.Random(seed)
        self._events: list[Event] = []
        self._numbers = itertools.count()
        self._idle = 2
        self._asked: dict[int, tuple[Request, float, Callable[[float | None], None]]] = {}

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, Event(self.now + seconds, next(self._numbers), happen))

    def run(self) -> None:
        """Until nothing is left to do."""
        while self._events:
            event = heapq.heappop(self._events)
            self.now = event.at
            event.happen()
            while self._idle and (job := self._scheduler.poll()) is not None:
                self._begin(job)

    def ask(self, told: Callable[[float | None], None]) -> None:
        try:
            self.lane.check(self.lane.typical_cost)
        except Unavailable:
            told(None)
            return
        self.lane.measure()
        request, came = Request(self.lane, Deadline(0)), self.now
        self.lane.tickets.add(request)
        self.after(DECODING_SECONDS, lambda: self._open(request, came, told))

    def _open(self, request: Request, came: float, told: Callable[[float | None], None]) -> None:
        try:
            request.weigh(cost_seconds(AUDIO_SECONDS, 0))
        except Unavailable:
            self._leave(request)
            told(None)
            return
        id = next(self._numbers)
        self._asked[id] = (request, came, told)
        self._scheduler.open(Ticket(id))

    def _leave(self, request: Request) -> None:
        self.lane.measure()
        self.lane.tickets.discard(request)

    def _begin(self, job: Job) -> None:
        self._idle -= 1
        seconds = (
            self._random.lognormvariate(0, UNEVENNESS)
            * {
                Kind.LISTEN: LISTEN_SECONDS,
                Kind.ENCODE: ENCODE_SECONDS,
                Kind.DECODE: DECODE_SECONDS + WINDOW_SECONDS * len(job.items),
            }[job.kind]
        )
        self.after(seconds * (BESIDE_NOBODY if self._idle else 1.0), lambda: self._end(job))

    def _end(self, job: Job) -> None:
        self._idle += 1
        ended: list[int] = []
        if job.kind is Kind.LISTEN:
            samples = round(AUDIO_SECONDS * SAMPLE_RATE)
            self._scheduler.heard(job.ticket, [Window(0, (Span(0, samples),))], unread=False)
        elif job.kind is Kind.ENCODE:
            job.items[0].group = "en"
            self._scheduler.ready(job.items[0])
        else:
            ended = [item.owner.id for item in job.items if self._scheduler.done(item)]
        self._scheduler.finished(job)
        for id in ended:
            request, came, told = self._asked.pop(id)
            request.finish()
            self._leave(request)
            told(self.now - came)


def one_after_another(machine: Machine, count: int, until: float = float("inf")) -> list[float]:
    """Seconds of each; the list is full once the machine has run."""
    times: list[float] = []

    def told(seconds: float | None) -> None:
        if seconds is not None:
            times.append(seconds)
        if len(times) < count and machine.now < until:
            machine.after(0.001, lambda: machine.ask(told))

    told(None)
    return times


def p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


@pytest.mark.parametrize("seed", range(4))
async def test_who_comes_in_is_answered_in_time_and_no_thread_is_idle(seed: int) -> None:
    machine = Machine(seed)
    alone = one_after_another(machine, 40)
    machine.run()
    begun = machine.now
    clients = [one_after_another(machine, 1000, begun + 10) for _ in range(4)]
    machine.run()
    capacity = sum(map(len, clients)) / (machine.now - begun)

    told: list[float | None] = []
    seconds = 60
    for number in range(round(seconds * 10 * capacity)):
        machine.after(number / (10 * capacity), lambda: machine.ask(told.append))
    machine.run()
    answered = [one for one in told if one is not None]
    assert len(told) == round(seconds * 10 * capacity)
    assert p99(answered) <= 0.9 * (2 * p99(alone) + QUEUE_SECONDS)
    assert len(answered) >= seconds * capacity
