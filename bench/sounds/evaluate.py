"""How well sounds are heard: `python -m bench.sounds.evaluate --bundle FOLDER [--part report] [--verbose]`.

Needs Debian or Ubuntu with apt-get, npm and fluidsynth; fetches about 900 MB of labelled recordings once (sources.py).
clips.tsv names each recording, what it is of by its file name, and its part; concepts.toml says which classes are right
for it. Parts share no recording: the development part served to find the rules, the threshold part (with it) to choose
numbers, and nothing was chosen on the report part.
"""

from __future__ import annotations

import argparse
import collections
import csv
import itertools
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from auricle.engines.embedded.events import SoundEvent, find_events
from auricle.engines.embedded.sound_classes import Kind, by_label, kind_of, sound_classes
from auricle.engines.embedded.tagger import SoundTagger
from auricle.waveform import SAMPLE_RATE, Samples, Waveform
from bench.sounds import sources

HERE = Path(__file__).parent
PARTS = ("development", "threshold", "report")
LANGUAGES = {"development": ("en", "es"), "threshold": ("fr",), "report": ("it", "ru")}
KINDS: dict[str, Kind] = {"animal": "animal", "music": "instrument", "vehicle": "machine"}  # that are asked for
QUIET = -60.0  # dBFS; a recording that never rises above it is an empty placeholder


@dataclass(frozen=True)
class Concept:
    """What a recording is of."""

    kind: str
    right: frozenset[str]
    general: frozenset[str]


@dataclass(frozen=True)
class Clip:
    """A labelled recording."""

    name: str
    concept: str
    samples: Samples


def concepts() -> dict[str, Concept]:
    table = tomllib.loads((HERE / "concepts.toml").read_text())
    return {
        name: Concept(
            entry["kind"],
            frozenset(entry["right"]),
            frozenset(entry.get("general", [])) | frozenset(table[f"_{entry['kind']}"]["general"]),
        )
        for name, entry in table.items()
        if not name.startswith("_")
    }


def decode(path: Path) -> Samples:
    """16 kHz mono float32."""
    pieces = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        for frame in itertools.chain(container.decode(audio=0), [None]):
            pieces += [each.to_ndarray()[0] for each in resampler.resample(frame)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def waveform(samples: Samples) -> Waveform:
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes()
    return Waveform(pcm, len(samples), Fraction(len(samples), SAMPLE_RATE), 0, "")


def level(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def clips(part: str) -> list[Clip]:
    """The part's recordings; empty ones and second copies (also of another part's) are left out."""
    seen: set[bytes] = set()
    found = []
    with (HERE / "clips.tsv").open() as file:
        for row in sorted(csv.DictReader(file, delimiter="\t"), key=lambda row: PARTS.index(row["part"])):
            sources.fetch(row["source"])
            samples = decode(sources.file_of(row["source"], row["file"]))
            if len(samples) == 0 or level(samples) < QUIET or samples.tobytes() in seen:
                continue
            seen.add(samples.tobytes())
            if row["part"] == part:
                found.append(Clip(Path(row["file"]).stem, row["concept"], samples))
    return found


def ratio(part: int, whole: int) -> str:
    return f"{part}/{whole} = {100 * part / whole:.0f} %" if whole else "none"


def recordings(tagger: SoundTagger, part: str, verbose: bool) -> None:
    """First five classes, and events, of each recording."""
    known = concepts()
    told = [item.index for item in sound_classes() if item.role in ("sound", "speech", "singing")]
    counts: collections.Counter[str] = collections.Counter()
    by_hedge: dict[str, list[bool]] = {"clearly": [], "probably": [], "perhaps": []}
    seconds = cost = 0.0
    for clip in clips(part):
        concept = known[clip.concept]
        began = time.process_time()
        frames = tagger.scores(waveform(clip.samples))
        found = find_events(frames)
        events = [event for event in found if event.hedge != "maybe"]
        cost += time.process_time() - began
        seconds += len(clip.samples) / SAMPLE_RATE
        best = sorted(told, key=lambda index: -float(frames.scores[:, index].max()))[:5]
        labels = [sound_classes()[index].label for index in best]
        if concept.right and clip.concept != "music":
            counts["clips"] += 1
            counts["first"] += labels[0] in concept.right
            counts["five"] += bool(concept.right & set(labels))
        marks = dict(judge(concept, events))
        counts.update(mark for mark in marks.values())
        for event in events:
            if marks.get(event.label) in ("right", "wrong"):
                by_hedge[event.hedge].append(marks[event.label] == "right")
        if concept.right and clip.concept != "music":
            counts["recalled"] += "right" in marks.values()
            guesses = guessed(concept, found)
            counts["guessed"] += bool(guesses)
            counts["guessed right"] += bool(guesses & concept.right)
            counts["named"] += bool((guesses | marks.keys()) & concept.right)
            counts["names"] += len(guesses)
        if verbose:
            print(f"  {clip.name} ({clip.concept}): {', '.join(f'{k} [{v}]' for k, v in marks.items())}")
    print(f"recordings: {counts['clips']} with a class of their own, {seconds:.0f} s")
    print(f"  a right class first: {ratio(counts['first'], counts['clips'])}")
    print(f"  a right class among the first five: {ratio(counts['five'], counts['clips'])}")
    print(f"  events right: {ratio(counts['right'], counts['right'] + counts['wrong'])}; general: {counts['general']}")
    print(f"  recordings with a right event: {ratio(counts['recalled'], counts['clips'])}")
    print(f"  right class among the guesses: {ratio(counts['guessed right'], counts['guessed'])}", end="")
    print(f" ({counts['names'] / max(1, counts['guessed']):.1f} of them)")
    print(f"  right class among events or guesses: {ratio(counts['named'], counts['clips'])}")
    for hedge, rights in by_hedge.items():
        print(f"  said '{hedge}': right {ratio(sum(rights), len(rights))}")
    print(f"  cost: {1000 * cost / seconds:.1f} ms of one core for a second of audio")


def judge(concept: Concept, events: Iterable[SoundEvent]) -> Iterator[tuple[str, str]]:
    """Each label that is reported, and whether it is right, wrong or general. Spans are judged in `presence`."""
    for event in events:
        if event.label in concept.right:
            yield event.label, "right"
        elif event.role in ("speech", "singing", "music"):
            continue
        elif event.label in concept.general or by_label()[event.label].role == "general":
            yield event.label, "general"
        else:
            yield event.label, "wrong"


def guessed(concept: Concept, events: Iterable[SoundEvent]) -> set[str]:
    """The guesses that answer what is asked: of the likeliest kind, and where "which animal?" is asked, of animals."""
    guesses = sorted((event for event in events if event.hedge == "maybe"), key=lambda event: -event.confidence)
    kinds = {KINDS.get(concept.kind), *(kind_of(event.label) for event in guesses[:1])}
    return {event.label for event in guesses if kind_of(event.label) in kinds}


def presence(tagger: SoundTagger, part: str) -> None:
    """Is there speech? Is there music?"""
    answers: dict[str, list[bool]] = {"speech": [], "music": []}
    misses = []
    for name, samples, truths in presence_set(part):
        events = tagger.listen(waveform(samples))
        for role, truth in truths.items():
            heard = any(event.role == role for event in events)
            answers[role].append(heard == truth)
            if heard != truth:
                misses.append(f"{name}: {'missed' if truth else 'phantom'} {role}")
    for role, rights in answers.items():
        print(f"is there {role}? right: {ratio(sum(rights), len(rights))}")
    print("  " + "; ".join(misses))


def presence_set(part: str) -> Iterator[tuple[str, Samples, dict[str, bool]]]:
    rng = np.random.default_rng(PARTS.index(part))
    known = concepts()
    music = list(tunes(part))
    for language in LANGUAGES[part]:
        prompts = spoken(language)
        for number, pick in enumerate(rng.choice(len(prompts), 20, replace=False)):
            speech = decode(prompts[pick])
            yield f"{language} {prompts[pick].stem}", speech, {"speech": True, "music": False}
            if number < 10:
                _, tune = music[number % len(music)]
                gain = 10 ** ((level(speech) - 10 - level(tune)) / 20)
                mixed = speech + np.resize(tune, len(speech)) * gain
                yield f"{language} {prompts[pick].stem} over music", mixed, {"speech": True, "music": True}
    for name, tune in music:
        yield name, tune, {"music": True}
    for clip in clips(part):
        if known[clip.concept].kind in ("animal", "vehicle", "thing") and clip.concept != "speech":
            yield clip.name, clip.samples, {"speech": False, "music": False}


def spoken(language: str) -> list[Path]:
    """Prompts of 2.5 to 7.5 s; the collections hold silence of given lengths too."""
    folder = sources.fetch(f"asterisk-core-sounds-{language}-wav")
    found = (path for path in folder.rglob("*.wav") if 40_000 < path.stat().st_size < 120_000)
    return sorted(path for path in found if path.parent.name != "silence")


def tunes(part: str) -> Iterator[tuple[str, Samples]]:
    """Real music, ten seconds each: the part's third of each collection."""
    files = sorted(sources.fetch("gcompris-qt-data").rglob("unpacked/explore_world_music/**/*.ogg"))
    files += sorted(sources.fetch("asterisk-moh-opsound-wav").rglob("*.wav"))
    for number, path in enumerate(files):
        if number % 3 == PARTS.index(part):
            samples = decode(path)
            for start in range(0, min(len(samples), 40 * SAMPLE_RATE) - 10 * SAMPLE_RATE, 10 * SAMPLE_RATE):
                yield f"{path.stem} {start // SAMPLE_RATE}", samples[start : start + 10 * SAMPLE_RATE]
    font = {"development": "timgm6mb-soundfont", "threshold": "timgm6mb-soundfont", "report": "fluid-soundfont-gm"}[
        part
    ]
    sf2 = max(sources.fetch(font).rglob("*.sf2"), key=lambda path: path.stat().st_size)
    for number, midi in enumerate(sorted(sources.fetch("planetblupi-music-midi").rglob("*.mid"))):
        if number % 3 == PARTS.index(part):
            with tempfile.NamedTemporaryFile(suffix=".wav") as out:
                subprocess.run(["fluidsynth", "-niq", "-F", out.name, sf2, midi], check=True, capture_output=True)
                samples = decode(Path(out.name))
            for start in (5, 20):
                yield f"{midi.stem} {start}", samples[start * SAMPLE_RATE : (start + 10) * SAMPLE_RATE]


def scenes(tagger: SoundTagger, part: str) -> None:
    """Recordings placed in half a minute of quiet noise, and of speech 10 dB below them: found where they are?"""
    known = concepts()
    rng = np.random.default_rng(10 + PARTS.index(part))
    usable = [c for c in clips(part) if known[c.concept].right and 0.8 < len(c.samples) / SAMPLE_RATE < 6]
    usable = [c for c in usable if known[c.concept].kind != "music" and c.concept != "speech"]
    rng.shuffle(usable)
    prompts = spoken(LANGUAGES[part][0])
    for background in ("noise", "speech"):
        counts: collections.Counter[str] = collections.Counter()
        late: list[float] = []
        for group in zip(*[iter(usable)] * 3, strict=False):
            scene = rng.normal(0, 0.001, 30 * SAMPLE_RATE)
            if background == "speech":
                talk = np.concatenate([decode(prompts[i]) for i in rng.integers(len(prompts), size=30)])
                scene += np.resize(talk, len(scene)) * 10 ** ((-35 - level(talk)) / 20)
            starts = []
            for number, clip in enumerate(group):
                at = int((2 + 9 * number + rng.random()) * SAMPLE_RATE)
                sound = clip.samples * 10 ** ((-25 - level(clip.samples)) / 20)
                scene[at : at + len(sound)] += sound[: len(scene) - at]
                loud = int(np.argmax(np.abs(sound) > 0.1 * np.abs(sound).max()))
                starts.append((at + loud) / SAMPLE_RATE)
            events = [
                e for e in tagger.listen(waveform(scene.astype(np.float32))) if e.role == "sound" and e.hedge != "maybe"
            ]
            for number, clip in enumerate(group):
                around = [e for e in events if e.start < 11 + 9 * number and e.end > 2 + 9 * number]
                rights = [e for e in around if e.label in known[clip.concept].right]
                counts["sounds"] += 1
                counts["found"] += bool(rights)
                counts["right"] += len({e.label for e in rights})
                counts["told"] += len({e.label for e in around if e.label not in known[clip.concept].general})
                late += [rights[0].start - starts[number]] if rights else []
        found, told = ratio(counts["found"], counts["sounds"]), ratio(counts["right"], counts["told"])
        print(f"scenes over {background}: found {found}; events right {told}; off by {np.median(np.abs(late)):.2f} s")


def synthetic(tagger: SoundTagger) -> None:
    """What is said about sounds that nobody recorded."""
    t = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).normal(size=len(t))
    signals = {
        "digital silence": 0 * t,
        "noise at -70 dBFS": 0.0003 * noise,
        "white noise": 0.1 * noise,
        "440 Hz": 0.3 * np.sin(2 * np.pi * 440 * t),
        "3 kHz": 0.1 * np.sin(2 * np.pi * 3000 * t),
        "50 Hz hum": 0.2 * np.sin(2 * np.pi * 50 * t) + 0.1 * np.sin(2 * np.pi * 100 * t),
        "350 and 440 Hz": 0.2 * np.sin(2 * np.pi * 350 * t) + 0.2 * np.sin(2 * np.pi * 440 * t),
        "sweep": 0.2 * np.sin(2 * np.pi * (200 * t + 200 * t**2)),
    }
    for name, samples in signals.items():
        events = tagger.listen(waveform(samples.astype(np.float32)))
        print(f"{name}: {', '.join(f'{e.hedge} {e.english} {e.start:.1f}-{e.end:.1f}' for e in events) or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the folder of YAMNet's TensorFlow variables")
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--verbose", action="store_true", help="each recording's events too")
    arguments = parser.parse_args()
    tagger = SoundTagger.load(arguments.bundle, sources.CACHE)
    print(f"part: {arguments.part}")
    recordings(tagger, arguments.part, arguments.verbose)
    presence(tagger, arguments.part)
    scenes(tagger, arguments.part)
    synthetic(tagger)


if __name__ == "__main__":
    main()
