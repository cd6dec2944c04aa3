"""What was heard, kept in a folder and in a real Redis, and found by the next process."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.config import EngineSettings
from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.redis_shelf import RedisShelf
from auricle.engines.embedded.shelf import FolderShelf, Shelf, name_of, read, shelf_of, written
from auricle.errors import EngineFailed
from auricle.types import Reading, RecognitionOptions, Segment, Word
from auricle.waveform import Waveform
from tests.engines.waveforms import noise

MIB = 1024 * 1024
DAY = 24 * 3600.0
OPTIONS = RecognitionOptions()
ENGINE = EngineSettings()
SAID = Segment(
    "Grüße 你好",
    0.5,
    1.5,
    "de",
    -0.2,
    0.1,
    1.2,
    0.0,
    (1, 2),
    (Word("Grüße", 0.5, 0.9, 0.8),),
    voice="lower",
    readings=(Reading("Grüße 你好", -1.5), Reading("Füße 你好", -2.0)),
)
SOUND = SoundEvent("Dog", "sound", 0.0, 2.0, 0.9, background=True, details=("Rock music",), beats_per_minute=97.5)
HEARD = Heard(2.0, (SAID,), Loudness(-20.0, -1.0, 0.01), (SOUND,))


@pytest.fixture(params=["folder", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "heard") if request.param == "folder" else str(request.getfixturevalue("redis"))


def shelf_at(place: str, size_bytes: int = MIB, seconds: float = DAY) -> Shelf:
    shelf = shelf_of(place, size_bytes, seconds)
    assert shelf is not None
    return shelf


async def test_what_is_kept_is_found_by_another_server(place: str) -> None:
    one, other = shelf_at(place), shelf_at(place)
    assert await other.get("a-name") is None
    for heard in (HEARD, replace(HEARD, events=None), Heard(1.0, (), HEARD.loudness, ())):
        await one.put("a-name", heard)
        assert await other.get("a-name") == heard
    await one.close()
    await other.close()


async def test_what_is_old_is_gone(place: str) -> None:
    shelf = shelf_at(place, seconds=1)
    await shelf.put("old", HEARD)
    assert await shelf.get("old") == HEARD
    await asyncio.sleep(1.2)
    assert await shelf.get("old") is None
    await shelf.close()


async def test_a_folder_stays_within_its_bytes_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    size = len(written(HEARD))
    shelf = FolderShelf(tmp_path / "heard", 10 * size, DAY)
    for number in range(10):
        await shelf.put(f"n{number}", HEARD)
        long_ago = time.time() - 1000 + number
        os.utime(tmp_path / "heard" / f"n{number}.json", (long_ago, long_ago))
    assert await shelf.get("n0") == HEARD
    await shelf.put("n10", HEARD)
    assert sum(file.stat().st_size for file in (tmp_path / "heard").iterdir()) <= 10 * size
    assert await shelf.get("n0") == HEARD, "used just now"
    assert await shelf.get("n1") is None
    assert await shelf.get("n10") == HEARD


async def test_only_the_owner_can_read_the_folder(tmp_path: Path) -> None:
    await FolderShelf(tmp_path / "heard", MIB, DAY).put("x", HEARD)
    assert stat.S_IMODE((tmp_path / "heard").stat().st_mode) == 0o700
    (file,) = (tmp_path / "heard").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


BROKEN = [
    b"",
    b"{}",
    b"[1]",
    b"null",
    written(HEARD)[:-9],
    written(HEARD).replace(b"Dog", b"Dgo"),
    written(HEARD).replace(b"lower", b"lewor"),
    written(HEARD).replace(b"97.5", b'"x"'),
    b"[1,[0,0,0],[[1]],[]]",
]


@pytest.mark.parametrize("content", BROKEN)
async def test_what_is_broken_is_nothing(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed):
        read(content)
    (tmp_path / "x.json").write_bytes(content)
    assert await FolderShelf(tmp_path, MIB, DAY).get("x") is None


async def test_a_place_that_fails_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for shelf in (FolderShelf(tmp_path / "file", MIB, DAY), RedisShelf("redis://127.0.0.1:1/0", DAY)):
        await shelf.put("x", HEARD)
        assert await shelf.get("x") is None
        await shelf.close()


def test_names_tell_apart_what_would_be_heard_otherwise() -> None:
    names = {
        name_of(digest, options, engine)
        for digest in ("a", "b")
        for options in (OPTIONS, RecognitionOptions(language="de"))
        for engine in (ENGINE, EngineSettings(recognizer="whisper-tiny"), EngineSettings(sounds=""))
    }
    assert len(names) == 12
    assert name_of("a", OPTIONS, ENGINE) == name_of("a", OPTIONS, EngineSettings(parallel=4, threads=1))
    other = EngineSettings(language_model="another")
    assert name_of("a", OPTIONS, ENGINE) == name_of("a", OPTIONS, other)
    chosen = RecognitionOptions(readings=True)  # by the language model
    assert name_of("a", chosen, ENGINE) != name_of("a", chosen, other)


class Counting:
    """Hears `SAID` and `SOUND`, and counts how often it had to."""

    def __init__(self) -> None:
        self.words = self.sounds = 0

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        self.words += 1
        yield SAID

    async def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]:
        self.sounds += 1
        return (SOUND,)


async def heard_by(place: str, *, sounds: bool) -> tuple[Heard, bool, Counting]:
    """What a server that has just been started hears, whether it counts as cached, and its work."""
    ears = Counting()
    listener = Listener(ears, sounds=ears, shelf=shelf_at(place), name_of=lambda digest, options: digest + str(options))
    hearing = listener.hear(noise(1), OPTIONS, sounds=sounds)
    texts = [segment.text async for segment in hearing.segments()]
    assert texts == [SAID.text]
    heard = await hearing.result()
    hearing.close()
    await listener.close()
    return heard, hearing.cached, ears


async def test_the_next_server_does_not_listen_again(tmp_path: Path) -> None:
    place = str(tmp_path / "heard")
    words_only, cached, ears = await heard_by(place, sounds=False)
    assert (words_only.events, cached, ears.words, ears.sounds) == (None, False, 1, 0)
    whole, cached, ears = await heard_by(place, sounds=True)
    assert (whole.events, cached, ears.words, ears.sounds) == ((SOUND,), True, 0, 1), "only sounds were still unknown"
    for sounds in (True, False):
        again, cached, ears = await heard_by(place, sounds=sounds)
        assert (again, cached, ears.words, ears.sounds) == (whole, True, 0, 0)


async def test_by_default_nothing_is_kept() -> None:
    assert shelf_of(None, MIB, DAY) is None
