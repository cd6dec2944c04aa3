"""Accounts, projects, keys and top-ups as an administrator sees them."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.accounts.prices import MAX_MICROS
from auricle.errors import InvalidField


@dataclass(frozen=True, slots=True)
class AccountView:
    id: str
    name: str
    created_us: int
    prepaid: bool
    disabled: bool
    credited_micros: int
    charged_micros: int

    @property
    def balance_micros(self) -> int:
        return self.credited_micros - self.charged_micros


@dataclass(frozen=True, slots=True)
class ProjectView:
    id: str
    account_id: str
    name: str
    created_us: int


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it may be shown: never the key itself, nor its hash."""

    id: str
    account_id: str
    project_id: str
    name: str
    prefix: str
    created_us: int
    rotated_us: int | None
    expires_us: int | None
    models: tuple[str, ...] | None
    daily_limit_micros: int | None
    monthly_limit_micros: int | None
    disabled: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment at which anybody sees it."""

    secret: str
    key: KeyView


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key may do; None: whatever its account may, for ever."""

    expires_us: int | None = None
    models: tuple[str, ...] | None = None
    daily_limit_micros: int | None = None
    monthly_limit_micros: int | None = None

    def check(self) -> None:
        """Raises InvalidField."""
        for field, limit in (("daily_limit", self.daily_limit_micros), ("monthly_limit", self.monthly_limit_micros)):
            if limit is not None and not 0 <= limit <= MAX_MICROS:
                raise InvalidField(field, "must be from 0 to a thousand million of the currency")


@dataclass(frozen=True, slots=True)
class TopUp:
    account_id: str
    at_us: int
    amount_micros: int
    note: str
    reference: str | None
