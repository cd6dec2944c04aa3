"""Usage and bills: sums over ledger rows, by day, model, key, project, account or status; CSV of the same; and how
long answers took.

Read from the ledger itself each time, so that a bill is by definition the sum of its rows. Blocking.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from auricle.accounts.clock import check_day, iso, month_days
from auricle.accounts.prices import money
from auricle.errors import InvalidField
from auricle.store import tables
from auricle.store.database import Database

ANSWERED = 200
PERCENTS = (50, 95, 99)
LINES_AT_ONCE = 1000  # rows of a page, or read together for an export
ROW = tables.ledger.c
GROUPS: Mapping[str, sa.ColumnElement[Any]] = {
    "day": ROW.day,
    "month": sa.func.substr(ROW.day, 1, 7),
    "model": ROW.model,
    "engine": ROW.engine,
    "key": ROW.key_id,
    "project": ROW.project_id,
    "account": ROW.account_id,
    "status": ROW.status,
}
NAMES = {"key": tables.keys, "project": tables.projects, "account": tables.accounts}
SUMS: Mapping[str, sa.ColumnElement[Any]] = {
    "requests": sa.func.count(),
    "errors": sa.func.sum(sa.case((ROW.status == ANSWERED, 0), else_=1)),
    "prompt_tokens": sa.func.sum(ROW.prompt_tokens),
    "cached_tokens": sa.func.sum(ROW.cached_tokens),
    "completion_tokens": sa.func.sum(ROW.completion_tokens),
    "reasoning_tokens": sa.func.sum(ROW.reasoning_tokens),
    "audio_us": sa.func.sum(ROW.audio_us),
    "cost_micros": sa.func.sum(ROW.cost_micros),
    "latency_us": sa.func.sum(ROW.latency_us),
}


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the rows of one group."""

    requests: int = 0
    errors: int = 0  # that did not end with 200
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    audio_us: int = 0
    cost_micros: int = 0
    latency_us: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """One line of a report: `by` holds the values it is grouped by, `names` those of keys, projects and accounts."""

    by: Mapping[str, str]
    names: Mapping[str, str]
    sums: Sums


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """Of the answered requests of one model: each time is the least that so many percent of them did not exceed."""

    model: str
    answers: int
    latency_us: tuple[int, ...]  # for each of PERCENTS
    first_token_us: tuple[int, ...] | None  # None: none of them had a first token


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows: days of UTC, both included."""

    first: str | None = None
    last: str | None = None
    account: str | None = None  # id
    key: str | None = None  # id
    project: str | None = None  # id
    model: str | None = None
    status: int | None = None
    errors: bool = False  # only rows that did not end with 200

    @classmethod
    def of(cls, first: str | None, last: str | None, account: str | None = None, key: str | None = None) -> Span:
        """Raises InvalidField for what is not a day."""
        return cls(
            None if first is None else check_day("from", first),
            None if last is None else check_day("to", last),
            account,
            key,
        )

    @classmethod
    def month(cls, month: str, account: str | None = None) -> Span:
        """Raises InvalidField for what is not a month."""
        return cls(*month_days(month), account)

    def condition(self) -> sa.ColumnElement[bool]:
        wanted = [
            ROW.day >= self.first if self.first else None,
            ROW.day <= self.last if self.last else None,
            ROW.account_id == self.account if self.account else None,
            ROW.key_id == self.key if self.key else None,
            ROW.project_id == self.project if self.project else None,
            ROW.model == self.model if self.model else None,
            ROW.status == self.status if self.status is not None else None,
            ROW.status != ANSWERED if self.errors else None,
        ]
        return sa.and_(sa.true(), *(condition for condition in wanted if condition is not None))


class Reports:
    """See the module's docstring. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def usage(self, span: Span, by: Sequence[str] = ("day",)) -> list[Group]:
        """Sums of `span` for each combination of `by`, in its order. Raises InvalidField."""
        for name in by:
            if name not in GROUPS:
                raise InvalidField("by", f"{name!r} is none of {', '.join(GROUPS)}")
        columns = [GROUPS[name].label(f"by_{name}") for name in by]
        sums = [column.label(name) for name, column in SUMS.items()]
        query = sa.select(*columns, *sums).where(span.condition()).order_by(*columns)
        if columns:
            query = query.group_by(*columns)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            names = {
                name: {row.id: row.name for row in connection.execute(sa.select(table.c.id, table.c.name))}
                for name, table in NAMES.items()
                if name in by
            }
        return [
            Group(
                {name: str(getattr(row, f"by_{name}")) for name in by},
                {name: names[name].get(getattr(row, f"by_{name}"), "") for name in by if name in names},
                # PostgreSQL sums of BIGINT are NUMERIC; of no rows they are null.
                Sums(**{name: int(getattr(row, name) or 0) for name in SUMS}),
            )
            for row in rows
        ]

    def total(self, span: Span) -> Sums:
        return self.usage(span, ())[0].sums

    def answer_times(self, span: Span) -> list[AnswerTimes]:
        """Percentiles (nearest rank, exact) of latency and of time to first token, by model."""
        with self._database.reading() as connection:
            latencies, firsts = (
                {row[0]: row for row in connection.execute(_percentiles(span, value))}
                for value in (ROW.latency_us, ROW.first_token_us)
            )
        return [
            AnswerTimes(model, row[1], tuple(row[2:]), tuple(firsts[model][2:]) if model in firsts else None)
            for model, row in latencies.items()
        ]

    def lines(self, span: Span, before: int | None = None, limit: int = LINES_AT_ONCE) -> list[dict[str, Any]]:
        """Ledger rows as they are, newest first, those before the row `before`."""
        query = sa.select(tables.ledger).where(span.condition()).order_by(ROW.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(ROW.seq < before)
        with self._database.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def all_lines(self, span: Span) -> Iterator[dict[str, Any]]:
        """All of them, a page at a time."""
        before: int | None = None
        while page := self.lines(span, before):
            yield from page
            before = page[-1]["seq"]


def _percentiles(span: Span, value: sa.ColumnElement[int]) -> sa.Select[Any]:
    """A model, how many values it has, and the percentiles of them."""
    ranked = (
        sa.select(
            ROW.model.label("model"),
            value.label("value"),
            sa.func.row_number().over(partition_by=ROW.model, order_by=value).label("rank"),
            sa.func.count().over(partition_by=ROW.model).label("count"),
        )
        .where(span.condition(), ROW.status == ANSWERED, value.is_not(None))
        .subquery()
    )
    column = ranked.c
    ranks = [(column["count"] * percent + 99) // 100 for percent in PERCENTS]
    at_ranks = [sa.func.max(sa.case((column.rank == rank, column.value))) for rank in ranks]
    return (
        sa.select(column.model, sa.func.max(column["count"]), *at_ranks).group_by(column.model).order_by(column.model)
    )


def times_record(times: AnswerTimes) -> dict[str, Any]:
    """For JSON; seconds."""

    def seconds(values: Sequence[int]) -> dict[str, float]:
        return {f"p{percent}": value / 1_000_000 for percent, value in zip(PERCENTS, values, strict=True)}

    return {
        "model": times.model,
        "answers": times.answers,
        "latency_seconds": seconds(times.latency_us),
        "first_token_seconds": None if times.first_token_us is None else seconds(times.first_token_us),
    }


def group_record(group: Group) -> dict[str, Any]:
    """A line of a report for a table, a CSV or JSON."""
    record: dict[str, Any] = {}
    for name, value in group.by.items():
        record[name] = value
        if name in group.names:
            record[f"{name}_name"] = group.names[name]
    return {**record, **sums_record(group.sums)}


def sums_record(sums: Sums) -> dict[str, Any]:
    return {
        "requests": sums.requests,
        "errors": sums.errors,
        "prompt_tokens": sums.prompt_tokens,
        "cached_tokens": sums.cached_tokens,
        "completion_tokens": sums.completion_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "audio_seconds": sums.audio_us / 1_000_000,
        "cost": money(sums.cost_micros),
        "cost_micros": sums.cost_micros,
        "mean_latency_seconds": round(sums.latency_us / sums.requests / 1_000_000, 6) if sums.requests else None,
    }


def line_record(line: Mapping[str, Any]) -> dict[str, Any]:
    """A ledger row for a CSV or JSON: times readable, everything else as it is kept."""
    first = line["first_token_us"]
    return {
        "seq": line["seq"],
        "time": iso(line["at_us"]),
        "request_id": line["request_id"],
        "account": line["account_id"],
        "project": line["project_id"],
        "key": line["key_id"],
        "model": line["model"],
        "engine": line["engine"],
        "prompt_tokens": line["prompt_tokens"],
        "cached_tokens": line["cached_tokens"],
        "completion_tokens": line["completion_tokens"],
        "reasoning_tokens": line["reasoning_tokens"],
        "audio_seconds": line["audio_us"] / 1_000_000,
        "price_version": line["price_version"],
        "cost": money(line["cost_micros"]),
        "cost_micros": line["cost_micros"],
        "status": line["status"],
        "latency_seconds": line["latency_us"] / 1_000_000,
        "first_token_seconds": None if first is None else first / 1_000_000,
    }


def group_columns(by: Sequence[str]) -> list[str]:
    """The names in `group_record`, in order."""
    return list(group_record(Group(dict.fromkeys(by, ""), dict.fromkeys(NAMES, ""), Sums())))


def line_columns() -> list[str]:
    """The names in `line_record`, in order."""
    return list(line_record(defaultdict(int)))


def to_csv(columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a CSV with a header, as RFC 4180 has it; what a spreadsheet would take for a formula is disarmed."""
    yield _csv_line(columns)
    for record in records:
        yield _csv_line([record[name] for name in columns])


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()
