"""How well the tempo of music is found: `python -m bench.sounds.tempo [--part report] [--verbose]`.

Tunes that were written down with their tempo and are played by recorded instruments (fluidsynth), and loops made of
recorded strokes; against them speech, and recordings of half a dozen seconds and more that are no rhythm. Numbers were
chosen on the development part: planetblupi's tunes and each second one of OpenMSX, strokes of the development and
threshold parts of clips.tsv.
Needs Debian or Ubuntu with apt-get, npm and fluidsynth.
"""

from __future__ import annotations

import argparse
import collections
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from auricle.engines.embedded.tagger import TARGET_LEVEL
from auricle.engines.embedded.tempo import LEAST_SECONDS, onset_strength, tempo
from auricle.engines.embedded.yamnet import log_mel
from auricle.waveform import SAMPLE_RATE, Samples
from bench.sounds import sources
from bench.sounds.evaluate import LANGUAGES, clips, concepts, decode, level, ratio, spoken

PARTS = {"development": ("development", "threshold"), "report": ("report",)}
# Packages of tunes, and which of each: the first of every two, the second, or all.
TUNES = {
    "development": (("planetblupi-music-midi", slice(None)), ("openttd-openmsx", slice(0, None, 2))),
    "report": (("openttd-openmsx", slice(1, None, 2)),),
}
FONTS = {"planetblupi-music-midi": "timgm6mb-soundfont", "openttd-openmsx": "fluid-soundfont-gm"}
STROKES = ("drumkit", "drum", "snare", "bassdrum", "cymbal", "tabla", "bongo", "cowbell", "guitar", "piano", "bell")
SPEEDS = (60, 72, 80, 90, 96, 100, 110, 120, 128, 140, 150, 160, 174, 185)  # beats a minute of loops
STARTS = (5, 25)  # seconds into a tune
STRETCH_SECONDS = 20
STEADY = 2.0  # beats a minute by which the tempo of a stretch may change
TOLERANCE = 0.04  # of the true tempo
RATIOS = {"right": 1.0, "double": 2.0, "half": 0.5, "triple": 3.0, "a third": 1 / 3}

Piece = tuple[str, float | None, Samples]  # name, beats a minute if it has any, samples


def found_in(samples: Samples) -> float | None:
    gain = 10 ** ((TARGET_LEVEL - level(samples)) / 20)
    return tempo(onset_strength(log_mel((samples * gain).astype(np.float32))))


def tunes(part: str) -> Iterator[Piece]:
    """Two stretches of each tune that keep their tempo."""
    files = [
        (midi, max(sources.fetch(FONTS[package]).rglob("*.sf2"), key=lambda path: path.stat().st_size))
        for package, which in TUNES[part]
        for midi in sorted(sources.fetch(package).rglob("*.mid"))[which]
    ]
    for midi, sf2 in files:
        changes = tempo_changes(midi.read_bytes())
        with tempfile.NamedTemporaryFile(suffix=".wav") as out:
            command = ["fluidsynth", "-niq", "-r", str(SAMPLE_RATE), "-F", out.name, str(sf2), str(midi)]
            subprocess.run(command, check=True, capture_output=True)
            played = decode(Path(out.name))
        for start in STARTS:
            samples = played[start * SAMPLE_RATE : (start + STRETCH_SECONDS) * SAMPLE_RATE]
            true = [speed for at, speed in changes if at <= start][-1]
            within = [speed for at, speed in changes if start < at < start + STRETCH_SECONDS]
            if len(samples) >= 8 * SAMPLE_RATE and all(abs(speed - true) < STEADY for speed in within):
                yield f"{midi.stem} {start}", true, samples


def tempo_changes(midi: bytes) -> list[tuple[float, float]]:
    """Seconds and beats a minute from there on, of a standard MIDI file."""
    _, tracks, division = struct.unpack_from(">HHH", midi, 8)
    at, events = 14, [(0, 500_000)]
    for _ in range(tracks):
        (size,) = struct.unpack_from(">I", midi, at + 4)
        events += _tempo_events(midi[at + 8 : at + 8 + size])
        at += 8 + size
    changes, seconds, last, beat = [], 0.0, 0, 500_000
    for tick, following in sorted(events, key=lambda event: event[0]):
        seconds += (tick - last) / division * beat / 1e6
        last, beat = tick, following
        changes.append((seconds, 6e7 / beat))
    return changes


def _tempo_events(track: bytes) -> Iterator[tuple[int, int]]:
    """Ticks, and microseconds a beat."""
    at = tick = status = 0

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            byte = track[at]
            at += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    while at < len(track):
        tick += number()
        if track[at] >= 0x80:
            status = track[at]
            at += 1
        if status in (0xFF, 0xF0, 0xF7):
            kind = track[at] if status == 0xFF else 0
            at += status == 0xFF
            size = number()
            if kind == 0x51:
                yield tick, int.from_bytes(track[at : at + 3], "big")
            at += size
        else:
            at += 1 if status & 0xF0 in (0xC0, 0xD0) else 2


def loops(part: str) -> Iterator[Piece]:
    """Two drums in turn, something softer at each half beat, a quiet room."""
    rng = np.random.default_rng(0)
    strokes = [
        clip.samples / np.abs(clip.samples).max()
        for each in PARTS[part]
        for clip in clips(each)
        if clip.concept in STROKES and len(clip.samples) < 2.5 * SAMPLE_RATE
    ]
    for speed in SPEEDS:
        samples = rng.normal(0, 0.001, 14 * SAMPLE_RATE)
        first, second, soft = (strokes[pick] for pick in rng.integers(len(strokes), size=3))
        start = rng.random() * 0.3
        for half_beat in range(int((12 - start) * speed / 30)):
            stroke = 0.4 * soft[: int(0.3 * SAMPLE_RATE)]
            for sound in (stroke, *([(first, second)[half_beat // 2 % 2]] if half_beat % 2 == 0 else [])):
                at = int((start + half_beat * 30 / speed) * SAMPLE_RATE)
                piece = sound[: min(int(1.5 * SAMPLE_RATE), len(samples) - at)]
                samples[at : at + len(piece)] += piece
        yield str(speed), float(speed), samples[: 12 * SAMPLE_RATE].astype(np.float32)


def speech(part: str) -> Iterator[Piece]:
    """Twelve seconds each of prompts that follow each other."""
    for language in {language for each in PARTS[part] for language in LANGUAGES[each]}:
        talk = np.concatenate([decode(path) for path in spoken(language)[:40]])
        for start in range(0, 8 * 12 * SAMPLE_RATE, 12 * SAMPLE_RATE):
            yield f"{language} {start // SAMPLE_RATE}", None, talk[start : start + 12 * SAMPLE_RATE]


def sounds(part: str) -> Iterator[Piece]:
    """Recordings that are long enough, of anything but instruments, which may be played in time."""
    for each in PARTS[part]:
        for clip in clips(each):
            if len(clip.samples) >= LEAST_SECONDS * SAMPLE_RATE and concepts()[clip.concept].kind != "music":
                yield clip.name, None, clip.samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=tuple(PARTS), default="report")
    parser.add_argument("--verbose", action="store_true", help="whatever is not right")
    arguments = parser.parse_args()
    for make in (tunes, loops, speech, sounds):
        counts: collections.Counter[str] = collections.Counter()
        for name, true, samples in make(arguments.part):
            found = found_in(samples)
            ratios = {} if true is None or found is None else {k: found / true / v for k, v in RATIOS.items()}
            close = (each for each, ratio in ratios.items() if abs(ratio - 1) < TOLERANCE)
            mark = "none" if found is None else next(close, "wrong")
            counts[mark] += 1
            if arguments.verbose and mark != ("none" if true is None else "right"):
                print(f"  {make.__name__} {name}: {found}, truly {true}")
        every = sum(counts.values())
        told = every - counts["none"]
        others = ", ".join(f"{mark}: {count}" for mark, count in counts.items() if mark not in ("right", "none"))
        print(f"{make.__name__}: a tempo told {ratio(told, every)}; right {ratio(counts['right'], told)}; {others}")


if __name__ == "__main__":
    main()
