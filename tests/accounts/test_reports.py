"""Rows chosen and summed, and percentiles of how long answers took, on both databases."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from auricle.accounts.clock import day_of
from auricle.accounts.directory import Directory
from auricle.accounts.keys import Caller
from auricle.accounts.prices import Reading
from auricle.accounts.reports import PERCENTS, AnswerTimes, Reports, Span, times_record
from auricle.accounts.rows import Reservation, Row, write_rows
from auricle.types import Usage

NOON_US = 1_800_000_000_000_000  # microseconds since 1970
DAY_US = 24 * 3600 * 10**6


def add(directory: Directory, rows: list[tuple[str, int, int, int | None]], *, at_us: int = NOON_US) -> Caller:
    """Rows of a new key: model, status, latency and time to first token."""
    key = directory.create_key("k").key
    caller = Caller(key.id, key.account_id, key.project_id)
    start = random.randrange(10**12)
    made = [
        Row(
            Reservation(f"{start}-{n}", at_us, caller, model, "scripted", None, 0),
            Reading(10, 0, 5, 0, 0),
            n,
            status,
            at_us,
            latency,
            first,
        )
        for n, (model, status, latency, first) in enumerate(rows)
    ]
    with directory.database.writing() as connection:
        write_rows(connection, made)
    return caller


def nearest_rank(values: list[int], percent: int) -> int:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def test_percentiles_are_those_of_the_rows(directory: Directory) -> None:
    rng = random.Random(5)
    rows: list[tuple[str, int, int, int | None]] = []
    for model, count in (("one", 1), ("two", 2), ("many", 237), ("hundred", 100)):
        for _ in range(count):
            latency = rng.choice([5, 5, rng.randrange(10**7)])  # with ties
            rows.append((model, 200, latency, None if model == "two" else latency // 3))
    rows += [("many", 503, 9 * 10**9, None), ("failed", 500, 1, None)]
    rng.shuffle(rows)
    add(directory, rows)
    add(directory, [("many", 200, 8 * 10**9, 1)], at_us=NOON_US + DAY_US)  # another day
    day = day_of(NOON_US)
    found = {times.model: times for times in Reports(directory.database).answer_times(Span(day, day))}
    assert list(found) == ["hundred", "many", "one", "two"]
    for model, times in found.items():
        latencies = [row[2] for row in rows if row[0] == model and row[1] == 200]
        firsts = [row[3] for row in rows if row[0] == model and row[1] == 200 and row[3] is not None]
        assert times.answers == len(latencies)
        assert times.latency_us == tuple(nearest_rank(latencies, percent) for percent in PERCENTS)
        if firsts:
            assert times.first_token_us == tuple(nearest_rank(firsts, percent) for percent in PERCENTS)
        else:
            assert times.first_token_us is None
    assert Reports(directory.database).answer_times(Span("2001-01-01", "2001-01-01")) == []


def test_times_are_told_in_seconds() -> None:
    record = times_record(AnswerTimes("m", 3, (1_500_000, 2, 3), None))
    assert record["latency_seconds"] == {"p50": 1.5, "p95": 0.000002, "p99": 0.000003}
    assert record["first_token_seconds"] is None


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(), 5),
        (Span(model="a"), 3),
        (Span(status=503), 1),
        (Span(status=0), 1),
        (Span(errors=True), 3),
        (Span(errors=True, model="a"), 2),
        (Span(last="2001-01-01"), 0),
        (Span(project="prj_none"), 0),
    ],
)
def test_rows_are_chosen(directory: Directory, span: Span, expected: int) -> None:
    add(directory, [("a", 200, 1, 1), ("a", 503, 1, 1), ("a", 499, 1, 1), ("b", 200, 1, 1), ("b", 0, 1, None)])
    reports = Reports(directory.database)
    assert len(reports.lines(span)) == expected
    assert reports.total(span).requests == expected


def test_pages_have_every_row_once_newest_first(directory: Directory) -> None:
    caller = add(directory, [("a", 200, n, None) for n in range(25)])
    reports = Reports(directory.database)
    seen: list[int] = []
    before = None
    while page := reports.lines(Span(project=caller.project, key=caller.id), before, 10):
        seen += [line["cost_micros"] for line in page]
        before = page[-1]["seq"]
    assert seen == list(reversed(range(25)))


# The `usage` of the service's published responses, with the prices of its table: per million tokens, and per hour.
SAMPLES = [
    ("mimo-v2.5", Usage(86, 17, 25, 82, 15), (4 * 1 + 82 * Fraction("0.02") + 17 * 2) / 10**6),
    ("mimo-v2.5-asr", Usage(46, 20, 25, 45, 0, Fraction(4)), Fraction(4, 3600) * Fraction("0.5")),
]


@pytest.mark.parametrize(("model", "usage", "exact"), SAMPLES)
def test_the_bill_of_an_official_response_is_its_tokens_times_the_price_table(
    directory: Directory, model: str, usage: Usage, exact: Fraction
) -> None:
    (version,) = directory.prices(model)
    key = directory.create_key("k").key
    held = Reservation("sample", NOON_US, Caller(key.id, key.account_id, key.project_id), model, "scripted", version, 0)
    reading = Reading.of(usage)
    cost = version.price.cost(reading)
    with directory.database.writing() as connection:
        write_rows(connection, [Row(held, reading, cost, 200, NOON_US, 1, 1)])
    reports = Reports(directory.database)
    (line,) = reports.usage(Span.month(day_of(NOON_US)[:7]), ("account", "key", "model"))
    assert (line.sums.prompt_tokens, line.sums.cached_tokens) == (usage.prompt_tokens, usage.cached_tokens)
    assert line.sums.completion_tokens == usage.completion_tokens
    assert abs(line.sums.cost_micros - exact * 10**6) <= Fraction(1, 2)
    assert reports.lines(Span())[0]["price_version"] == version.version
    account = directory.account("default")
    assert account.charged_micros == line.sums.cost_micros > 0
