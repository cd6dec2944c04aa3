"""Audio as samples: read, written, and spoilt as telephones, noise and rooms spoil it."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

RATE = 16_000  # Hz

Audio = npt.NDArray[np.float32]


def read_audio(file: Path) -> Audio:
    """16 kHz mono float32 samples of any audio file."""
    pieces = []
    with av.open(str(file)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray() for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray() for piece in resampler.resample(None)]
    samples: Audio = np.concatenate(pieces, axis=1)[0].astype(np.float32)
    return samples


def write_audio(file: Path, samples: Audio) -> None:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def telephone(samples: Audio, rng: np.random.Generator) -> Audio:
    """300-3400 Hz, 8 bits of mu-law, as a telephone line."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(samples.size, 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    band = np.fft.irfft(spectrum, samples.size)
    band /= max(1e-6, float(np.abs(band).max())) / 0.8
    code = np.round(np.sign(band) * np.log1p(255 * np.abs(band)) / np.log1p(255) * 127) / 127
    expanded: Audio = (np.sign(code) * np.expm1(np.abs(code) * np.log1p(255)) / 255).astype(np.float32)
    return expanded


def noisy(samples: Audio, rng: np.random.Generator, snr: float) -> Audio:
    """Pink noise at `snr` dB below the speech."""
    spectrum = np.fft.rfft(rng.standard_normal(samples.size))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.size)))
    noise = np.fft.irfft(spectrum, samples.size)
    loud = samples[np.abs(samples) > 0.02]
    power = float(np.mean(loud**2)) if loud.size else 1e-4
    noise *= np.sqrt(power / np.mean(noise**2) / 10 ** (snr / 10))
    mixed = samples + noise
    return (mixed / max(1.0, float(np.abs(mixed).max()))).astype(np.float32)


def reverberant(samples: Audio, rng: np.random.Generator) -> Audio:
    """A room of half a second: an exponentially decaying tail of noise, direct sound 6 dB above it."""
    time = np.arange(int(0.5 * RATE)) / RATE
    tail = rng.standard_normal(time.size) * np.exp(-6.9 * time / 0.5)
    tail /= np.sqrt(np.sum(tail**2)) * 2
    tail[0] += 1
    size = samples.size + tail.size
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: samples.size]
    return (wet / max(1e-6, float(np.abs(wet).max())) * 0.7).astype(np.float32)


CONDITIONS = {
    "telephone": telephone,
    "noise15": lambda samples, rng: noisy(samples, rng, 15),
    "noise5": lambda samples, rng: noisy(samples, rng, 5),
    "reverb": reverberant,
}
