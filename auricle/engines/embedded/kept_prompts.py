"""Files with the keys and values of a prompt that the language model has read: each is called by what is in it."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import structlog

KEPT_SUFFIX = ".prompt"  # of files with a prompt's keys and values, about 28 KB for each token of the default model
PART_SUFFIX = ".part"  # of one that is being written
STALE_SECONDS = 3600.0  # after which it is nobody's: a process was killed meanwhile
MOST_KEPT = 4

log = structlog.get_logger(__name__)


def put(part: Path, file: Path) -> None:
    """Name `part` after `file` and what is in it, in place of what had that name, and of the oldest of many."""
    new = part.replace(file.with_suffix(f".{_hash(part)}{KEPT_SUFFIX}"))
    kept = sorted(file.parent.glob(f"*{KEPT_SUFFIX}"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in {*kept[MOST_KEPT:], *file.parent.glob(f"{file.name}.*{KEPT_SUFFIX}")} - {new}:
        old.unlink(missing_ok=True)
    for half in file.parent.glob(f"*{PART_SUFFIX}"):
        if time.time() - half.stat().st_mtime > STALE_SECONDS:
            half.unlink(missing_ok=True)


def find(file: Path) -> Path | None:
    """What `put` has made of `file`, if it is as it was: llama.cpp does not look what it is given."""
    for found in file.parent.glob(f"{file.name}.*{KEPT_SUFFIX}"):
        try:
            if found.suffixes[0] == f".{_hash(found)}":
                return found
            found.unlink(missing_ok=True)
        except OSError as error:
            log.info("prompt_not_recalled", error=type(error).__name__)
    return None


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:32]
