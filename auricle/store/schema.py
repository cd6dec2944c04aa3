"""Bring a database to the schema of this version: Alembic's migrations, run at start, one runner at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock

from auricle.config import SettingsError
from auricle.store.database import Database

MIGRATING = 0x6175_7269_636C_6501  # PostgreSQL's advisory lock: "auricle", 1
LOCK_SECONDS = 120.0


def migrate(database: Database) -> None:
    """Apply the migrations that `database` lacks. Raises SettingsError if a newer Auricle has been at it."""
    database.create_file()
    with only_one(database), database.writing() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("auricle.store") / "migrations"))
        config.attributes["connection"] = connection
        scripts = ScriptDirectory.from_config(config)
        at = MigrationContext.configure(connection).get_current_revision()
        if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
            raise SettingsError(f"the accounts' database is of a newer Auricle (its schema is {at})")
        if at != scripts.get_current_head():
            command.upgrade(config, "head")


@contextmanager
def only_one(database: Database) -> Iterator[None]:
    """Hold the migration lock of `database`."""
    if database.file is not None:
        with FileLock(f"{database.file}.lock", timeout=LOCK_SECONDS):
            yield
        return
    with database.reading() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATING)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATING)))
