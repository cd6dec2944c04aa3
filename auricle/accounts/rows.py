"""Rows of the ledger and reservations, and the transactions that write them. Blocking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from auricle.accounts.clock import day_of, now_us
from auricle.accounts.keys import Caller
from auricle.accounts.prices import PriceVersion, Reading
from auricle.store import tables
from auricle.store.database import Database, Writes

SERVER_DIED = 0  # status of a request whose server was killed before it had answered

Totals = Mapping[str, tuple[int, int]]  # account -> credited, charged; micros


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

    def values(self, server: int) -> dict[str, Any]:
        """As the table has it."""
        return {
            "request_id": self.request_id,
            "server": server,
            "at_us": self.at_us,
            "account_id": self.caller.account,
            "project_id": self.caller.project,
            "key_id": self.caller.id,
            "model": self.model,
            "engine": self.engine,
            "reserved_micros": self.amount,
        }


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
class Batch:
    """What one transaction writes."""

    server: int
    rows: tuple[Row, ...]
    gone: tuple[str, ...]  # reservations in the database whose requests have ended
    reserved: tuple[Reservation, ...]  # requests that go on

    def write(self, connection: Writes) -> Totals:
        """Credited and charged of each account that was charged. Raises IntegrityError if a row is there already."""
        if self.gone:
            connection.execute(FORGET, [{"id": request_id} for request_id in self.gone])
        totals = write_rows(connection, self.rows)
        if self.reserved:
            connection.execute(RESERVE, [held.values(self.server) for held in self.reserved])
        return totals


def write_rows(connection: Writes, rows: Sequence[Row]) -> Totals:
    """Add rows and charge their accounts."""
    if not rows:
        return {}
    connection.execute(ADD, [row.values() for row in rows])
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


def is_written(connection: Connection, request_id: str) -> bool:
    """Whether the ledger has the row of this request."""
    return connection.scalar(sa.select(tables.ledger.c.seq).where(tables.ledger.c.request_id == request_id)) is not None


def finish_dead(database: Database, is_dead: Callable[[int], bool]) -> int:
    """Give the requests of dead servers their rows: never answered, so never charged. How many they were."""
    column = tables.reservations.c
    with database.reading() as connection:
        servers = connection.scalars(sa.select(column.server).distinct()).all()
    dead = [server for server in servers if is_dead(server)]
    if not dead:
        return 0
    with database.writing() as connection:
        unwritten = column.request_id.not_in(sa.select(tables.ledger.c.request_id))
        left = connection.execute(sa.select(tables.reservations).where(column.server.in_(dead), unwritten)).all()
        now = now_us()
        write_rows(connection, [_row_of_the_dead(held, now) for held in left])
        connection.execute(tables.reservations.delete().where(column.server.in_(dead)))
    return len(left)


def _row_of_the_dead(held: sa.Row[Any], now: int) -> Row:
    caller = Caller(held.key_id, held.account_id, held.project_id)
    reservation = Reservation(held.request_id, held.at_us, caller, held.model, held.engine, None, 0)
    return Row(reservation, Reading(), 0, SERVER_DIED, now, max(now - held.at_us, 0), None)


ADD = tables.ledger.insert()
RESERVE = tables.reservations.insert()
FORGET = tables.reservations.delete().where(tables.reservations.c.request_id == sa.bindparam("id"))
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
