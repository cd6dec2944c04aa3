"""Where somebody speaks."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from auricle.engines.embedded.voice import Probabilities, VoiceActivity, VoiceModel, audible
from auricle.waveform import SAMPLE_RATE, Samples
from tests.engines.waveforms import from_wav

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def model() -> VoiceModel:
    return VoiceModel()


@pytest.fixture(scope="module")
def words() -> Samples:
    """One to ten in Chinese, which the detector hardly hears in a telephone's band."""
    with av.open(str(EXAMPLES / "one-to-ten-zh.ogg")) as source:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        frames = [frame for coded in [*source.decode(audio=0), None] for frame in resampler.resample(coded)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.fixture(scope="module")
def speech() -> Samples:
    return from_wav(EXAMPLES / "ask-not.wav").read()


def in_band(samples: Samples, low: float = 300, high: float = 3400) -> Samples:
    """What a telephone lets through."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    cut: Samples = np.fft.irfft(spectrum, samples.size).astype(np.float32)
    return cut


def probabilities(model: VoiceModel, samples: Samples, stretch: int = 480_000) -> Probabilities:
    activity = VoiceActivity(model)
    stops = range(stretch, samples.size, stretch)
    found = [activity.feed(samples[stop - stretch : stop]) for stop in stops]
    return np.concatenate([*found, activity.feed(samples[len(stops) * stretch :], last=True)])


def test_the_answer_does_not_depend_on_how_the_audio_was_cut(model: VoiceModel, speech: Samples) -> None:
    whole = probabilities(model, speech)
    assert whole.max() > 0.9
    assert np.allclose(whole, probabilities(model, speech, stretch=3000), atol=1e-4)


@pytest.mark.parametrize("level", [1.0, 0.25])
@pytest.mark.parametrize("coded", [False, True])
def test_a_voice_on_the_telephone_is_heard(model: VoiceModel, words: Samples, level: float, coded: bool) -> None:
    cut = in_band(words) * np.float32(level)
    if coded:  # in steps of 8-bit mu-law
        steps = np.round(np.sign(cut) * np.log1p(255 * np.abs(cut)) / np.log1p(255) * 127) / 127
        cut = (np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(255)) / 255).astype(np.float32)
    before, after = (float(np.mean(probabilities(model, samples) > 0.35)) for samples in (cut, audible(cut)))
    assert before < 0.3
    assert after > 2 * before


@pytest.mark.parametrize(
    ("low", "high", "changed"), [(0, 8000, False), (300, 8000, False), (0, 3400, False), (300, 3400, True)]
)
def test_only_a_telephones_band_is_changed(low: float, high: float, changed: bool) -> None:
    noise = in_band(np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32), low, high)
    assert (audible(noise) is not noise) == changed


def test_speech_in_its_own_band_is_not_changed(speech: Samples) -> None:
    assert audible(speech) is speech


@pytest.mark.parametrize("size", [0, 1, 500, 1024, 30_001])
def test_silence_stays_silent(size: int) -> None:
    silence = np.zeros(size, dtype=np.float32)
    assert np.array_equal(audible(silence), silence)
