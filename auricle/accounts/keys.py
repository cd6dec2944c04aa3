"""API keys: kept as hashes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def fingerprint(key: str) -> str:
    """What stands for a key in memory, limits and logs: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


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
