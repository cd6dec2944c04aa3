"""Text where nobody speaks: signals of 30 s without a voice, which must give an empty transcript.

    python -m bench.false_text --weights FOLDER

Prints what our server and faster-whisper (int8, beam 1, with and without its voice filter) write for each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx
import numpy as np
from faster_whisper import WhisperModel

from bench.recognition import wav
from bench.server import serve
from bench.sets import RATE, Audio

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


def signals() -> dict[str, Audio]:
    """All of them by name: float32 at 16 kHz."""
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()
    model = None if options.ours_only else WhisperModel(str(options.weights), device="cpu", compute_type="int8")
    wrong = dict.fromkeys(["ours"] if model is None else ["ours", "transcribe", "transcribe, vad_filter"], 0)
    with serve(options.weights) as server, httpx.Client() as client:
        for name, samples in signals().items():
            texts = {"ours": server.transcribe(client, server.body(wav(samples)))}
            if model is not None:
                for side, filtered in (("transcribe", False), ("transcribe, vad_filter", True)):
                    segments = model.transcribe(samples, beam_size=1, vad_filter=filtered)[0]
                    texts[side] = "".join(segment.text for segment in segments)
            for side, text in texts.items():
                wrong[side] += bool(text.strip())
            said = "; ".join(f"{side}: {text.strip()[:60]!r}" for side, text in texts.items() if text.strip())
            sys.stdout.write(f"{name}: {said or 'nothing'}\n")
            sys.stdout.flush()
    sys.stdout.write(f"signals with text, of {len(signals())}: {wrong}\n")
    return 1 if wrong["ours"] else 0


if __name__ == "__main__":
    sys.exit(main())
