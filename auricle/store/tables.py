"""The one schema, for SQLite and PostgreSQL.

Money is a whole number of micros (millionths of the currency), time a whole number of microseconds since 1970 (UTC),
a day text like `2026-11-22` (UTC). `ledger`, `top_ups` and `prices` are only ever added to: triggers refuse the rest.
"""

from __future__ import annotations

import sqlalchemy as sa

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMES)

ID = sa.String(40)
DAY = sa.String(10)  # 2026-11-22
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # what SQLite numbers by itself

APPEND_ONLY = ("ledger", "top_ups", "prices")

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("prepaid", sa.Boolean, nullable=False),  # refuse requests once the balance is used up
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("credited_micros", sa.BigInteger, nullable=False),  # the sum of its top-ups
    sa.Column("charged_micros", sa.BigInteger, nullable=False),  # the sum of its ledger rows
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("account_id", "name"),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),  # of the key, hex; the key itself is nowhere
    sa.Column("prefix", sa.String(16), nullable=False),  # of the key, to tell keys apart
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("rotated_us", sa.BigInteger),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("models", sa.JSON(none_as_null=True)),  # names that it may ask for; null: all
    sa.Column("daily_limit_micros", sa.BigInteger),
    sa.Column("monthly_limit_micros", sa.BigInteger),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Index(None, "account_id"),
)

key_days = sa.Table(
    "key_days",
    metadata,
    sa.Column("key_id", ID, sa.ForeignKey("keys.id"), primary_key=True),
    sa.Column("day", DAY, primary_key=True),
    sa.Column("charged_micros", sa.BigInteger, nullable=False),  # what the ledger has of this key and day
)

top_ups = sa.Table(
    "top_ups",
    metadata,
    sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("amount_micros", sa.BigInteger, nullable=False),  # negative: a correction
    sa.Column("note", sa.String(200), nullable=False),
    sa.Column("reference", sa.String(100), unique=True),  # the payer's; the same one twice is the same top-up
    sa.Index(None, "account_id"),
)

prices = sa.Table(
    "prices",
    metadata,
    sa.Column("version", SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("from_us", sa.BigInteger, nullable=False),  # in effect until the model's next one
    sa.Column("price", sa.JSON, nullable=False),  # see accounts/prices.py
    sa.Index(None, "model", "from_us"),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    sa.Column("request_id", ID, nullable=False, unique=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),  # when it ended
    sa.Column("day", DAY, nullable=False),  # of at_us
    sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), nullable=False),
    sa.Column("key_id", ID, sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("engine", sa.String(100), nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),  # of prompt_tokens
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),  # of completion_tokens
    sa.Column("audio_us", sa.BigInteger, nullable=False),
    sa.Column("price_version", SEQUENCE, sa.ForeignKey("prices.version")),  # null: the model had no price
    sa.Column("cost_micros", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),  # HTTP; 499: the client hung up; 0: the server died
    sa.Column("latency_us", sa.BigInteger, nullable=False),
    sa.Column("first_token_us", sa.BigInteger),  # after its start; null: there was none
    sa.Index(None, "day", "account_id"),
    sa.Index(None, "account_id", "day"),
)

reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("request_id", ID, primary_key=True),
    sa.Column("server", sa.BigInteger, nullable=False),  # who answers it, see store/servers.py
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("account_id", ID, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), nullable=False),
    sa.Column("key_id", ID, sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("engine", sa.String(100), nullable=False),
    sa.Column("reserved_micros", sa.BigInteger, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # always 1
    sa.Column("number", sa.BigInteger, nullable=False),  # grows with every change that servers have in memory
)

administrators = sa.Table(
    "administrators",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),  # scrypt, see accounts/admin.py
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),  # of the cookie, hex
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger, nullable=False),
)
