"""Which servers live: each holds a lock for as long as its process does, however that ends.

On PostgreSQL it is an advisory lock on a connection of its own, beside SQLite's file a locked file of its own. A lock
that can be taken belongs to nobody any more, so what its server left unfinished may be finished by another one.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection

from auricle.store.database import Database, translated


class ServerLock:
    """This process's lock, held from `take` to `release`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = secrets.randbits(62)  # fits PostgreSQL's signed 64 bits
        self._file: FileLock | None = None
        self._connection: Connection | None = None

    def take(self) -> None:
        if self._database.file is not None:
            self._file = FileLock(lock_file(self._database.file, self.id))
            self._file.acquire()
            return
        with translated():
            self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.execute(sa.select(sa.func.pg_advisory_lock(self.id)))

    def is_dead(self, server: int) -> bool:
        """Whether the process that took the lock `server` has ended."""
        if server == self.id:
            return False
        if self._database.file is not None:
            lock = FileLock(lock_file(self._database.file, server))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
            return True
        with self._database.reading() as connection:
            free = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(server))))
            if free:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(server)))
            return free

    def release(self) -> None:
        if self._file is not None:
            self._file.release()
            Path(self._file.lock_file).unlink(missing_ok=True)
        if self._connection is not None:
            self._connection.invalidate()  # end the session itself, and the lock with it
            self._connection.close()


def lock_file(database: Path, server: int) -> str:
    return f"{database}.server-{server:x}.lock"
