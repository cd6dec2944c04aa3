"""The ledger: append-only, one row for each admitted request, many rows a transaction.

    reserve   a reservation is put down for the request; it reaches the database after RESERVE_SECONDS,
              unless the request has ended by then
    settle    the row replaces the reservation, in one transaction with the account's total; whoever waits for it
              is told once it is committed, so that no answer ends before its row is safe
    finish    a reservation whose server died becomes a row that costs nothing: its request was never answered

What one turn of the event loop brings is one batch. A commit to SQLite takes 0.2 ms, less than handing it to a thread
and back, so the loop writes batches itself as long as nobody else holds the database; with PostgreSQL, with a disk
that has to confirm, with a database that is busy or fails, a thread writes them, gathering more in the meantime.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
import structlog

from auricle.accounts.register import Register, Snapshot, change_number, read_snapshot, read_totals
from auricle.accounts.rows import Batch, Reservation, Row, Totals, finish_dead, is_written, write_rows
from auricle.store.database import Database, QuickWriter, StoreUnavailable
from auricle.store.servers import ServerLock

RESERVE_SECONDS = 0.02  # a request that ends sooner never writes its reservation
POLL_SECONDS = 0.5  # how often other processes' changes are looked for
TOTALS_SECONDS = 5.0  # how often other processes' charges are
FINISH_SECONDS = 30.0  # how often dead servers' reservations are
RETRY_SECONDS = 0.5  # between attempts to write to a database that fails

log = structlog.get_logger("auricle")


@dataclass(frozen=True, slots=True)
class Settlement:
    """A row to write, and who waits for it."""

    row: Row
    written: asyncio.Future[None] | None


@dataclass(slots=True)
class Work:
    """Settlements and reservations that go into the next transaction."""

    settlements: list[Settlement]
    gone: list[str]
    reserved: list[Reservation]

    @classmethod
    def none(cls) -> Work:
        return cls([], [], [])

    def __bool__(self) -> bool:
        return bool(self.settlements or self.gone or self.reserved)

    def add(self, other: Work) -> None:
        self.settlements += other.settlements
        self.gone += other.gone
        self.reserved += other.reserved

    def batch(self, server: int) -> Batch:
        """Without the reservations that are put down and given up in the same transaction."""
        both = {held.request_id for held in self.reserved}.intersection(self.gone)
        return Batch(
            server,
            tuple(settlement.row for settlement in self.settlements),
            tuple(request_id for request_id in self.gone if request_id not in both),
            tuple(held for held in self.reserved if held.request_id not in both),
        )


Job = Callable[[], None]


class Ledger:
    """Seen from the event loop; only `_run` and what it calls belong to the thread."""

    register: Register

    def __init__(self, database: Database) -> None:
        self._database = database
        self._server = ServerLock(database)
        self._next = Work.none()
        self._flushing = False
        self._waiting: dict[str, asyncio.TimerHandle] = {}  # reservations that are not in the database yet
        self._stored: set[str] = set()  # ids of those that are, or are about to be
        self._quick: QuickWriter | None = None
        self._handed = 0  # batches that the thread has not finished
        self._queue: queue.SimpleQueue[Work | Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._change = -1

    async def start(self) -> None:
        """Finish what dead servers left, load the register, begin to write. Raises StoreUnavailable."""
        self._loop = asyncio.get_running_loop()
        self.register = Register(await asyncio.to_thread(self._open))
        self._thread.start()

    def _open(self) -> Snapshot:
        self._server.take()
        self._finish_dead()
        self._quick = self._database.quick_writer()
        return self._read()

    async def close(self) -> None:
        """Write what is left, then stop."""
        if self._thread.is_alive():
            self._flush()
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        if self._quick is not None:
            self._quick.close()
        await asyncio.to_thread(self._server.release)

    def reserve(self, reservation: Reservation) -> None:
        """Put a request down. Returns at once."""
        self.register.reserve(reservation.caller, reservation.amount)
        timer = self._loop.call_later(RESERVE_SECONDS, self._store, reservation)
        self._waiting[reservation.request_id] = timer

    async def settle(self, row: Row) -> None:
        """Write the row of a request; it is safe when this returns. Raises StoreUnavailable, and then it may be told
        again, with another status."""
        written: asyncio.Future[None] = self._loop.create_future()
        self._add(Settlement(row, written))
        await written  # cancelled with its waiter, the row is written all the same

    def settle_soon(self, row: Row) -> None:
        """Write the row of a request for whose end nobody waits. Returns at once; it is written if need be later."""
        self._add(Settlement(row, None))

    async def refresh(self) -> None:
        """Have in memory what the database holds by now: changes apply when this returns."""
        read: asyncio.Future[None] = self._loop.create_future()

        def job() -> None:
            failure: StoreUnavailable | None = None
            try:
                self._tell(self.register.take, self._read())
            except StoreUnavailable as error:
                failure = error
            self._tell(_resolve, read, failure)

        self._queue.put(job)
        await read

    def _store(self, reservation: Reservation) -> None:
        """The request takes its time: its reservation goes into the database."""
        del self._waiting[reservation.request_id]
        self._stored.add(reservation.request_id)
        self._next.reserved.append(reservation)
        self._flush_soon()

    def _add(self, settlement: Settlement) -> None:
        request_id = settlement.row.reservation.request_id
        if timer := self._waiting.pop(request_id, None):
            timer.cancel()
        elif request_id in self._stored:
            self._stored.remove(request_id)
            self._next.gone.append(request_id)
        self._next.settlements.append(settlement)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what this turn of the loop has brought, or have it written."""
        self._flushing = False
        if not self._next:
            return
        work, self._next = self._next, Work.none()
        # Behind the thread's batches, not beside them: a row and its reservation must keep their order.
        if self._quick is not None and not self._handed:
            try:
                totals = self._quick.write(work.batch(self._server.id).write)
            except StoreUnavailable:
                pass
            else:
                self._settled(work.settlements, totals)
                return
        self._handed += 1
        self._queue.put(work)

    def _settled(self, settlements: Sequence[Settlement], totals: Totals) -> None:
        """What was reserved is charged now, at one moment."""
        self.register.charge(totals, [settlement.row for settlement in settlements])
        for settlement in settlements:
            if settlement.written is not None:
                _resolve(settlement.written, None)

    def _done(self, batches: int) -> None:
        self._handed -= batches

    # The thread.

    def _tell(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            pass  # the loop has ended, and nobody listens

    def _run(self) -> None:
        last = dict.fromkeys((self._poll, self._total, self._finish_dead), time.monotonic())
        every = {self._poll: POLL_SECONDS, self._total: TOTALS_SECONDS, self._finish_dead: FINISH_SECONDS}
        kept = Work.none()  # what the database has refused so far and nobody waits for
        going = True
        while going:
            work, jobs, batches, going = self._gather()
            kept.add(work)
            if kept:
                kept = self._commit(kept)
            self._tell(self._done, batches)
            for job in jobs:
                job()
            for task, at in last.items():
                if time.monotonic() - at >= every[task]:
                    last[task] = time.monotonic()
                    self._quietly(task)
        if kept.settlements:
            log.error("rows of the ledger are lost: the database did not take them", rows=len(kept.settlements))

    def _gather(self) -> tuple[Work, list[Job], int, bool]:
        """What has come by now, waiting a while for the first of it: work, jobs, how many batches, and whether to go
        on."""
        work, jobs, batches = Work.none(), list[Job](), 0
        try:
            item = self._queue.get(timeout=POLL_SECONDS)
            while item is not None:
                if isinstance(item, Work):
                    work.add(item)
                    batches += 1
                else:
                    jobs.append(item)
                item = self._queue.get_nowait()
        except queue.Empty:
            return work, jobs, batches, True
        return work, jobs, batches, False

    def _commit(self, work: Work) -> Work:
        """Write it; returns what has to be tried again."""
        try:
            try:
                with self._database.writing() as connection:
                    totals = work.batch(self._server.id).write(connection)
            except sa.exc.IntegrityError:
                totals = self._one_by_one(work)
        except StoreUnavailable as failure:
            return self._refused(work, failure)
        self._tell(self._settled, work.settlements, totals)
        return Work.none()

    def _one_by_one(self, work: Work) -> Totals:
        """Write each row that is not there already: after a commit that was not confirmed, rows come again."""
        totals: dict[str, tuple[int, int]] = {}
        for settlement in work.settlements:
            row = settlement.row
            try:
                with self._database.writing() as connection:
                    if not is_written(connection, row.reservation.request_id):
                        totals |= write_rows(connection, [row])
            except sa.exc.IntegrityError as error:
                log.error("the ledger refused a row", request_id=row.reservation.request_id, detail=str(error.orig))
        with self._database.writing() as connection:
            replace(work, settlements=[], reserved=[]).batch(self._server.id).write(connection)
        return totals

    def _refused(self, work: Work, failure: StoreUnavailable) -> Work:
        """Tell whoever waits that the row could not be written; the rest is kept until the database takes it."""
        log.error("the ledger could not be written", rows=len(work.settlements), detail=str(failure))
        kept = []
        for settlement in work.settlements:
            if settlement.written is None or settlement.written.done():
                kept.append(replace(settlement, written=None))
            else:
                self._tell(_resolve, settlement.written, failure)
        time.sleep(RETRY_SECONDS)
        return replace(work, settlements=kept)

    def _read(self) -> Snapshot:
        with self._database.reading() as connection:
            snapshot = read_snapshot(connection)
        self._change = snapshot.change
        return snapshot

    def _poll(self) -> None:
        with self._database.reading() as connection:
            changed = change_number(connection) != self._change
        if changed:
            self._tell(self.register.take, self._read())
        if self._quick is not None:
            self._database.checkpoint()

    def _total(self) -> None:
        with self._database.reading() as connection:
            self._tell(self.register.take, read_totals(connection))

    def _finish_dead(self) -> None:
        if finished := finish_dead(self._database, self._server.is_dead):
            log.info("requests of a server that died were given their rows", requests=finished)

    def _quietly(self, task: Job) -> None:
        try:
            task()
        except StoreUnavailable as error:
            log.warning("the accounts' database does not answer", detail=str(error))


def _resolve(future: asyncio.Future[None], failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
        future.exception()  # nobody may be waiting any more
