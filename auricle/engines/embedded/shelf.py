"""What was heard, kept beyond this process where the operator asks for it: in a folder, or in Redis or Valkey.

An entry is called by the SHA-256 of the samples, of how they were to be heard and of what heard them, so that another
recogniser, or other settings of it, never find it. A shelf that fails costs time, never an answer: everything is heard
anew. What is read back is checked like a stranger's: a broken entry is none.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog

from auricle.config import EngineSettings
from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.engines.embedded.sound_classes import by_label
from auricle.errors import EngineFailed
from auricle.types import Reading, RecognitionOptions, Segment, Word

FORMAT = 11  # of an entry; raised whenever what is heard in the same samples may have changed
MAX_ENTRY_BYTES = 16 * 1024 * 1024  # ten hours of speech take about 5 MB
FOLDER_MODE = 0o700
SWEEP_SHARE = 0.9  # of its bytes that a folder is brought down to when it holds too many
STALE_SECONDS = 3600.0  # after which a half-written file is nobody's

# Settings of an engine that change nothing about what is heard.
_DEAF = frozenset(
    {"kind", "language_model", "threads", "decode_batch", "threads_per_window", "context_length", "parallel"}
)

log = structlog.get_logger(__name__)


class Shelf(Protocol):
    """Where what was heard is kept."""

    async def get(self, name: str) -> Heard | None: ...

    async def put(self, name: str, heard: Heard) -> None: ...

    async def close(self) -> None: ...


def name_of(digest: str, options: RecognitionOptions, engine: EngineSettings) -> str:
    """What the entry of samples with this SHA-256 is called."""
    how: dict[str, Any] = {"format": FORMAT, "samples": digest, "options": asdict(options)}
    deaf = _DEAF - {"language_model"} if options.readings else _DEAF
    how["engine"] = engine.model_dump(mode="json", exclude=set(deaf))
    return hashlib.sha256(orjson.dumps(how, option=orjson.OPT_SORT_KEYS)).hexdigest()


def shelf_of(place: str | None, size_bytes: int, seconds: float) -> Shelf | None:
    """The shelf at `place`, the URL of a Redis or a folder; None where nothing is to be kept."""
    if not place:
        return None
    if place.startswith(("redis://", "rediss://", "unix://")):
        from auricle.engines.embedded.redis_shelf import RedisShelf  # redis takes 0.16 s to import

        return RedisShelf(place, seconds)
    return FolderShelf(Path(place).expanduser(), size_bytes, seconds)


class FolderShelf:
    """A file for each audio in a folder that only its owner can read; the longest unused go first."""

    def __init__(self, folder: Path, size_bytes: int, seconds: float) -> None:
        self._folder = folder
        self._size_bytes = size_bytes
        self._seconds = seconds
        self._used_bytes: int | None = None  # unknown until the folder was looked at; others may write to it, too

    async def get(self, name: str) -> Heard | None:
        return await asyncio.to_thread(self._read, name)

    async def put(self, name: str, heard: Heard) -> None:
        await asyncio.to_thread(self._write, name, written(heard))

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self, name: str) -> Heard | None:
        file = self._folder / f"{name}.json"
        try:
            state = file.stat()
            if time.time() - state.st_mtime > self._seconds or state.st_size > MAX_ENTRY_BYTES:
                file.unlink(missing_ok=True)
                return None
            heard = read(file.read_bytes())
            os.utime(file)  # used just now
        except FileNotFoundError:
            return None
        except (OSError, EngineFailed) as error:
            log.warning("heard_not_read", error=type(error).__name__)
            return None
        return heard

    def _write(self, name: str, content: bytes) -> None:
        if len(content) > min(MAX_ENTRY_BYTES, self._size_bytes):
            return
        try:
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".half", delete=False) as half:
                try:
                    half.write(content)
                    half.close()
                    os.replace(half.name, self._folder / f"{name}.json")  # noqa: PTH105 (the name is a string)
                except OSError:
                    Path(half.name).unlink(missing_ok=True)
                    raise
            self._used_bytes = None if self._used_bytes is None else self._used_bytes + len(content)
            if self._used_bytes is None or self._used_bytes > self._size_bytes:
                self._used_bytes = self._sweep()
        except OSError as error:
            log.warning("heard_not_kept", error=type(error).__name__)

    def _sweep(self) -> int:
        """Remove what is old, and of the rest what was not used for longest until it fits. Returns the bytes left."""
        entries = []
        for file in self._folder.iterdir():
            try:
                state = file.stat()
            except FileNotFoundError:  # another server sweeps, too
                continue
            age = time.time() - state.st_mtime
            if file.suffix == ".json" and age <= self._seconds:
                entries.append((state.st_mtime, state.st_size, file))
            elif file.suffix == ".json" or (file.suffix == ".half" and age > STALE_SECONDS):
                file.unlink(missing_ok=True)
        used = sum(size for _, size, _ in entries)
        goal = self._size_bytes if used <= self._size_bytes else self._size_bytes * SWEEP_SHARE
        for _, size, file in sorted(entries, key=lambda entry: entry[0]):
            if used <= goal:
                break
            file.unlink(missing_ok=True)
            used -= size
        return used


def written(heard: Heard) -> bytes:
    """JSON; short for what it is: fields by their order."""
    return orjson.dumps(
        [
            heard.seconds,
            _values(heard.loudness),
            [_written(segment) for segment in heard.segments],
            None if heard.events is None else list(map(_values, heard.events)),
        ]
    )


def read(content: bytes) -> Heard:
    """What `written` wrote. Raises EngineFailed for anything else."""
    try:
        seconds, loudness, segments, events = orjson.loads(content)
        return Heard(
            float(seconds),
            tuple(map(_segment, segments)),
            Loudness(*map(float, loudness)),
            None if events is None else tuple(map(_event, events)),
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise EngineFailed("what was heard before cannot be read back") from error


def _values(value: Any) -> list[Any]:
    return [getattr(value, field.name) for field in fields(value)]


def _written(segment: Segment) -> list[Any]:
    words, readings = (list(map(_values, each)) for each in (segment.words, segment.readings))
    return [*_values(segment)[:-5], words, segment.voice, readings]  # alternatives were chosen from already


def _segment(values: list[Any]) -> Segment:
    text, start, end, language, logprob, no_speech, compression, temperature, tokens, words, voice, readings = values
    if not isinstance(text, str) or not isinstance(language, str) or voice not in ("lower", "higher", None):
        raise TypeError("not a segment")
    said = tuple(Word(str(word), float(a), float(b), float(chance)) for word, a, b, chance in words)
    return Segment(
        text,
        float(start),
        float(end),
        language,
        float(logprob),
        float(no_speech),
        float(compression),
        float(temperature),
        tuple(map(int, tokens)),
        said,
        voice=voice,
        readings=tuple(Reading(str(reading), float(chance)) for reading, chance in readings),
    )


def _event(values: list[Any]) -> SoundEvent:
    label, role, start, end, confidence, background, details, beats = values
    item = by_label()[label]
    if role != item.role:
        raise ValueError("not an event")
    return SoundEvent(
        item.label,
        item.role,
        float(start),
        float(end),
        float(confidence),
        bool(background),
        tuple(by_label()[detail].label for detail in details),
        None if beats is None else float(beats),
    )
