"""The administrator: one password, sessions, and how fast it may be guessed.

The password comes from the settings, or is chosen once with the code that the server shows on its terminal when it
starts without one. A session is a random cookie, of which the database keeps the SHA-256; its CSRF token is derived
from the cookie, so that a page which cannot read the cookie's answer cannot know it. Blocking: call it in a thread.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auricle.accounts.clock import now_us
from auricle.accounts.keys import sha256
from auricle.errors import InvalidField, RateLimited, Unauthorized
from auricle.store import tables
from auricle.store.database import Database

ADMINISTRATOR = "admin"
SESSION_SECONDS = 12 * 3600
MIN_PASSWORD = 10  # characters
MAX_PASSWORD = 1000
# RFC 7914's parameters, at the cost that OWASP's password storage cheat sheet asks for: 128 MiB, about 0.3 s.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
SCRYPT_BYTES = 256 * 1024 * 1024
TRIES_A_MINUTE = 5  # from one address
TRIES_AN_HOUR = 100  # from all of them together

log = structlog.get_logger("auricle")


@dataclass(frozen=True, slots=True)
class Session:
    """Of a signed-in administrator; `token` is the cookie, known only to whoever signed in."""

    token: str
    expires_us: int

    @property
    def csrf(self) -> str:
        """What every changing request must bring along in a header."""
        return hmac.new(self.token.encode(), b"auricle csrf", hashlib.sha256).hexdigest()


class Admin:
    """See the module's docstring."""

    def __init__(self, database: Database, password: str | None) -> None:
        self._database = database
        self._fixed = hash_password(password) if password is not None else None
        self._setup_code = secrets.token_hex(8)
        self._tries = FixedWindowRateLimiter(MemoryStorage())

    def setup_code(self) -> str | None:
        """What must be given to choose the password; None once there is one."""
        return None if self._stored() else self._setup_code

    def set_up(self, code: str, password: str, address: str) -> Session:
        """Choose the password, once. Raises Unauthorized for a wrong code or when there is a password already,
        InvalidField for a bad password, RateLimited."""
        self._count_try(address)
        expected = self.setup_code()
        if expected is None or not hmac.compare_digest(code.encode(), expected.encode()):
            raise Unauthorized("the code is wrong, or the password is set already")
        hashed = hash_password(check_password(password))
        with self._database.writing() as connection:
            if connection.scalar(sa.select(tables.administrators.c.name)) is not None:
                raise Unauthorized("the password is set already")
            connection.execute(tables.administrators.insert().values(name=ADMINISTRATOR, password=hashed))
        log.info("the administrator's password was set")
        return self._begin()

    def sign_in(self, password: str, address: str) -> Session:
        """A session. Raises Unauthorized, and RateLimited after too many tries."""
        self._count_try(address)
        stored = self._stored()
        if stored is None or not is_password(password, stored):
            log.warning("an administrator's sign-in failed")
            raise Unauthorized("the password is wrong")
        self._tries.clear(RateLimitItemPerMinute(TRIES_A_MINUTE), "address", address)
        return self._begin()

    def change_password(self, current: str, new: str, address: str) -> Session:
        """Another password; every session ends, and a new one begins. Raises as `sign_in`, and InvalidField."""
        if self._fixed is not None:
            raise InvalidField("password", "comes from AURICLE_ADMIN_PASSWORD: change it there")
        check_password(new)
        self._count_try(address)
        stored = self._stored()
        if stored is None or not is_password(current, stored):
            raise Unauthorized("the password is wrong")
        self.put_password(new)
        return self._begin()

    def put_password(self, password: str) -> None:
        """Set the password, whatever it was; for whoever has the database anyway. Raises InvalidField."""
        hashed = hash_password(check_password(password))
        with self._database.writing() as connection:
            connection.execute(tables.administrators.delete())
            connection.execute(tables.administrators.insert().values(name=ADMINISTRATOR, password=hashed))
            connection.execute(tables.sessions.delete())

    def session(self, token: str) -> Session | None:
        """The session of a cookie, while it lasts."""
        with self._database.reading() as connection:
            column = tables.sessions.c
            expires = connection.scalar(sa.select(column.expires_us).where(column.sha256 == sha256(token)))
        return Session(token, expires) if expires is not None and expires > now_us() else None

    def sign_out(self, token: str) -> None:
        with self._database.writing() as connection:
            connection.execute(tables.sessions.delete().where(tables.sessions.c.sha256 == sha256(token)))

    def _begin(self) -> Session:
        now = now_us()
        session = Session(secrets.token_urlsafe(32), now + SESSION_SECONDS * 1_000_000)
        with self._database.writing() as connection:
            connection.execute(tables.sessions.delete().where(tables.sessions.c.expires_us <= now))
            connection.execute(
                tables.sessions.insert().values(
                    sha256=sha256(session.token), created_us=now, expires_us=session.expires_us
                )
            )
        return session

    def _stored(self) -> str | None:
        """The password's hash."""
        if self._fixed is not None:
            return self._fixed
        with self._database.reading() as connection:
            return connection.scalar(sa.select(tables.administrators.c.password))

    def _count_try(self, address: str) -> None:
        """Raises RateLimited. Counted before the password is looked at, which costs as much as a guess is worth."""
        tries: list[tuple[RateLimitItem, str]] = [
            (RateLimitItemPerMinute(TRIES_A_MINUTE), address),
            (RateLimitItemPerHour(TRIES_AN_HOUR), "all"),
        ]
        for item, who in tries:
            if not self._tries.hit(item, "address", who):
                seconds = item.get_expiry()
                raise RateLimited("too many sign-ins were tried", retry_after_seconds=seconds)


def check_password(password: str) -> str:
    """`password`, if it will do. Raises InvalidField."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidField("password", f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return password


def hash_password(password: str) -> str:
    """`scrypt$N$r$p$salt$hash`, the last two in base64."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(("scrypt", str(SCRYPT_N), str(SCRYPT_R), str(SCRYPT_P), *encoded))


def is_password(password: str, stored: str) -> bool:
    _, n, r, p, salt, digest = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    encoded = password.encode(errors="surrogatepass")
    return hashlib.scrypt(encoded, salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_BYTES, dklen=32)
