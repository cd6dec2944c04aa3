"""Two voices by their pitch: a person's, who speaks high, and the same lower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle.engines.embedded.turns import pitch_of, with_voices
from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Samples
from tests.engines.waveforms import from_samples, from_wav

EXAMPLES = Path(__file__).parents[3] / "examples"
KENNEDY = from_wav(EXAMPLES / "ask-not.wav").read()


def pitched(samples: Samples, ratio: float) -> Samples:
    """Played faster, or slower."""
    at = np.arange(0, len(samples) - 1, ratio)
    return np.asarray(np.interp(at, np.arange(len(samples)), samples), np.float32)


def voices(*parts: Samples) -> list[str | None]:
    """Of the parts, one after another, each a segment."""
    ends = np.cumsum([len(part) for part in parts]) / SAMPLE_RATE
    starts = [0.0, *ends[:-1]]
    segments = [Segment("words", float(start), float(end), "en") for start, end in zip(starts, ends, strict=True)]
    return [segment.voice for segment in with_voices(segments, from_samples(np.concatenate(parts)))]


def test_two_voices_are_told_apart() -> None:
    low = pitched(KENNEDY, 0.55)
    assert voices(KENNEDY, low, low, KENNEDY) == ["higher", "lower", "lower", "higher"]


@pytest.mark.parametrize("ratio", [1.0, 0.87, 0.77])
def test_one_voice_is_not_made_two(ratio: float) -> None:
    half = len(KENNEDY) // 2
    assert voices(KENNEDY[:half], KENNEDY[half:], pitched(KENNEDY, ratio)) == [None] * 3


def test_who_says_too_little_has_no_voice() -> None:
    assert voices(KENNEDY, pitched(KENNEDY, 0.55), KENNEDY[:1600]) == ["higher", "lower", None]
    assert voices(KENNEDY) == [None]
    assert with_voices((), from_samples(KENNEDY)) == ()


def test_pitch_is_that_of_the_voice() -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    buzz = np.sum([np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 12)], axis=0)
    assert pitch_of((0.1 * buzz).astype(np.float32)) == pytest.approx(120, rel=0.02)


def test_noise_and_silence_have_no_pitch() -> None:
    assert pitch_of(np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)) is None
    assert pitch_of(np.zeros(2 * SAMPLE_RATE, np.float32)) is None
    assert pitch_of(np.zeros(10, np.float32)) is None


def test_two_voices_at_once_are_neither() -> None:
    assert pitch_of(np.concatenate([KENNEDY, pitched(KENNEDY, 0.55)])) is None
