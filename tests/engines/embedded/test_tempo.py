"""Tempo of drums played at known speeds, and none of what has no beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle.engines.embedded.tempo import LEAST_SECONDS, RATE, onset_strength, tempo
from auricle.engines.embedded.yamnet import log_mel
from auricle.waveform import SAMPLE_RATE, Samples
from tests.engines.waveforms import from_wav

EXAMPLES = Path(__file__).parents[3] / "examples"


def beats_of(samples: Samples) -> float | None:
    return tempo(onset_strength(log_mel(samples)))


def drummed(beats_per_minute: float, seconds: float, *strengths: float) -> Samples:
    """Strokes of a low and a high drum in turn; `strengths` are those of an eighth note each, again and again."""
    time = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    drums = [np.sin(2 * np.pi * hertz * time) * np.exp(-18 * time) for hertz in (90, 240)]
    samples = np.random.default_rng(0).normal(0, 0.001, round(seconds * SAMPLE_RATE))
    eighth = 30 / beats_per_minute
    for number in range(int((seconds - 0.5) / eighth)):
        at = round((0.1 + number * eighth) * SAMPLE_RATE)
        samples[at : at + len(time)] += 0.3 * strengths[number % len(strengths)] * drums[number // 2 % 2]
    return samples.astype(np.float32)


@pytest.mark.parametrize("beats_per_minute", [84, 97.5, 120, 133])
@pytest.mark.parametrize("seconds", [7, 30])
def test_drums_have_the_tempo_they_are_played_at(beats_per_minute: float, seconds: float) -> None:
    found = beats_of(drummed(beats_per_minute, seconds, 1.0, 0.2))
    assert found == pytest.approx(beats_per_minute, rel=0.01)


def test_a_tempo_stays_itself_in_a_longer_rhythm() -> None:
    assert beats_of(drummed(110, 20, 1.0, 0.2, 0.6, 0.2, 0.8, 0.4, 0.6, 0.0)) == pytest.approx(110, rel=0.01)


def test_what_is_short_has_none() -> None:
    assert beats_of(drummed(120, LEAST_SECONDS - 0.5, 1.0, 0.2)) is None


def test_a_rhythm_that_falls_apart_has_none() -> None:
    rng = np.random.default_rng(1)
    onsets = np.zeros(20 * RATE, np.float32)
    onsets[np.cumsum(rng.integers(15, 120, 30)) % len(onsets)] = 1.0
    assert tempo(onsets) is None


def test_speech_noise_and_tones_have_none() -> None:
    speech = from_wav(EXAMPLES / "ask-not.wav").read()
    assert beats_of(np.concatenate([speech, speech[::-1]])) is None
    assert beats_of(np.random.default_rng(0).normal(0, 0.1, 10 * SAMPLE_RATE).astype(np.float32)) is None
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    assert beats_of((0.2 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)) is None
    assert beats_of(np.zeros(10 * SAMPLE_RATE, np.float32)) is None
