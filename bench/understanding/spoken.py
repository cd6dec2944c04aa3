"""What is heard of the readings of a file, such as answerable/*.toml, when voices say them.

A reading with a `voice` (of those in bench/speak.py) is spoken by it, half a second between its utterances, spoilt by
its `condition`, if it has one, and listened to with everything that listens behind the server. Clips and what was heard
in them are kept beside those of `bench.sets`.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from auricle.config import load_settings
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.recognizer import Recognizer
from auricle.engines.embedded.rescoring import Rescoring
from auricle.engines.embedded.shelf import FolderShelf, name_of
from auricle.engines.embedded.sounds import Sounds
from auricle.types import RecognitionOptions
from auricle.waveform import Samples, Waveform
from auricle.weights.pull import resolve
from bench.samples import CONDITIONS, RATE, read_audio
from bench.sets import Builder, cache_dir
from bench.sounds.evaluate import waveform

GAP_SECONDS = 0.5  # behind each utterance
LEAD_SECONDS = 0.3
SHELF_BYTES = 1 << 30
SHELF_SECONDS = 1e9
OPTIONS = RecognitionOptions(word_timestamps=True, readings=True)  # as questions are answered


@dataclass(frozen=True, slots=True)
class Saying:
    """A reading and who says it."""

    said: tuple[str, ...]
    language: str
    voice: str
    condition: str

    @property
    def name(self) -> str:
        """Of its clips."""
        return "said-" + hashlib.sha256(repr((self.said, self.voice)).encode()).hexdigest()[:16]

    @property
    def parts(self) -> list[tuple[str, str, str, str]]:
        """What `Builder.say` is to say."""
        return [(f"{self.name}-{at:02}", self.voice, self.language, text) for at, text in enumerate(self.said)]

    def samples(self) -> Samples:
        """What a microphone would hear."""
        pieces = [np.zeros(int(RATE * LEAD_SECONDS), dtype=np.float32)]
        for name, _, _, _ in self.parts:
            gap = np.zeros(int(RATE * GAP_SECONDS), dtype=np.float32)
            pieces += [read_audio(cache_dir() / "clips" / f"{name}.wav"), gap]
        whole = np.concatenate(pieces)
        spoil = CONDITIONS.get(self.condition)
        return spoil(whole, np.random.default_rng(int(self.name[-8:], 16))) if spoil else whole


def sayings(file: Path) -> Iterator[Saying]:
    """The readings of `file` that have a voice."""
    for reading in tomllib.loads(file.read_text("utf-8"))["reading"]:
        if "voice" in reading:
            condition = reading.get("condition", "clean")
            yield Saying(tuple(reading["said"]), reading["language"], reading["voice"], condition)


def listened(files: Iterable[Path]) -> Mapping[tuple[str, ...], Heard]:
    """What is heard of each reading of `files` that has a voice, by what is said in it."""
    spoken = [saying for file in files for saying in sayings(file)]
    Builder(cache_dir()).say(part for saying in spoken for part in saying.parts)
    return asyncio.run(_listen(spoken))


async def _listen(spoken: list[Saying]) -> dict[tuple[str, ...], Heard]:
    settings = load_settings()
    engine = settings.engine("embedded")
    recognizer = Recognizer(lambda: resolve(engine.recognizer, settings), engine)
    model = LanguageModel(lambda: resolve(engine.language_model, settings), engine)
    sounds = Sounds(lambda: resolve(engine.sounds, settings), settings.cache_dir / "converted")
    listener = Listener(
        Rescoring(recognizer, model),
        sounds=sounds,
        shelf=FolderShelf(cache_dir() / "heard", SHELF_BYTES, SHELF_SECONDS),
        name_of=lambda digest, options: name_of(digest, options, engine),
    )
    found = {}
    try:
        for part in (recognizer, model, sounds):
            await part.start()
        for part in (recognizer, model, sounds):
            await part.wait_ready()
        for number, saying in enumerate(spoken, 1):
            hearing = listener.hear(_told(saying.samples()), OPTIONS, sounds=True)
            found[saying.said] = (await hearing.result()).credible()
            hearing.close()
            sys.stdout.write(f"\r{number}/{len(spoken)} heard")
            sys.stdout.flush()
    finally:
        await listener.close()
        for part in (recognizer, model, sounds):
            await part.close()
    sys.stdout.write("\n")
    return found


def _told(samples: Samples) -> Waveform:
    """Told from others by its samples."""
    found = waveform(samples)
    return replace(found, digest=hashlib.sha256(bytes(found.pcm)).hexdigest())
