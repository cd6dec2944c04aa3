"""The ledger: append-only, one row for each admitted request, written by one thread, many rows a transaction.

    open      a reservation is put down for the request; it reaches the database within RESERVE_SECONDS,
              unless the request has ended by then
    settle    the row replaces the reservation, in one transaction with the account's total; whoever waits for it
              is told once it is committed, so that no answer ends before its row is safe
    finish    a reservation whose server died becomes a row that costs nothing: its request was never answered

Everything that this process writes goes through the thread, and everything that it has in memory of the database
comes from it, in the same order: while one transaction commits, the rows of the next one gather.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from auricle.accounts.clock import day_of, now_us
from auricle.accounts.keys import Caller
from auricle.accounts.prices import PriceVersion, Reading
from auricle.accounts.register import Register, Snapshot, Totals, change_number, read_snapshot, read_totals
from auricle.errors import AuricleError
from auricle.store import tables
from auricle.store.database import Database, StoreUnavailable
from auricle.store.servers import ServerLock

SERVER_DIED = 0  # status of a request whose server was killed before it had answered
RESERVE_SECONDS = 0.02  # a request that ends sooner never writes its reservation
POLL_SECONDS = 0.5  # how often other processes' changes are looked for
TOTALS_SECONDS = 5.0  # how often other processes' charges are
FINISH_SECONDS = 30.0  # how often dead servers' reservations are
MAX_BATCH = 500  # rows a transaction

log = structlog.get_logger("auricle")


@dataclass(frozen=True, slots=True)
class Reservation:
    """An admitted request that has not ended."""

    request_id: str
    at_us: int
    caller: Caller
    model: str
    engine: str
    price: PriceVersion | None
    amount: int  # micros that it costs at most

    def cost(self, reading: Reading) -> int:
        return self.price.price.cost(reading) if self.price else 0


@dataclass(frozen=True, slots=True)
class Row:
    """What became of it."""

    reservation: Reservation
    reading: Reading
    cost: int  # micros
    status: int  # HTTP; 499 when the client hung up
    at_us: int
    latency_us: int
    first_token_us: int | None

    def values(self) -> dict[str, Any]:
        """As the table has it."""
        held = self.reservation
        return {
            "request_id": held.request_id,
            "at_us": self.at_us,
            "day": day_of(self.at_us),
            "account_id": held.caller.account,
            "project_id": held.caller.project,
            "key_id": held.caller.id,
            "model": held.model,
            "engine": held.engine,
            "prompt_tokens": self.reading.prompt_tokens,
            "cached_tokens": self.reading.cached_tokens,
            "completion_tokens": self.reading.completion_tokens,
            "reasoning_tokens": self.reading.reasoning_tokens,
            "audio_us": self.reading.audio_us,
            "price_version": held.price.version if held.price else None,
            "cost_micros": self.cost,
            "status": self.status,
            "latency_us": self.latency_us,
            "first_token_us": self.first_token_us,
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """A row to write, and who waits for it."""

    row: Row
    written: asyncio.Future[None] | None


Job = Callable[[], None]
Item = Reservation | Settlement | Job | None


class Ledger:
    """The thread that writes, seen from the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._server = ServerLock(database)
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._pending: dict[str, tuple[float, Reservation]] = {}  # reservations that are not in the database yet
        self._stored: set[str] = set()  # ids of those that are
        self._unwritten: list[Settlement] = []  # rows that the database has refused so far
        self._change = -1

    async def start(self) -> None:
        """Finish what dead servers left, load the register, begin to write. Raises StoreUnavailable."""
        self._loop = asyncio.get_running_loop()
        self.register = Register(await asyncio.to_thread(self._open))
        self._thread.start()

    def _open(self) -> Snapshot:
        self._server.take()
        self._finish_dead()
        return self._read()

    async def close(self) -> None:
        """Write what is left, then stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._server.release)

    def reserve(self, reservation: Reservation) -> None:
        """Put a request down. Returns at once."""
        self.register.reserve(reservation.caller, reservation.amount)
        self._queue.put(reservation)

    async def settle(self, row: Row) -> None:
        """Write the row of a request; it is safe when this returns. Raises StoreUnavailable, and then it may be told
        again, with another status."""
        written: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(Settlement(row, written))
        await written  # cancelled with its waiter, the row is written all the same

    def settle_soon(self, row: Row) -> None:
        """Write the row of a request for whose end nobody waits. Returns at once; it is written if need be later."""
        self._queue.put(Settlement(row, None))

    async def refresh(self) -> None:
        """Have in memory what the database holds by now: changes apply when this returns."""
        read: asyncio.Future[None] = self._loop.create_future()

        def job() -> None:
            failure: AuricleError | None = None
            try:
                self._tell(self.register.take, self._read())
            except StoreUnavailable as error:
                failure = error
            self._tell(_resolve, read, failure)

        self._queue.put(job)
        await read

    # The thread.

    def _tell(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            pass  # the loop has ended, and nobody listens

    def _read(self) -> Snapshot:
        with self._database.reading() as connection:
            snapshot = read_snapshot(connection)
        self._change = snapshot.change
        return snapshot

    def _write(self) -> None:
        polled = totalled = finished = time.monotonic()
        going = True
        while going:
            items, going = self._gather()
            settlements = [item for item in items if isinstance(item, Settlement)]
            self._pending |= {
                item.request_id: (time.monotonic(), item) for item in items if isinstance(item, Reservation)
            }
            if settlements or self._unwritten or self._due():
                self._commit(settlements)
            for item in items:
                if callable(item):
                    item()
            now = time.monotonic()
            if now - polled >= POLL_SECONDS:
                polled = now
                self._quietly(self._poll)
            if now - totalled >= TOTALS_SECONDS:
                totalled = now
                self._quietly(self._total)
            if now - finished >= FINISH_SECONDS:
                finished = now
                self._quietly(self._finish_dead)
        if self._unwritten:
            log.error("rows of the ledger were lost: the database did not take them", rows=len(self._unwritten))

    def _gather(self) -> tuple[list[Item], bool]:
        """What has come by now; waits for something to do. False: it is the last."""
        deadline = min((at for at, _ in self._pending.values()), default=None)
        wait = POLL_SECONDS if deadline is None else max(deadline + RESERVE_SECONDS - time.monotonic(), 0)
        items: list[Item] = []
        try:
            items.append(self._queue.get(timeout=wait) if wait else self._queue.get_nowait())
            while len(items) < MAX_BATCH:
                items.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return [item for item in items if item is not None], None not in items

    def _due(self) -> list[Reservation]:
        """Reservations that have waited long enough."""
        oldest = time.monotonic() - RESERVE_SECONDS
        return [held for at, held in self._pending.values() if at <= oldest]

    def _commit(self, settlements: list[Settlement]) -> None:
        """Write these rows, those that could not be written before, and the reservations that are due."""
        rows = [*self._unwritten, *settlements]
        ended = {settlement.row.reservation.request_id for settlement in rows}
        for request_id in ended:
            self._pending.pop(request_id, None)
        due = self._due()
        try:
            try:
                totals = self._transact(rows, due, ended & self._stored)
            except sa.exc.IntegrityError:
                totals = self._transact([], due, ended & self._stored) | self._one_by_one(rows)
        except StoreUnavailable as error:
            self._refused(rows, error)
            return
        self._unwritten = []
        self._stored -= ended
        for held in due:
            del self._pending[held.request_id]
            self._stored.add(held.request_id)
        if rows:
            self._tell(self._settled, rows, totals)

    def _transact(self, rows: list[Settlement], due: list[Reservation], stored: set[str]) -> dict[str, tuple[int, int]]:
        with self._database.writing() as connection:
            if stored:
                gone = tables.reservations.delete().where(tables.reservations.c.request_id == sa.bindparam("id"))
                connection.execute(gone, [{"id": request_id} for request_id in stored])
            totals = write_rows(connection, [settlement.row for settlement in rows])
            if due:
                connection.execute(tables.reservations.insert(), [self._reserved(held) for held in due])
        return totals

    def _reserved(self, held: Reservation) -> dict[str, Any]:
        return {
            "request_id": held.request_id,
            "server": self._server.id,
            "at_us": held.at_us,
            "account_id": held.caller.account,
            "project_id": held.caller.project,
            "key_id": held.caller.id,
            "model": held.model,
            "engine": held.engine,
            "reserved_micros": held.amount,
        }

    def _one_by_one(self, rows: list[Settlement]) -> dict[str, tuple[int, int]]:
        """Write each row that is not there already: after a commit that was not confirmed, rows come again."""
        totals: dict[str, tuple[int, int]] = {}
        for settlement in rows:
            request_id = settlement.row.reservation.request_id
            try:
                with self._database.writing() as connection:
                    there = sa.select(tables.ledger.c.seq).where(tables.ledger.c.request_id == request_id)
                    if connection.scalar(there) is None:
                        totals |= write_rows(connection, [settlement.row])
            except sa.exc.IntegrityError:
                log.error("the ledger refused a row", request_id=request_id)
        return totals

    def _refused(self, rows: list[Settlement], failure: StoreUnavailable) -> None:
        """Keep what nobody waits for until the database takes it; whoever waits is told that it did not."""
        log.error("the ledger could not be written", rows=len(rows), detail=str(failure))
        self._unwritten = []
        for settlement in rows:
            if settlement.written is None or settlement.written.cancelled():
                self._unwritten.append(replace(settlement, written=None))
            else:
                self._tell(_resolve, settlement.written, failure)
        time.sleep(POLL_SECONDS if self._queue.empty() else 0)

    def _settled(self, rows: list[Settlement], totals: dict[str, tuple[int, int]]) -> None:
        """On the event loop: what was reserved is charged now, at one moment."""
        register = self.register
        register.accounts.update(totals)
        for settlement in rows:
            row = settlement.row
            register.release(row.reservation.caller, row.reservation.amount)
            if row.cost:
                day = (row.reservation.caller.id, day_of(row.at_us))
                register.key_days[day] = register.key_days.get(day, 0) + row.cost
            if settlement.written is not None:
                _resolve(settlement.written, None)

    def _quietly(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreUnavailable as error:
            log.warning("the accounts' database does not answer", detail=str(error))

    def _poll(self) -> None:
        with self._database.reading() as connection:
            changed = change_number(connection) != self._change
        if changed:
            self._tell(self.register.take, self._read())

    def _total(self) -> None:
        with self._database.reading() as connection:
            totals: Totals = read_totals(connection)
        self._tell(self.register.take, totals)

    def _finish_dead(self) -> None:
        """Give the requests of dead servers their row: never answered, so never charged."""
        with self._database.reading() as connection:
            servers = connection.scalars(sa.select(tables.reservations.c.server).distinct()).all()
        dead = [server for server in servers if self._server.is_dead(server)]
        if not dead:
            return
        with self._database.writing() as connection:
            column = tables.reservations.c
            left = connection.execute(
                sa.select(tables.reservations).where(
                    column.server.in_(dead), column.request_id.not_in(sa.select(tables.ledger.c.request_id))
                )
            ).all()
            now = now_us()
            rows = [
                Row(
                    Reservation(
                        held.request_id,
                        held.at_us,
                        Caller(held.key_id, held.account_id, held.project_id),
                        held.model,
                        held.engine,
                        None,
                        0,
                    ),
                    Reading(),
                    0,
                    SERVER_DIED,
                    now,
                    max(now - held.at_us, 0),
                    None,
                )
                for held in left
            ]
            write_rows(connection, rows)
            connection.execute(tables.reservations.delete().where(column.server.in_(dead)))
        log.info("requests of a server that died were given their rows", requests=len(rows))


def _resolve(future: asyncio.Future[None], failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
        future.exception()  # nobody may be waiting any more


def write_rows(connection: Connection, rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """Add rows and charge their accounts; credited and charged of each account that was charged."""
    rows = list(rows)
    if not rows:
        return {}
    connection.execute(tables.ledger.insert(), [row.values() for row in rows])
    by_account: dict[str, int] = defaultdict(int)
    by_day: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.cost:
            by_account[row.reservation.caller.account] += row.cost
            by_day[row.reservation.caller.id, day_of(row.at_us)] += row.cost
    totals: dict[str, tuple[int, int]] = {}
    # Sorted, so that two servers lock accounts in the same order.
    for account, cost in sorted(by_account.items()):
        found = connection.execute(CHARGE, {"account": account, "cost": cost}).one()
        totals[account] = (found[0], found[1])
    if by_day:
        days = [{"key_id": key, "day": day, "charged_micros": cost} for (key, day), cost in sorted(by_day.items())]
        connection.execute(ADD_TO_DAY[connection.dialect.name], days)
    return totals


CHARGE = (
    tables.accounts.update()
    .where(tables.accounts.c.id == sa.bindparam("account"))
    .values(charged_micros=tables.accounts.c.charged_micros + sa.bindparam("cost"))
    .returning(tables.accounts.c.credited_micros, tables.accounts.c.charged_micros)
)


def _add_to_day(insert: Any) -> Any:
    statement = insert(tables.key_days)
    total = tables.key_days.c.charged_micros + statement.excluded.charged_micros
    return statement.on_conflict_do_update(index_elements=["key_id", "day"], set_={"charged_micros": total})


ADD_TO_DAY = {"sqlite": _add_to_day(sqlite.insert), "postgresql": _add_to_day(postgresql.insert)}
