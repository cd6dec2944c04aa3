"""Waveforms for tests of engines, made without the decoder."""

from __future__ import annotations

import hashlib
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auricle.audio.tokens import audio_tokens
from auricle.types import Audio, AudioClip
from auricle.waveform import SAMPLE_RATE, Waveform


def from_samples(samples: npt.NDArray[np.float32]) -> Waveform:
    """Float samples at 16 kHz, clipped to full scale."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    return from_pcm(pcm)


def from_pcm(pcm: bytes) -> Waveform:
    duration = Fraction(len(pcm) // 2, SAMPLE_RATE)
    return Waveform(pcm, len(pcm) // 2, duration, audio_tokens(duration), hashlib.sha256(pcm).hexdigest())


def from_wav(path: Path) -> Waveform:
    """A 16 kHz mono 16-bit WAV."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE, 1, 2)
        return from_pcm(file.readframes(file.getnframes()))


def silence(seconds: float) -> Waveform:
    return from_samples(np.zeros(round(seconds * SAMPLE_RATE), np.float32))


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> Waveform:
    return from_samples(np.random.default_rng(seed).normal(0, level, round(seconds * SAMPLE_RATE)).astype(np.float32))


def audio(waveform: Waveform) -> Audio:
    """An audio part; its clip is the waveform as a WAV file without samples of its own."""
    return Audio(AudioClip(b"", "wav"), waveform)
