"""Whose window is next."""

from __future__ import annotations

from collections import deque

from auricle.engines.embedded.scheduler import EXPECTED_SECONDS, Item, Job, Kind, Scheduler, Ticket
from auricle.engines.embedded.windows import Span, Window
from auricle.waveform import SAMPLE_RATE


def window(index: int, seconds: float) -> Window:
    return Window(index, (Span(0, round(seconds * SAMPLE_RATE)),))


def opened(scheduler: Scheduler, id: int, *seconds: float) -> Ticket:
    """A request of which these windows are known already."""
    ticket = Ticket(id, unread=False)
    ticket.windows.extend(window(index, length) for index, length in enumerate(seconds))
    scheduler.open(ticket)
    return ticket


def take(scheduler: Scheduler) -> Job:
    job = scheduler.next()
    assert job is not None
    return job


def encode(scheduler: Scheduler, group: str = "en") -> Job:
    """Take a job, which must be to encode, and do it."""
    job = take(scheduler)
    assert job.kind is Kind.ENCODE
    job.items[0].group = group
    scheduler.ready(job.items[0])
    scheduler.finished(job)
    return job


def finish(scheduler: Scheduler, job: Job) -> list[bool]:
    scheduler.finished(job)
    return [scheduler.done(item) for item in job.items]


def test_an_audio_is_listened_to_before_anything_else() -> None:
    scheduler = Scheduler(threads=2, batch=4, ahead=12)
    ticket = Ticket(1)
    scheduler.open(ticket)
    job = take(scheduler)
    assert job.kind is Kind.LISTEN
    scheduler.heard(ticket, [], unread=False)
    scheduler.finished(job)
    assert scheduler.finish(ticket)
    assert not scheduler.finish(ticket)


def test_windows_of_several_requests_are_decoded_together() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=12)
    for id in range(4):
        opened(scheduler, id, 3.0)
    for _ in range(4):
        encode(scheduler)
    job = take(scheduler)
    assert job.kind is Kind.DECODE
    assert sorted(item.owner.id for item in job.items) == [0, 1, 2, 3]
    assert finish(scheduler, job) == [True] * 4


def test_windows_that_differ_are_not_decoded_together() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=12)
    for id, seconds, group in [(1, 3.0, "en"), (2, 13.0, "en"), (3, 3.0, "zh")]:
        encoded(scheduler, opened(scheduler, id, seconds), seconds, group)
    batches = []
    for _ in range(3):
        job = take(scheduler)
        batches.append([item.owner.id for item in job.items])
        finish(scheduler, job)
    assert sorted(batches) == [[1], [2], [3]]


def test_a_batch_that_may_grow_does_not_hold_up_another() -> None:
    scheduler = Scheduler(threads=2, batch=4, ahead=12)
    file = opened(scheduler, 1, *[14.0] * 40)
    file.tag, file.windows = 14.0, deque([window(1, 14.0), window(2, 14.0)])
    encoded(scheduler, file, 28.0)
    file.tag = 28.0
    encoded(scheduler, opened(scheduler, 2, 3.0), 31.0)
    job = take(scheduler)
    assert (job.kind, job.ticket.id) == (Kind.DECODE, 2)
    assert encode(scheduler).ticket.id == 1


def encoded(scheduler: Scheduler, ticket: Ticket, tag: float, group: str = "en") -> None:
    """The ticket's next window has been encoded."""
    item = Item(ticket, ticket.windows.popleft(), tag, group)
    ticket.open += 1
    scheduler.ready(item)


def test_a_batch_does_not_wait_for_what_came_much_later() -> None:
    scheduler = Scheduler(threads=2, batch=6, ahead=18)
    opened(scheduler, 1, 4.0).tag = 10.0
    early = encode(scheduler).ticket
    opened(scheduler, 2, 4.0).tag = 11.0  # comes with it
    opened(scheduler, 3, 4.0).tag = 14.0  # comes when the one before it is served
    assert encode(scheduler).ticket.id == 2
    job = take(scheduler)
    assert (job.kind, job.ticket) == (Kind.DECODE, early)
    assert len(job.items) == 2


def test_a_short_clip_overtakes_a_long_file() -> None:
    scheduler = Scheduler(threads=2, batch=4, ahead=12)
    opened(scheduler, 1, *[14.0] * 40)
    assert encode(scheduler).items[0].window.index == 0
    first = take(scheduler)
    assert first.kind is Kind.DECODE  # the first text as soon as it can be
    for _ in range(4):
        encode(scheduler)
    opened(scheduler, 2, 3.0)
    order: list[int] = []
    while 2 not in order:
        job = take(scheduler)
        if job.kind is Kind.ENCODE:
            scheduler.ready(job.items[0])
            scheduler.finished(job)
        else:
            order += [item.owner.id for item in job.items]
            finish(scheduler, job)
    assert len(order) <= 5  # one batch of the file at most went first


def test_a_stream_of_short_clips_does_not_starve_a_file() -> None:
    scheduler = Scheduler(threads=1, batch=1, ahead=4)
    opened(scheduler, 0, *[14.0] * 10)
    served = []
    for id in range(1, 200):
        opened(scheduler, id, 3.0)
        for _ in range(2):
            job = take(scheduler)
            if job.kind is Kind.ENCODE:
                scheduler.ready(job.items[0])
                scheduler.finished(job)
            else:
                served += [item.owner.id for item in job.items]
                finish(scheduler, job)
    assert served.count(0) >= 5


def test_one_thread_is_kept_free_of_long_jobs() -> None:
    scheduler = Scheduler(threads=2, batch=2, ahead=4)
    opened(scheduler, 1, *[14.0] * 4)
    encode(scheduler)
    first = take(scheduler)
    assert first.long
    encode(scheduler)
    opened(scheduler, 2, 3.0)
    encode(scheduler)
    second = take(scheduler)
    assert [item.owner.id for item in second.items] == [2]


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def begun(scheduler: Scheduler, id: int, *seconds: float) -> Ticket:
    """A file of which these windows were found in its first stretch."""
    ticket = Ticket(id)
    scheduler.open(ticket)
    job = take(scheduler)
    assert job.kind is Kind.LISTEN
    scheduler.heard(ticket, [window(index, length) for index, length in enumerate(seconds)], unread=True)
    scheduler.finished(job)
    return ticket


def test_a_thread_is_kept_free_for_short_audios_while_they_come() -> None:
    clock = Clock()
    scheduler = Scheduler(threads=2, batch=4, ahead=12, clock=clock)
    begun(scheduler, 1, *[14.0] * 12)
    opened(scheduler, 2, 3.0)
    assert encode(scheduler).ticket.id == 2
    assert finish(scheduler, take(scheduler)) == [True]
    assert take(scheduler).ticket.id == 1
    assert scheduler.poll() is None
    opened(scheduler, 3, 3.0)
    assert take(scheduler).ticket.id == 3


def test_a_file_has_all_threads_when_no_short_audio_is_expected() -> None:
    clock = Clock()
    scheduler = Scheduler(threads=2, batch=4, ahead=12, clock=clock)
    begun(scheduler, 1, *[14.0] * 12)
    first, second = take(scheduler), take(scheduler)
    assert [first.ticket.id, second.ticket.id] == [1, 1]
    scheduler.finished(second)
    opened(scheduler, 2, 3.0)
    assert encode(scheduler).ticket.id == 2
    finish(scheduler, take(scheduler))
    assert scheduler.poll() is None
    clock.now += EXPECTED_SECONDS
    assert take(scheduler).ticket.id == 1


def test_a_file_goes_on_beside_short_audios_on_a_single_thread() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=12)
    begun(scheduler, 1, *[14.0] * 12)
    opened(scheduler, 2, 3.0)
    assert encode(scheduler).ticket.id == 2
    assert finish(scheduler, take(scheduler)) == [True]
    assert take(scheduler).ticket.id == 1


def test_a_cancelled_request_leaves_every_queue() -> None:
    scheduler = Scheduler(threads=1, batch=1, ahead=12)
    gone = opened(scheduler, 1, 3.0, 3.0, 3.0)
    encode(scheduler)
    job = take(scheduler)
    scheduler.cancel(1)
    scheduler.again(job.items[0])
    scheduler.finished(job)
    assert gone.cancelled
    opened(scheduler, 2, 3.0)
    encoded = encode(scheduler)
    assert encoded.ticket.id == 2
    assert [item.owner.id for item in take(scheduler).items] == [2]


def test_no_request_has_more_windows_open_than_allowed() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=2)
    opened(scheduler, 1, *[5.0] * 5)
    encode(scheduler)
    assert take(scheduler).kind is Kind.DECODE
    encode(scheduler)
    assert take(scheduler).kind is Kind.DECODE  # though three windows wait to be encoded


def test_a_file_alone_is_decoded_in_batches() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=12)
    opened(scheduler, 1, *[14.0] * 9)
    sizes: list[int] = []
    while sum(sizes) < 9:
        job = take(scheduler)
        if job.kind is Kind.ENCODE:
            scheduler.ready(job.items[0])
            scheduler.finished(job)
        else:
            sizes.append(len(job.items))
            finish(scheduler, job)
    assert sizes == [1, 4, 4]


def test_doubtful_windows_are_done_again_alone() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=4)
    opened(scheduler, 1, 5.0)
    encode(scheduler)
    job = take(scheduler)
    scheduler.again(job.items[0])
    scheduler.finished(job)
    again = take(scheduler)
    assert again.kind is Kind.REDO
    assert finish(scheduler, again) == [True]


def test_a_closed_scheduler_has_no_jobs() -> None:
    scheduler = Scheduler(threads=1, batch=4, ahead=4)
    scheduler.close()
    assert scheduler.next() is None


def test_a_request_is_finished_with_the_last_part_of_a_window() -> None:
    scheduler = Scheduler(threads=1, batch=1, ahead=3)
    opened(scheduler, 1, 9)
    job = take(scheduler)
    (item,) = job.items
    scheduler.split(item, 2)
    scheduler.finished(job)
    assert [scheduler.done(item), scheduler.done(item)] == [False, True]
