"""API keys: kept as hashes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from auricle.errors import Unauthorized

KEY_CHARACTERS = 40  # of 62 kinds: 238 bits
PREFIX_CHARACTERS = 7  # of a key, shown to tell keys apart: "sk-" and four more
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as limits and accounts care. Never holds the key itself."""

    id: str  # of the key: its name in the accounts' database, or its fingerprint
    account: str = ""
    project: str = ""


class KeyRing(Protocol):
    """Tells keys apart. False where no key is needed."""

    def __bool__(self) -> bool: ...

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; None if it is nobody's. Raises Unauthorized and Forbidden for one that may not be used."""


def fingerprint(key: str) -> str:
    """What stands for a key in memory, limits and logs: the first 16 hex digits of its SHA-256."""
    return sha256(key)[:16]


def sha256(key: str) -> str:
    """What the database keeps of a key, hex. A key is random enough that nothing slower is needed."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def new_key() -> str:
    """A key that nobody can guess."""
    return "sk-" + "".join(secrets.choice(ALPHABET) for _ in range(KEY_CHARACTERS))


class Keys:
    """The keys of the settings. Holds their hashes only."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = tuple(hashlib.sha256(key.encode()).digest() for key in keys)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def knows(self, key: str) -> bool:
        """Whether `key` is one of them; takes as long whichever it is, and if it is none."""
        digest = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        return sum(hmac.compare_digest(digest, known) for known in self._hashes) > 0

    def caller(self, key: str) -> Caller | None:
        if not self.knows(key):
            return None
        return Caller(fingerprint(key), account=fingerprint(key))


def find_caller(ring: KeyRing, presented: Iterable[str]) -> Caller:
    """Whose the first known key of `presented` is. Raises Unauthorized and Forbidden."""
    tried = False
    for key in presented:
        tried = True
        if caller := ring.caller(key):
            return caller
    if tried:
        raise Unauthorized("the key is not known here")
    raise Unauthorized("send your key as 'api-key: KEY' or 'Authorization: Bearer KEY'")
