"""The audios that are asked about, put together from labelled recordings, and what is truly in them.

Speech comes from bench.sets (the split `choose` for the development part, `report` for the seen part, `test` for the
test part), from Debian's Asterisk prompts, spoken by people, and from examples/; sounds and music from bench.sounds
(the parts `development` and `threshold`, or `report`), the test part's music from Debian's Asterisk too. A mixture is
made here, from parts that are labelled each, so that all of it is known.

parts/*.toml say what each audio is made of. A list is played one after the other: the name of a clip or of one of the
file's own recordings, `{ sound = "dog", number = 1 }` for the second recording of a concept, `{ music = 0 }` for a
piece of music, from second `at` on, `{ silence = 6 }` and `{ hiss = 5 }` in seconds. With `{ said = [...], over =
{...}, softer = 8.0 }` music lies beneath the whole, so many decibels softer.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, Loudness, loudness_of
from auricle.engines.embedded.sound_classes import by_label
from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Samples
from bench.sets import Clip, load
from bench.sounds import sources
from bench.sounds.evaluate import HERE as SOUND_TABLES
from bench.sounds.evaluate import concepts, decode, waveform

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEECH_LEVEL = -23.0  # dBFS, root mean square
SOUND_LEVEL = -25.0
PEOPLE = ("allison-", "people-")  # names of clips that are spoken by people begin so
GAP_SECONDS = 0.6  # between the parts of an audio
SHORTEST_SECONDS = 0.5  # of a sound's recording
PARTS = {
    "development": ("choose", ("development", "threshold")),
    "seen": ("report", ("report",)),
    "test": ("test", ("report",)),
}
HOLD_MUSIC = "asterisk-moh-opsound-wav"  # the test part's music, of which no other part has any


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an audio: speech, a sound, music or silence."""

    samples: Samples = field(repr=False)
    text: str = ""
    language: str = ""
    label: str = ""  # AudioSet's, of a sound or music
    people: bool = False  # spoken by somebody, and not by a machine


@dataclass(frozen=True, slots=True)
class Scene:
    """An audio and the truth about it."""

    name: str
    samples: Samples = field(repr=False)
    segments: tuple[Segment, ...]
    events: tuple[SoundEvent, ...]
    people: bool = False  # whether what is said is said by people

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def loudness(self) -> Loudness:
        return loudness_of(waveform(self.samples))

    @property
    def wav(self) -> bytes:
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(SAMPLE_RATE)
            out.writeframes((np.clip(self.samples, -1, 1) * 32767).astype("<i2").tobytes())
        return file.getvalue()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.wav).hexdigest()

    def heard(self, *, sounds: bool) -> Heard:
        """What perfect ears would have heard; without `sounds`, words only."""
        return Heard(self.seconds, self.segments, self.loudness, self.events if sounds else None)


def scene(name: str, *pieces: Piece, under: Piece | None = None, decibels: float = 0.0) -> Scene:
    """The pieces one after the other; `under` lies beneath all of them, `decibels` softer than they are."""
    gap = np.zeros(int(GAP_SECONDS * SAMPLE_RATE), np.float32)
    parts: list[Samples] = []
    segments: list[Segment] = []
    events: list[SoundEvent] = []
    at = 0.0
    for number, piece in enumerate(pieces):
        if number:
            parts.append(gap)
            at += GAP_SECONDS
        parts.append(piece.samples)
        end = at + len(piece.samples) / SAMPLE_RATE
        if piece.text:
            segments.append(Segment(piece.text, round(at, 2), round(end, 2), piece.language))
        if piece.label:
            events.append(event(piece.label, at, end))
        at = end
    samples = np.concatenate(parts)
    if under is not None:
        samples = samples + np.resize(under.samples, len(samples)) * 10 ** (-decibels / 20)
        events.append(event(under.label, 0.0, at))
    spans = [event("Speech", segment.start, segment.end) for segment in segments]
    ordered = sorted([*events, *spans], key=lambda each: each.start)
    return Scene(name, samples.astype(np.float32), tuple(segments), tuple(ordered), any(p.people for p in pieces))


def event(label: str, start: float, end: float) -> SoundEvent:
    return SoundEvent(label, by_label()[label].role, round(start, 2), round(end, 2), 0.95)


def levelled(samples: Samples, decibels: float) -> Samples:
    """At `decibels` below full scale, but never overdriven."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) or 1e-12
    gain = 10 ** (decibels / 20) / power**0.5
    peak = float(np.abs(samples).max()) * gain
    return np.asarray(samples * (gain / max(1.0, peak / 0.9)), np.float32)


@cache
def _speech(part: str) -> dict[str, Clip]:
    return {clip.name: clip for clip in load(PARTS[part][0])}


def say(part: str, *names: str) -> tuple[Piece, ...]:
    """Clips of bench.sets by their names."""
    clips = [_speech(part)[name] for name in names]
    return tuple(
        Piece(levelled(decode(Path(c.file)), SPEECH_LEVEL), c.text, c.language, people=c.name.startswith(PEOPLE))
        for c in clips
    )


@cache
def recordings(part: str) -> dict[str, tuple[Path, ...]]:
    """The files of each concept that has a class of its own, of half a second and more, in the order of the table."""
    found: dict[str, list[Path]] = {}
    with (SOUND_TABLES / "clips.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["part"] in PARTS[part][1] and concepts()[row["concept"]].right:
                sources.fetch(row["source"])
                path = sources.file_of(row["source"], row["file"])
                if len(decode(path)) >= SHORTEST_SECONDS * SAMPLE_RATE:
                    found.setdefault(row["concept"], []).append(path)
    return {concept: tuple(files) for concept, files in found.items()}


def sound(part: str, concept: str, number: int = 0) -> Piece:
    """A recording of `concept`; its label is the first class that is right for it."""
    samples = levelled(decode(recordings(part)[concept][number]), SOUND_LEVEL)
    return Piece(samples, label=first_class(concept))


def tune(part: str, number: int, at: float = 1.0, seconds: float = 10.0) -> Piece:
    """A stretch of a piece of music of the part, from second `at` on."""
    test = part == "test"
    files = sorted(sources.fetch(HOLD_MUSIC).rglob("*.wav")) if test else recordings(part)["music"]
    samples = decode(files[number])[int(at * SAMPLE_RATE) : int((at + seconds) * SAMPLE_RATE)]
    return Piece(levelled(samples, SPEECH_LEVEL), label="Music")


def silence(seconds: float) -> Piece:
    return Piece(np.zeros(int(seconds * SAMPLE_RATE), np.float32))


def hiss(seconds: float) -> Piece:
    """White noise."""
    noise = np.random.default_rng(5).normal(0, 0.05, int(seconds * SAMPLE_RATE)).astype(np.float32)
    return Piece(noise, label="White noise")


def first_class(concept: str) -> str:
    """The class that the tables name first for `concept`."""
    table = tomllib.loads((SOUND_TABLES / "concepts.toml").read_text("utf-8"))
    return str(table[concept]["right"][0])


class Studio:
    """Makes the audios of a part from what its file says."""

    def __init__(self, part: str, own: Mapping[str, Mapping[str, str]]) -> None:
        self._part = part
        self._own = own

    def scene(self, name: str, made_of: Any) -> Scene:
        if isinstance(made_of, list):
            return scene(name, *map(self._piece, made_of))
        pieces = map(self._piece, made_of["said"])
        return scene(name, *pieces, under=self._piece(made_of["over"]), decibels=made_of["softer"])

    def _piece(self, made_of: Any) -> Piece:
        match made_of:
            case str(name) if name in self._own:
                return self._recording(**self._own[name])
            case str(name):
                return say(self._part, name)[0]
            case {"sound": str(concept)}:
                return sound(self._part, concept, made_of.get("number", 0))
            case {"music": int(number)}:
                return tune(self._part, number, made_of.get("at", 1.0))
            case {"silence": int(seconds)}:
                return silence(seconds)
            case {"hiss": int(seconds)}:
                return hiss(seconds)
        raise ValueError(f"no audio is made of {made_of}")

    def _recording(self, *, text: str, language: str, example: str = "", prompt: str = "") -> Piece:
        """A recording of a person that comes with Auricle, or a prompt of Debian's asterisk-core-sounds."""
        folder = sources.fetch(f"asterisk-core-sounds-{language}-wav") if prompt else EXAMPLES
        file = next(folder.rglob(f"{prompt}.wav")) if prompt else folder / example
        return Piece(levelled(decode(file), SPEECH_LEVEL), text, language, people=True)
