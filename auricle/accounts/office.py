"""Everything that a server with accounts has, started and stopped as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from auricle.accounts.admin import Admin
from auricle.accounts.books import LedgerBooks
from auricle.accounts.directory import Directory, prepare
from auricle.accounts.ledger import Ledger
from auricle.accounts.reports import Reports
from auricle.config import Settings
from auricle.store.database import Database

P = ParamSpec("P")
T = TypeVar("T")


class Office:
    """Accounts, keys, prices, the ledger and its reports."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings)
        self.directory = Directory(self.database)
        self.reports = Reports(self.database)
        self.admin = Admin(
            self.database, settings.admin_password.get_secret_value() if settings.admin_password else None
        )
        self.ledger = Ledger(self.database)
        self.books = LedgerBooks(self.ledger)
        self.currency = settings.currency

    async def start(self) -> None:
        """Raises SettingsError and StoreUnavailable."""
        await asyncio.to_thread(prepare, self.database)
        await self.ledger.start()

    async def close(self) -> None:
        await self.ledger.close()
        await asyncio.to_thread(self.database.close)

    async def change(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do `work` of the directory in a thread; requests feel the change when this returns."""
        result = await asyncio.to_thread(work, *arguments, **named)
        await self.ledger.refresh()
        return result
