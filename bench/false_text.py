"""Text where nobody speaks: signals of 30 s without a voice, which must give an empty transcript.

    python -m bench.false_text --weights FOLDER [--ours-only]

Prints what our server and faster-whisper (int8, beam 1, with and without its voice filter) write for each, and counts
them in three groups: the signals that the rules were chosen on, others that are computed, and recordings (animals,
weather, tools, vehicles, instruments, music for games; see bench/sounds/sources.py), on which nothing was chosen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from faster_whisper import WhisperModel

from bench.recognition import wav
from bench.samples import RATE, Audio, read_audio
from bench.server import serve
from bench.sounds.evaluate import clips
from bench.sounds.sources import fetch, file_of

SECONDS = 30
_TIME = np.arange(SECONDS * RATE) / RATE


def _coloured(exponent: float, seed: int) -> Audio:
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(_TIME.size))
    spectrum /= np.maximum(1.0, np.arange(spectrum.size)) ** exponent
    noise = np.fft.irfft(spectrum, _TIME.size)
    return np.asarray(0.2 * noise / np.std(noise) / 3, dtype=np.float32)


def _notes(hertz: list[float], seconds: float, decay: float, partials: int) -> Audio:
    """Notes in a row, each of some harmonics that die away."""
    out = np.zeros(_TIME.size)
    size = int(seconds * RATE)
    time = np.arange(size) / RATE
    for index in range(_TIME.size // size):
        tone = hertz[index % len(hertz)]
        note = sum(np.sin(2 * np.pi * tone * n * time) / n**1.5 for n in range(1, partials + 1))
        out[index * size : (index + 1) * size] = note * np.exp(-time * decay)
    return np.asarray(0.3 * out / np.abs(out).max(), dtype=np.float32)


def _pulses(times: list[float], length: float, seed: int, cutoff: float) -> Audio:
    """Bursts of noise: clicks, drums, footsteps."""
    rng = np.random.default_rng(seed)
    out = np.zeros(_TIME.size)
    size = int(length * RATE)
    envelope = np.exp(-np.arange(size) / size * 6)
    for at in times:
        start = int(at * RATE)
        burst = np.fft.rfft(rng.standard_normal(size))
        burst[np.fft.rfftfreq(size, 1 / RATE) > cutoff] = 0
        piece = (np.fft.irfft(burst, size) * envelope)[: _TIME.size - start]
        out[start : start + piece.size] += piece
    return np.asarray(0.5 * out / np.abs(out).max(), dtype=np.float32)


def _sine(hertz: float, level: float = 0.3) -> Audio:
    return np.asarray(level * np.sin(2 * np.pi * hertz * _TIME), dtype=np.float32)


def chosen_on() -> dict[str, Audio]:
    """Those that the rules were chosen on, by name: float32 at 16 kHz."""
    scale = [261.6, 293.7, 329.6, 349.2, 392.0, 440.0, 493.9, 523.3]
    phase = 2 * np.pi * np.cumsum(600 + 300 * np.sin(2 * np.pi * 0.4 * _TIME)) / RATE
    harmonics = sum(np.sin(2 * np.pi * 110 * n * _TIME) / n for n in range(1, 12))
    tremble = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * _TIME)
    beats = [0.5 * index for index in range(2 * SECONDS - 1)]
    chord = np.sum([_notes([tone], 2.0, 0.8, 6) for tone in (220.0, 277.2, 329.6)], axis=0)
    dtmf = np.where((_TIME * 5).astype(int) % 2 == 0, _sine(770) + _sine(1336), 0)
    ring = np.where(_TIME % 6 < 2, _sine(440) + _sine(480), 0)
    waves = _coloured(0.5, 6) * (0.55 + 0.45 * np.sin(2 * np.pi * 0.12 * _TIME))
    found = {
        "digital silence": np.zeros(_TIME.size),
        "dither": _coloured(0, 1) * 0.001,
        "white noise": _coloured(0, 2),
        "pink noise": _coloured(0.5, 3),
        "brown noise": _coloured(1, 4),
        "white noise, trembling": _coloured(0, 5) * tremble,
        "waves": waves,
        "50 Hz hum": _sine(50) + 0.3 * _sine(150) + 0.1 * _sine(250),
        "1 kHz tone": _sine(1000),
        "siren": 0.3 * np.sin(phase),
        "chirps": 0.3 * np.sin(2 * np.pi * (500 * (_TIME % 1) + 1500 * (_TIME % 1) ** 2)),
        "keypad": 0.5 * dtmf,
        "telephone ringing": 0.5 * ring,
        "engine": 0.1 * harmonics,
        "engine, trembling": 0.1 * harmonics * tremble,
        "clicks": _pulses([0.37 * index for index in range(80)], 0.01, 7, 8000),
        "drums": _pulses(beats, 0.25, 8, 900),
        "footsteps": _pulses([0.55 * index for index in range(54)], 0.12, 9, 400),
        "scale on strings": _notes(scale, 0.5, 4, 10),
        "melody, slow": _notes([scale[i] for i in (0, 4, 2, 5, 3, 7, 6, 4)], 1.2, 1.5, 5),
        "bells": _notes([880.0, 1108.7, 1318.5], 1.5, 3, 3),
        "chords": 0.3 * chord,
        "band": 0.25 * chord + 0.4 * _pulses(beats, 0.25, 10, 900) + 0.2 * _notes(scale, 0.5, 4, 8),
        "clipped noise": np.clip(_coloured(0.5, 11) * 20, -0.9, 0.9),
    }
    return {name: np.asarray(signal, dtype=np.float32) for name, signal in found.items()}


def _filtered(low: float, high: float, seed: int) -> Audio:
    """Noise between two frequencies."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(_TIME.size))
    hertz = np.fft.rfftfreq(_TIME.size, 1 / RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    noise = np.fft.irfft(spectrum, _TIME.size)
    return np.asarray(0.1 * noise / np.std(noise), dtype=np.float32)


def _sweep(low: float, high: float, seconds: float) -> Audio:
    """A tone that rises from `low` to `high` Hz again and again."""
    hertz = low * (high / low) ** (_TIME % seconds / seconds)
    return np.asarray(0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE), dtype=np.float32)


def _buzz(hertz: float, harmonics: int, wobble: float) -> Audio:
    """A buzz of all harmonics whose pitch wobbles by a twentieth, `wobble` times a second."""
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.05 * np.sin(2 * np.pi * wobble * _TIME))) / RATE
    return np.asarray(0.08 * sum(np.sin(n * phase) / n for n in range(1, harmonics)), dtype=np.float32)


def held_out() -> dict[str, Audio]:
    """Others that are computed, of other kinds and numbers; written after the rules were chosen."""
    rng = np.random.default_rng(77)
    minor = [196.0, 233.1, 261.6, 293.7, 311.1, 392.0]
    irregular = np.cumsum(rng.uniform(0.1, 1.4, 38)).tolist()
    geiger = np.sort(rng.uniform(0, SECONDS - 1, 400)).tolist()
    crackle = _pulses(np.sort(rng.uniform(0, SECONDS - 1, 900)).tolist(), 0.004, 78, 6000)
    morse = np.where(rng.integers(0, 2, SECONDS * 12)[(_TIME * 12).astype(int)] == 1, _sine(650), 0)
    bits = rng.integers(0, 2, SECONDS * 300)[(_TIME * 300).astype(int)]
    modem = np.sin(2 * np.pi * np.cumsum(np.where(bits == 1, 1200, 2200)) / RATE)
    arpeggio = _notes([196.0, 246.9, 293.7, 392.0, 493.9], 0.18, 9, 14)
    organ = np.sum([_notes([tone], 3.0, 0.05, 9) for tone in (130.8, 196.0, 311.1)], axis=0)
    house = _pulses([0.46875 * index for index in range(63)], 0.18, 79, 160)
    hats = _pulses([0.46875 * index + 0.234 for index in range(63)], 0.05, 80, 8000)
    found = {
        "quantised silence": np.round(_coloured(0, 81) * 1.5) / 32768,
        "fan": _filtered(60, 900, 82) + 0.02 * _sine(93),
        "hiss of a tape": 0.15 * _filtered(3000, 8000, 83),
        "noise of a telephone": _filtered(300, 3400, 84) * (0.7 + 0.3 * np.sin(2 * np.pi * 0.7 * _TIME)),
        "rumble": _filtered(20, 120, 85) * 2,
        "surf, slow": _filtered(200, 4000, 86) * (0.5 - 0.5 * np.cos(2 * np.pi * 0.16 * _TIME)),
        "60 Hz mains": _sine(60) + 0.4 * _sine(180) + 0.2 * _sine(300) + 0.1 * _sine(420),
        "rising tones": _sweep(200, 3000, 3.1),
        "two-tone siren": np.where(_TIME % 1.3 < 0.65, _sine(440), _sine(585)),
        "mosquito": 0.5 * _buzz(520, 8, 2.3),
        "low buzz": _buzz(85, 40, 0.6),
        "motor that revs": _buzz(70, 25, 0.11) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * _TIME)),
        "morse": morse,
        "modem": 0.2 * modem,
        "crackle of a record": crackle + 0.05 * _coloured(0.5, 87),
        "counter of particles": _pulses(geiger, 0.006, 88, 5000),
        "knocks": _pulses(irregular, 0.09, 89, 700),
        "arpeggio": arpeggio,
        "organ": 0.15 * organ,
        "minor melody": _notes([minor[i] for i in (0, 2, 4, 5, 3, 1, 4, 0)], 0.7, 2.2, 16),
        "dance music": 0.6 * house + 0.15 * hats + 0.25 * arpeggio,
        "organ and drums": 0.1 * organ + 0.5 * _pulses([0.6 * index for index in range(49)], 0.2, 90, 1500),
    }
    return {name: np.asarray(signal, dtype=np.float32) for name, signal in found.items()}


MUSIC = tuple(f"music/ingame_{number:02}.ogg" for number in (1, 4, 8, 12, 16, 20))  # of widelands-data: no singing
LEAST_SECONDS = 2.0  # of recordings of a kind together; then they are repeated


def recordings() -> dict[str, Audio]:
    """Recordings by kind, one after another and again for 30 s, of the part that labelled sounds are reported on."""
    kinds: dict[str, list[Audio]] = {}
    for clip in clips("report"):
        if clip.concept != "music":  # some of it is sung
            kinds.setdefault(clip.concept, []).append(clip.samples)
    pause = np.zeros(RATE // 4, dtype=np.float32)
    found = {}
    for kind, sounds in kinds.items():
        row = np.concatenate([piece for sound in sounds for piece in (sound, pause)])
        if row.size >= LEAST_SECONDS * RATE:
            found[kind] = np.resize(row, SECONDS * RATE)
    fetch("widelands-data")
    for name in MUSIC:
        file = file_of("widelands-data", name)
        found[file.stem] = read_audio(file)[20 * RATE : (20 + SECONDS) * RATE]
    return found


GROUPS: dict[str, Callable[[], dict[str, Audio]]] = {
    "chosen on": chosen_on,
    "held out": held_out,
    "recordings": recordings,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()
    model = None if options.ours_only else WhisperModel(str(options.weights), device="cpu", compute_type="int8")
    sides = ["ours"] if model is None else ["ours", "transcribe", "transcribe, vad_filter"]
    failed = 0
    with serve(options.weights) as server, httpx.Client() as client:
        for group, make in GROUPS.items():
            signals = make()
            wrong = dict.fromkeys(sides, 0)
            for name, samples in signals.items():
                texts = {"ours": server.transcribe(client, server.body(wav(samples)))}
                if model is not None:
                    for side in sides[1:]:
                        segments = model.transcribe(samples, beam_size=1, vad_filter=side.endswith("vad_filter"))[0]
                        texts[side] = "".join(segment.text for segment in segments)
                for side, text in texts.items():
                    wrong[side] += bool(text.strip())
                said = "; ".join(f"{side}: {text.strip()[:60]!r}" for side, text in texts.items() if text.strip())
                sys.stdout.write(f"  {name}: {said or 'nothing'}\n")
                sys.stdout.flush()
            failed += wrong["ours"]
            sys.stdout.write(f"{group}: signals with text, of {len(signals)}: {wrong}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
