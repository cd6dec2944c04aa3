"""Bytes on the disk: room for them, durable writes, hashes, and what has been verified before."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from auricle.errors import WeightsError
from auricle.weights.catalogue import File
from auricle.weights.progress import size_text

CHUNK_BYTES = 4 * 1024 * 1024
SPARE_BYTES = 64 * 1024 * 1024  # left free on the disk beyond what the weights need
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})

OnBytes = Callable[[int], None]
"""Called with the number of bytes since the last call; may raise to stop."""


class DiskFull(WeightsError):
    """There is not enough room; no other source can help."""


def require_room(folder: Path, needed_bytes: int) -> None:
    """Raise DiskFull unless `folder`'s disk has room for `needed_bytes`."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed_bytes + SPARE_BYTES:
        raise disk_full(folder, needed_bytes, free)


def disk_full(folder: Path, needed_bytes: int | None = None, free_bytes: int | None = None) -> DiskFull:
    """The error that names the folder, what is needed and what is free, and the way out."""
    facts = ""
    if needed_bytes is not None and free_bytes is not None:
        needed = needed_bytes + SPARE_BYTES
        facts = (
            f": {needed:,} bytes ({size_text(needed)}) are needed while downloading, "
            f"{free_bytes:,} ({size_text(free_bytes)}) are free"
        )
    return DiskFull(
        f"not enough room on the disk of {folder}{facts}. "
        "Free some, or set AURICLE_CACHE_DIR to a folder on a larger disk"
    )


@contextlib.contextmanager
def disk_failures(folder: Path) -> Iterator[None]:
    """Turn OSErrors of reading and writing under `folder` into WeightsErrors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(folder) from error
        raise WeightsError(
            f"cannot write weights to {folder}: {error.strerror or error}. "
            "Make the folder writable, or set AURICLE_CACHE_DIR to one that is"
        ) from error


def put(part: Path, final: Path) -> None:
    """Give the complete file `part` its final name, so that a power cut leaves all of it or nothing."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(final)
    if os.name == "posix":
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def digest_matches(path: Path, file: File, on_bytes: OnBytes | None = None) -> bool:
    """Whether `path` has the pinned size and hash of `file`; reads all of it. False if it is not there."""
    try:
        if path.stat().st_size != file.size_bytes:
            return False
        hasher = new_hash(file)
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                hasher.update(chunk)
                if on_bytes is not None:
                    on_bytes(len(chunk))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return hash_agrees(hasher, file)


def new_hash(file: File) -> hashlib._Hash:
    """The hash that `file` is pinned by, fed with what git puts before a blob where it is a git id."""
    if file.sha256:
        return hashlib.sha256()
    # Git's own object id (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects): all a hub knows of small files.
    return hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)


def hash_agrees(hasher: hashlib._Hash, file: File) -> bool:
    return hasher.hexdigest() == (file.sha256 or file.git_sha1)


class Verified:
    """Remembers which files had the right hash, so that the next start need not read a gigabyte again.

    A file counts as the same while its path, size and modification time are. `models verify` does not ask here.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, item: tuple[Path, File]) -> bool:
        path, file = item
        try:
            known = json.loads(self._marker(path).read_bytes())
            return bool(known == self._facts(path, file)) and path.stat().st_size == file.size_bytes
        except (OSError, ValueError):
            return False

    def add(self, path: Path, file: File) -> None:
        """Remember; a folder that cannot be written only makes later starts slower."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            marker = self._marker(path)
            part = marker.with_suffix(f".{os.getpid()}.partial")
            part.write_text(json.dumps(self._facts(path, file)))
            part.replace(marker)

    def discard(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            self._marker(path).unlink()

    def _marker(self, path: Path) -> Path:
        return self._folder / (hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32] + ".json")

    @staticmethod
    def _facts(path: Path, file: File) -> dict[str, str | int]:
        status = path.stat()
        return {
            "path": str(path.absolute()),
            "size_bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "hash": file.sha256 or file.git_sha1,
        }
