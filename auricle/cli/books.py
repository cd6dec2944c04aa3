"""What the commands about accounts share: the opened database, tables, amounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auricle.accounts.clock import microseconds, moment
from auricle.accounts.directory import Directory, open_directory
from auricle.accounts.prices import micros, money
from auricle.cli.failures import plain_failures
from auricle.config import Settings, load_settings
from auricle.errors import InvalidField

WIDE_COLUMNS = 1000  # for output that is not a terminal: one line a row
NUMBERS = frozenset({"REQUESTS", "ERRORS", "COST", "BALANCE", "CREDITED", "CHARGED", "VERSION"})


@contextmanager
def opened() -> Iterator[tuple[Directory, Settings]]:
    """The accounts of the settings; a new database is made where there is none."""
    with plain_failures():
        settings = load_settings()
        if not settings.keeps_accounts:
            typer.echo("note: servers use these accounts only with AURICLE_ACCOUNTS=true", err=True)
        directory = open_directory(settings)
        try:
            yield directory, settings
        finally:
            directory.close()


def show(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE_COLUMNS)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column in NUMBERS or "TOKENS" in column else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(table, highlight=False)


def amount(text: str | None) -> int | None:
    """Micros of an option like `--daily-limit 12.5`; `none` is None."""
    if text is None or text == "none":
        return None
    value = micros(text)
    if value < 0:
        raise InvalidField("", f"{text} must not be negative")
    return value


def amount_text(value: int | None) -> str:
    return "" if value is None else money(value)


def when(at_us: int | None) -> str:
    return "" if at_us is None else moment(at_us).strftime("%Y-%m-%d %H:%M")


def time_us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
