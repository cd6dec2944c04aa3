"""The database: one schema by migrations, on SQLite and on PostgreSQL; what is append-only stays so."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from auricle.accounts.directory import Directory, open_directory
from auricle.config import SettingsError
from auricle.store import tables
from auricle.store.database import Database, StoreUnavailable
from auricle.store.servers import ServerLock
from tests.serving import scripted_settings


def test_the_migrations_make_the_tables(directory: Directory) -> None:
    with directory.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_starting_at_once_migrates_once(place: dict[str, Any]) -> None:
    settings = scripted_settings(**place)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_directory(settings), range(4)))
    assert [len(directory.accounts()) for directory in opened] == [1] * 4
    assert [len(directory.prices()) for directory in opened] == [3] * 4
    for directory in opened:
        directory.close()


def test_a_newer_database_is_left_alone(directory: Directory, place: dict[str, Any]) -> None:
    with directory.database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="newer"):
        open_directory(scripted_settings(**place))


@pytest.mark.parametrize("table", tables.APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_history_cannot_be_rewritten(directory: Directory, table: str, verb: str) -> None:
    directory.top_up("default", 5)
    key = directory.create_key("k").key
    with directory.database.writing() as connection:
        row = dict.fromkeys((c.name for c in tables.ledger.c if isinstance(c.type, sa.BigInteger | sa.Integer)), 1)
        names = {"account_id": key.account_id, "project_id": key.project_id, "key_id": key.id}
        texts = {"request_id": "r", "day": "2026-01-01", "model": "m", "engine": "e"}
        connection.execute(tables.ledger.insert().values(row | names | texts))
    column = next(c.name for c in tables.metadata.tables[table].c if c.name.endswith("_us"))
    with (
        pytest.raises((StoreUnavailable, sa.exc.DBAPIError), match="never changed"),
        directory.database.writing() as connection,
    ):
        connection.execute(sa.text(verb.format(table, column, column)))


def test_the_file_is_for_nobody_else(tmp_path: Path) -> None:
    open_directory(scripted_settings(accounts=True, data_dir=tmp_path / "new")).close()
    assert stat.S_IMODE((tmp_path / "new" / "auricle.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("url", ["mysql://a@b/c", "sqlite://", "nonsense", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="database_url"):
        Database(scripted_settings(database_url=url))


def test_a_database_that_cannot_be_reached_is_told_without_its_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_directory(scripted_settings(database_url="postgresql://auricle:hunter22@127.0.0.1:9/none"))
    assert "hunter22" not in str(caught.value)


def test_a_server_is_dead_once_its_process_is(directory: Directory, place: dict[str, Any]) -> None:
    script = (
        "import sys\n"
        "from auricle.store.servers import ServerLock\n"
        "from auricle.store.database import Database\n"
        "from tests.serving import scripted_settings\n"
        f"lock = ServerLock(Database(scripted_settings(**{ {k: str(v) for k, v in place.items()}!r})))\n"
        "lock.take(); print(lock.id, flush=True); sys.stdin.read()\n"
    )
    mine = ServerLock(directory.database)
    mine.take()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        assert not mine.is_dead(other)
        assert not mine.is_dead(mine.id)
        process.kill()
    assert mine.is_dead(other)
    mine.release()
