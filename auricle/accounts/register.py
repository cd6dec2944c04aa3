"""What a server has in memory of its accounts: keys, balances, limits, prices. Loaded whole, so that asking is free.

All of it belongs to the event loop. The ledger's thread reads the database and hands over `Snapshot`s and `Totals`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auricle.accounts.clock import day_of, iso, now_us
from auricle.accounts.keys import Caller, sha256
from auricle.accounts.prices import PriceVersion, from_json, money
from auricle.accounts.rows import Row
from auricle.errors import BalanceUsedUp, Forbidden, Unauthorized
from auricle.store import tables


@dataclass(frozen=True, slots=True)
class Key:
    """A key's row, as far as requests care."""

    id: str
    account: str
    project: str
    expires_us: int | None
    models: frozenset[str] | None
    daily_limit: int | None  # micros
    monthly_limit: int | None  # micros
    disabled: bool


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    prepaid: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """What has been paid and charged so far, in micros."""

    accounts: Mapping[str, tuple[int, int]]  # id -> credited, charged
    key_days: Mapping[tuple[str, str], int]  # key, day -> charged; this month's


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of it, at one moment."""

    change: int
    accounts: Mapping[str, Account]
    keys: Mapping[str, Key]  # by SHA-256
    prices: Mapping[str, tuple[PriceVersion, ...]]  # by model, oldest first
    totals: Totals


def change_number(connection: Connection) -> int:
    return int(connection.scalar(sa.select(tables.changes.c.number)) or 0)


def read_totals(connection: Connection) -> Totals:
    """As of now, of every account and of the keys that were used this month."""
    account, key_day = tables.accounts.c, tables.key_days.c
    accounts = connection.execute(sa.select(account.id, account.credited_micros, account.charged_micros))
    month = day_of(now_us())[:7]
    days = connection.execute(
        sa.select(key_day.key_id, key_day.day, key_day.charged_micros).where(key_day.day >= f"{month}-01")
    )
    return Totals({row.id: (row[1], row[2]) for row in accounts}, {(row[0], row[1]): row[2] for row in days})


def read_snapshot(connection: Connection) -> Snapshot:
    change = change_number(connection)
    accounts = {
        row.id: Account(row.id, row.prepaid, row.disabled) for row in connection.execute(sa.select(tables.accounts))
    }
    keys = {
        row.sha256: Key(
            row.id,
            row.account_id,
            row.project_id,
            row.expires_us,
            None if row.models is None else frozenset(row.models),
            row.daily_limit_micros,
            row.monthly_limit_micros,
            row.disabled,
        )
        for row in connection.execute(sa.select(tables.keys))
    }
    prices: dict[str, list[PriceVersion]] = defaultdict(list)
    order = (tables.prices.c.from_us, tables.prices.c.version)
    for row in connection.execute(sa.select(tables.prices).order_by(*order)):
        prices[row.model].append(PriceVersion(row.version, row.model, row.from_us, from_json(row.price)))
    versions = {model: tuple(found) for model, found in prices.items()}
    return Snapshot(change, accounts, keys, versions, read_totals(connection))


@dataclass(slots=True)
class Register:
    """Answers whose a key is, and whether it may spend."""

    snapshot: Snapshot
    accounts: dict[str, tuple[int, int]] = field(default_factory=dict)  # credited, charged
    key_days: dict[tuple[str, str], int] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by account and by key
    keys: dict[str, Key] = field(default_factory=dict)  # by id

    def __post_init__(self) -> None:
        self.take(self.snapshot)

    def take(self, news: Snapshot | Totals) -> None:
        """Believe what was read; charges only grow, so that what was read before the last of them cannot undo it."""
        if isinstance(news, Snapshot):
            self.snapshot = news
            self.keys = {key.id: key for key in news.keys.values()}
            news = news.totals
        for name, (credited, charged) in news.accounts.items():
            self.accounts[name] = (credited, max(charged, self.accounts.get(name, (0, 0))[1]))
        month = day_of(now_us())[:7]
        known = {place: cost for place, cost in self.key_days.items() if place[1].startswith(month)}
        self.key_days = known | {place: max(cost, known.get(place, 0)) for place, cost in news.key_days.items()}

    def charge(self, totals: Mapping[str, tuple[int, int]], rows: Sequence[Row]) -> None:
        """These rows are written: what was reserved for them is charged, at one moment."""
        self.accounts |= totals
        for row in rows:
            self.release(row.reservation.caller, row.reservation.amount)
            if row.cost:
                place = (row.reservation.caller.id, day_of(row.at_us))
                self.key_days[place] = self.key_days.get(place, 0) + row.cost

    def caller(self, key: str) -> Caller | None:
        """Whose key it is. Raises Unauthorized if it has expired, Forbidden if it or its account is disabled."""
        found = self.snapshot.keys.get(sha256(key))
        if found is None:
            return None
        if found.disabled:
            raise Forbidden("the key is disabled")
        if self.snapshot.accounts[found.account].disabled:
            raise Forbidden("the account is disabled")
        if found.expires_us is not None and found.expires_us <= now_us():
            raise Unauthorized(f"the key expired at {iso(found.expires_us)}")
        return Caller(found.id, found.account, found.project)

    def check(self, caller: Caller, model: str) -> None:
        """Raises Forbidden if the key may not ask for `model`, BalanceUsedUp if there is nothing left to spend.

        What requests in progress may cost at most counts as spent.
        """
        key = self.keys[caller.id]
        if key.models is not None and model not in key.models:
            raise Forbidden(f"the key may not ask for {model}, only for {', '.join(sorted(key.models)) or 'nothing'}")
        credited, charged = self.accounts[caller.account]
        reserved = self.reserved.get(caller.account, 0)
        if self.snapshot.accounts[caller.account].prepaid and credited - charged - reserved <= 0:
            in_progress = f", {money(reserved)} of it for requests in progress" if reserved else ""
            raise BalanceUsedUp(f"of {money(credited)} paid, {money(charged + reserved)} are spent{in_progress}")
        if key.daily_limit is None and key.monthly_limit is None:
            return
        today = day_of(now_us())
        for name, limit, begins in (("daily", key.daily_limit, today), ("monthly", key.monthly_limit, today[:7])):
            if limit is not None and self.spent(caller.id, begins) + self.reserved.get(caller.id, 0) >= limit:
                raise BalanceUsedUp(f"the {name} limit of this key, {money(limit)}, is used up (days are of UTC)")

    def spent(self, key: str, begins: str) -> int:
        """Micros that `key` was charged on the day, or in the month, that `begins` so."""
        days = [begins] if len(begins) == len("2026-11-22") else [f"{begins}-{day:02}" for day in range(1, 32)]
        return sum(self.key_days.get((key, day), 0) for day in days)

    def price(self, model: str) -> PriceVersion | None:
        """What `model` costs now; None if it has no price."""
        now = now_us()
        versions = self.snapshot.prices.get(model, ())
        return next((version for version in reversed(versions) if version.from_us <= now), None)

    def reserve(self, caller: Caller, amount: int) -> None:
        self.reserved[caller.account] += amount
        self.reserved[caller.id] += amount

    def release(self, caller: Caller, amount: int) -> None:
        for whose in (caller.account, caller.id):
            self.reserved[whose] -= amount
            if not self.reserved[whose]:
                del self.reserved[whose]
