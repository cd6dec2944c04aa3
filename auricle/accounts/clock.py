"""Time as the database keeps it: whole microseconds since 1970, and days of UTC."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from auricle.errors import InvalidField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    return time.time_ns() // 1000


def day_of(at_us: int) -> str:
    """`2026-11-22`."""
    return moment(at_us).date().isoformat()


def moment(at_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_us)


def iso(at_us: int | None) -> str | None:
    """`2026-11-22T10:00:00.000000Z`."""
    return None if at_us is None else moment(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def microseconds(at: datetime) -> int:
    """The reverse of `moment`; a time without a zone is UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def month_days(month: str) -> tuple[str, str]:
    """The first and the last day of `2026-11`. Raises InvalidField."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise InvalidField("month", f"{month!r} is not a month like 2026-11") from None
    following = (first + timedelta(days=31)).replace(day=1)
    return first.isoformat(), (following - timedelta(days=1)).isoformat()


def check_day(field: str, day: str) -> str:
    """`day`, if it is one. Raises InvalidField."""
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise InvalidField(field, f"{day!r} is not a day like 2026-11-22") from None
