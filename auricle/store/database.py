"""The database engine: how SQLite and PostgreSQL are opened, and what transactions look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from auricle.config import Settings, SettingsError
from auricle.errors import Unavailable

BUSY_SECONDS = 15  # that a SQLite writer waits for another one's transaction
WRITES = "auricle_writes"  # execution option of connections that will write

T = TypeVar("T")


class StoreUnavailable(Unavailable):
    """The database cannot be reached, is full, or refuses."""


class Database:
    """One SQLAlchemy engine. Blocking: call it in a thread."""

    def __init__(self, settings: Settings) -> None:
        self.url = database_url(settings)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._survives_power_cut = settings.ledger_survives == "power-cut"
        if self.is_sqlite:
            self.engine = sqlite_engine(self.url, self._survives_power_cut)
        else:
            self.engine = sa.create_engine(
                self.url, pool_pre_ping=True, pool_size=4, max_overflow=4, hide_parameters=True
            )

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(str(self.url.database)) if self.is_sqlite else None

    def create_file(self) -> None:
        """See that SQLite's file is there, readable by nobody else."""
        if self.file is not None and not self.file.exists():
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self.file.touch(mode=0o600)
            except OSError as error:
                raise SettingsError(f"the accounts' database cannot be made: {error}") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database. Raises StoreUnavailable."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; committed at the end of the block, unless it raises. Raises StoreUnavailable."""
        with translated(), self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            yield connection

    def quick_writer(self) -> QuickWriter | None:
        """A writer that is fast enough for the event loop; None where there is none."""
        return QuickWriter(self.engine) if self.is_sqlite and not self._survives_power_cut else None

    def checkpoint(self) -> None:
        """Bring SQLite's log back into its file, without waiting for anybody."""
        with translated(), self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.engine.dispose()


class Result(Protocol):
    """What came of a statement."""

    def one(self) -> Any:
        """Its only row."""


class Writes(Protocol):
    """Of a SQLAlchemy connection what writing the ledger needs."""

    @property
    def dialect(self) -> sa.Dialect: ...

    def execute(self, statement: Any, parameters: Any = None, /) -> Result: ...


class QuickWriter:
    """SQLite, written without waiting: not for the disk, and not for other writers, which make it fail at once.

    Statements go to the driver as SQLAlchemy compiles them, compiled once: a transaction of three takes 0.1 ms in
    place of 0.25 (bench/accounts.py). Only for statements that are made once and whose values need no conversion.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect: sa.Dialect = sqlite.dialect(paramstyle="named")
        self._pooled = engine.raw_connection()
        self._cursor = self._pooled.cursor()
        self._cursor.execute("PRAGMA busy_timeout=0")
        self._cursor.execute("PRAGMA wal_autocheckpoint=0")  # which would wait for the disk; see Database.checkpoint
        self._compiled: dict[tuple[int, bool], str] = {}

    def write(self, work: Callable[[Writes], T]) -> T:
        """Do `work` in a transaction. Raises StoreUnavailable for whatever goes wrong, and has then changed nothing."""
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            try:
                result = work(self)
                self._cursor.execute("COMMIT")
            except BaseException:
                self._cursor.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the accounts' database does not work: {error}") from error
        return result

    def execute(self, statement: Any, parameters: Any = None, /) -> Result:
        many = isinstance(parameters, list)
        place = (id(statement), many)
        if place not in self._compiled:
            first = parameters[0] if many else parameters
            compiled = statement.compile(dialect=self.dialect, column_keys=list(first))
            self._compiled[place] = str(compiled)
        if many:
            self._cursor.executemany(self._compiled[place], parameters)
        else:
            self._cursor.execute(self._compiled[place], parameters)
        return _Fetched(self._cursor)

    def close(self) -> None:
        self._pooled.invalidate()  # its settings are not for others


class _Fetched:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def one(self) -> Any:
        return self._cursor.fetchone()


def database_url(settings: Settings) -> sa.URL:
    """Where the accounts lie. Raises SettingsError for what is neither PostgreSQL nor a SQLite file."""
    if settings.database_url is None:
        return sa.URL.create("sqlite", database=str(settings.data_dir / "auricle.db"))
    try:
        url = sa.make_url(settings.database_url.get_secret_value())
    except sa.exc.ArgumentError:
        raise SettingsError("database_url is not a database URL") from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    raise SettingsError(f"database_url: {backend!r} is neither `postgresql://...` nor `sqlite:///file`")


def sqlite_engine(url: sa.URL, survives_power_cut: bool) -> Engine:
    """SQLite in WAL mode: readers and the one writer do not wait for each other.

    `synchronous=NORMAL` hands a commit to the operating system, which a killed server cannot take back; `FULL` waits
    for the disk at every commit (4 ms against 0.01 ms on a virtual disk), so that a power cut cannot either.
    """
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def opened(connection: DBAPIConnection, _: Any) -> None:
        # Python's module would begin transactions by itself, too late for BEGIN IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if survives_power_cut else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A writer takes its turn at the start: upgrading a read to a write can fail halfway.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def translated() -> Iterator[None]:
    """Turn the database's failures into ours; what they say can hold values, so only the kind is told."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"the accounts' database does not work: {error.orig}") from error
