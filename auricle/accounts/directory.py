"""Accounts, projects, keys, top-ups and prices, as an administrator sees and changes them.

Blocking: the admin API calls it in a thread, the command line as it is. Every change moves the number in `changes`,
by which running servers know that what they have in memory is old.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from auricle.accounts.clock import now_us
from auricle.accounts.keys import PREFIX_CHARACTERS, new_key, sha256
from auricle.accounts.prices import DEFAULT_PRICES, MAX_MICROS, Price, PriceVersion, checked, from_json, to_json
from auricle.accounts.views import AccountView, KeyTerms, KeyView, NewKey, ProjectView, TopUp
from auricle.config import Settings
from auricle.errors import InvalidField, NotFound
from auricle.store import tables
from auricle.store.database import Database
from auricle.store.schema import migrate

DEFAULT_NAME = "default"  # of the account and the project that a new database has
MAX_NAME = 100  # characters
MIN_IMPORTED_KEY = 16  # characters


def prepare(database: Database) -> None:
    """Bring a database to this version's schema, and give a new one what it begins with."""
    migrate(database)
    begin(database)


def open_directory(settings: Settings) -> Directory:
    """The accounts of `settings`, to be closed. Raises SettingsError and StoreUnavailable."""
    database = Database(settings)
    try:
        prepare(database)
    except BaseException:
        database.close()
        raise
    return Directory(database)


def begin(database: Database) -> None:
    """Give a new database its default account and the official prices."""
    with database.reading() as connection:
        if connection.scalar(sa.select(sa.func.count()).select_from(tables.accounts)):
            return
    with database.writing() as connection:
        _changed(connection)  # whose row is locked until the end, so that of servers that start at once one is first
        if connection.scalar(sa.select(sa.func.count()).select_from(tables.accounts)):
            return
        _insert_account(connection, DEFAULT_NAME, prepaid=False)
        for model, price in DEFAULT_PRICES.items():
            connection.execute(tables.prices.insert().values(model=model, from_us=0, price=to_json(price)))


class Directory:
    """See the module's docstring. Every method raises StoreUnavailable, and InvalidField or NotFound where said."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        self.database.close()

    # Accounts.

    def accounts(self) -> list[AccountView]:
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(tables.accounts).order_by(tables.accounts.c.created_us)).all()
        return [_account(row) for row in rows]

    def account(self, name: str) -> AccountView:
        """By id or by name. Raises NotFound."""
        with self.database.reading() as connection:
            return _account(_find(connection, tables.accounts, name, "account"))

    def create_account(self, name: str, *, prepaid: bool = False) -> AccountView:
        """A new account with its default project. Raises InvalidField for a name that is taken."""
        with self.database.writing() as connection:
            account_id = _insert_account(connection, _name(name), prepaid=prepaid)
            _changed(connection)
            return _account(_find(connection, tables.accounts, account_id, "account"))

    def change_account(
        self, name: str, *, new_name: str | None = None, prepaid: bool | None = None, disabled: bool | None = None
    ) -> AccountView:
        """Raises NotFound, and InvalidField for a name that is taken."""
        values: dict[str, Any] = {"prepaid": prepaid, "disabled": disabled}
        with self.database.writing() as connection:
            account = _find(connection, tables.accounts, name, "account")
            if new_name is not None and new_name != account.name:
                values["name"] = _free(connection, tables.accounts, _name(new_name))
            _update(connection, tables.accounts, account.id, values)
            return _account(_find(connection, tables.accounts, account.id, "account"))

    def top_up(self, account: str, amount_micros: int, note: str = "", reference: str | None = None) -> AccountView:
        """Add to the balance (or take from it: a correction). The same `reference` again changes nothing, so that a
        payment may safely be told twice. Raises NotFound and InvalidField."""
        if amount_micros == 0 or abs(amount_micros) > MAX_MICROS:
            raise InvalidField("amount", "must be something, and at most a thousand million of the currency")
        with self.database.writing() as connection:
            found = _find(connection, tables.accounts, account, "account")
            top_up = tables.top_ups
            if reference is not None:
                known = connection.execute(sa.select(top_up).where(top_up.c.reference == reference)).first()
                if known is not None:
                    if (known.account_id, known.amount_micros) != (found.id, amount_micros):
                        raise InvalidField("reference", f"{reference!r} was another top-up")
                    return _account(found)
            connection.execute(
                top_up.insert().values(
                    account_id=found.id,
                    at_us=now_us(),
                    amount_micros=amount_micros,
                    note=_text("note", note, 200),
                    reference=None if reference is None else _text("reference", reference, 100),
                )
            )
            credited = tables.accounts.c.credited_micros + amount_micros
            connection.execute(
                tables.accounts.update().where(tables.accounts.c.id == found.id).values(credited_micros=credited)
            )
            _changed(connection)
            return _account(_find(connection, tables.accounts, found.id, "account"))

    def top_ups(self, account: str) -> list[TopUp]:
        """Oldest first. Raises NotFound."""
        with self.database.reading() as connection:
            found = _find(connection, tables.accounts, account, "account")
            column = tables.top_ups.c
            rows = connection.execute(
                sa.select(tables.top_ups).where(column.account_id == found.id).order_by(column.seq)
            ).all()
        return [TopUp(row.account_id, row.at_us, row.amount_micros, row.note, row.reference) for row in rows]

    # Projects.

    def projects(self, account: str | None = None) -> list[ProjectView]:
        """Of one account or of all. Raises NotFound."""
        with self.database.reading() as connection:
            query = sa.select(tables.projects).order_by(tables.projects.c.created_us)
            if account is not None:
                found = _find(connection, tables.accounts, account, "account")
                query = query.where(tables.projects.c.account_id == found.id)
            return [_project(row) for row in connection.execute(query)]

    def create_project(self, account: str, name: str) -> ProjectView:
        """Raises NotFound, and InvalidField for a name that the account has already."""
        with self.database.writing() as connection:
            found = _find(connection, tables.accounts, account, "account")
            if _project_of(connection, found.id, name) is not None:
                raise InvalidField("name", f"{found.name} has a project {name} already")
            _insert_project(connection, found.id, _name(name))
            _changed(connection)
            return _project(_project_of(connection, found.id, name))

    # Keys.

    def keys(self, account: str | None = None) -> list[KeyView]:
        """Of one account or of all, oldest first. Raises NotFound."""
        with self.database.reading() as connection:
            query = sa.select(tables.keys).order_by(tables.keys.c.created_us)
            if account is not None:
                found = _find(connection, tables.accounts, account, "account")
                query = query.where(tables.keys.c.account_id == found.id)
            return [_key(row) for row in connection.execute(query)]

    def key(self, name: str) -> KeyView:
        """By id or by name. Raises NotFound."""
        with self.database.reading() as connection:
            return _key(_find(connection, tables.keys, name, "key"))

    def create_key(
        self,
        name: str,
        *,
        account: str = DEFAULT_NAME,
        project: str = DEFAULT_NAME,
        terms: KeyTerms | None = None,
        secret: str | None = None,
    ) -> NewKey:
        """A new key; `secret` takes over one that clients already use. Raises NotFound and InvalidField."""
        terms = terms or KeyTerms()
        terms.check()
        secret = new_key() if secret is None else _imported(secret)
        key_id = _new_id("key")
        with self.database.writing() as connection:
            owner = _find(connection, tables.accounts, account, "account")
            found = _project_of(connection, owner.id, project)
            if found is None:
                raise NotFound(f"{owner.name} has no project {project}")
            _check_unknown(connection, secret)
            connection.execute(
                tables.keys.insert().values(
                    id=key_id,
                    account_id=owner.id,
                    project_id=found.id,
                    name=_name(name),
                    created_us=now_us(),
                    disabled=False,
                    **_secret_columns(secret),
                    **_term_columns(terms),
                )
            )
            _changed(connection)
            return NewKey(secret, _key(_find(connection, tables.keys, key_id, "key")))

    def change_key(
        self,
        key: str,
        *,
        name: str | None = None,
        disabled: bool | None = None,
        terms: KeyTerms | None = None,
    ) -> KeyView:
        """Rename, disable, or give other terms (all of them at once). Raises NotFound and InvalidField."""
        values: dict[str, Any] = {"name": None if name is None else _name(name), "disabled": disabled}
        if terms is not None:
            terms.check()
        with self.database.writing() as connection:
            found = _find(connection, tables.keys, key, "key")
            _update(connection, tables.keys, found.id, values)
            if terms is not None:
                update = tables.keys.update().where(tables.keys.c.id == found.id)
                connection.execute(update.values(**_term_columns(terms)))
            return _key(_find(connection, tables.keys, found.id, "key"))

    def rotate_key(self, key: str) -> NewKey:
        """A new secret in place of the old one, which nothing accepts any more. Raises NotFound."""
        secret = new_key()
        with self.database.writing() as connection:
            found = _find(connection, tables.keys, key, "key")
            update = tables.keys.update().where(tables.keys.c.id == found.id)
            connection.execute(update.values(rotated_us=now_us(), **_secret_columns(secret)))
            _changed(connection)
            return NewKey(secret, _key(_find(connection, tables.keys, found.id, "key")))

    # Prices.

    def prices(self, model: str | None = None) -> list[PriceVersion]:
        """All versions, oldest first."""
        query = sa.select(tables.prices).order_by(tables.prices.c.version)
        if model is not None:
            query = query.where(tables.prices.c.model == model)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [PriceVersion(row.version, row.model, row.from_us, from_json(row.price)) for row in rows]

    def set_price(self, model: str, price: Price, from_us: int | None = None) -> PriceVersion:
        """A new version, in effect from `from_us`: not in the past, that would rewrite history. Raises InvalidField."""
        checked(price)
        now = now_us()
        if from_us is not None and from_us < now:
            raise InvalidField("from", "a price cannot begin in the past")
        with self.database.writing() as connection:
            begins = now if from_us is None else from_us
            insert = tables.prices.insert().values(
                model=_text("model", model, 200), from_us=begins, price=to_json(price)
            )
            version = connection.execute(insert.returning(tables.prices.c.version)).scalar_one()
            _changed(connection)
        return PriceVersion(version, model, begins, price)


def _changed(connection: Connection) -> None:
    connection.execute(tables.changes.update().values(number=tables.changes.c.number + 1))


def _new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(8)}"


def _insert_account(connection: Connection, name: str, *, prepaid: bool) -> str:
    account_id = _new_id("acc")
    connection.execute(
        tables.accounts.insert().values(
            id=account_id,
            name=_free(connection, tables.accounts, name),
            created_us=now_us(),
            prepaid=prepaid,
            disabled=False,
            credited_micros=0,
            charged_micros=0,
        )
    )
    _insert_project(connection, account_id, DEFAULT_NAME)
    return account_id


def _insert_project(connection: Connection, account_id: str, name: str) -> None:
    connection.execute(
        tables.projects.insert().values(id=_new_id("prj"), account_id=account_id, name=name, created_us=now_us())
    )


def _find(connection: Connection, table: sa.Table, name: str, what: str) -> Row[Any]:
    """The row with this id, else the only one with this name. Raises NotFound."""
    for column in (table.c.id, table.c.name):
        rows = connection.execute(sa.select(table).where(column == name)).all()
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise NotFound(f"there are {len(rows)} {what}s named {name}: give the id")
    raise NotFound(f"there is no {what} {name}")


def _project_of(connection: Connection, account_id: str, name: str) -> Row[Any] | None:
    column = tables.projects.c
    named = sa.or_(column.name == name, column.id == name)
    return connection.execute(sa.select(tables.projects).where(column.account_id == account_id, named)).first()


def _free(connection: Connection, table: sa.Table, name: str) -> str:
    if connection.scalar(sa.select(table.c.id).where(sa.or_(table.c.name == name, table.c.id == name))) is not None:
        raise InvalidField("name", f"there is a {name} already")
    return name


def _check_unknown(connection: Connection, secret: str) -> None:
    if connection.scalar(sa.select(tables.keys.c.id).where(tables.keys.c.sha256 == sha256(secret))) is not None:
        raise InvalidField("key", "is there already")


def _update(connection: Connection, table: sa.Table, row_id: str, values: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in values.items() if value is not None}
    if changed:
        connection.execute(table.update().where(table.c.id == row_id).values(**changed))
    _changed(connection)


def _secret_columns(secret: str) -> dict[str, str]:
    return {"sha256": sha256(secret), "prefix": secret[:PREFIX_CHARACTERS]}


def _term_columns(terms: KeyTerms) -> dict[str, Any]:
    return {**asdict(terms), "models": None if terms.models is None else sorted(set(terms.models))}


def _imported(secret: str) -> str:
    if len(secret) < MIN_IMPORTED_KEY or not secret.isascii() or any(c.isspace() for c in secret):
        raise InvalidField("key", f"must be at least {MIN_IMPORTED_KEY} ASCII characters without spaces")
    return secret


def _text(field: str, text: str, limit: int) -> str:
    if len(text) > limit or not text.isprintable():
        raise InvalidField(field, f"must be at most {limit} printable characters")
    return text


def _name(name: str) -> str:
    stripped = _text("name", name, MAX_NAME).strip()
    if not stripped:
        raise InvalidField("name", "must not be empty")
    return stripped


def _account(row: Row[Any]) -> AccountView:
    return AccountView(*(getattr(row, name) for name in AccountView.__dataclass_fields__))


def _project(row: Any) -> ProjectView:
    return ProjectView(*(getattr(row, name) for name in ProjectView.__dataclass_fields__))


def _key(row: Row[Any]) -> KeyView:
    values = {name: getattr(row, name) for name in KeyView.__dataclass_fields__}
    return KeyView(**{**values, "models": None if row.models is None else tuple(row.models)})
