"""Who speaks when, where two voices are told apart by their pitch alone: a man's and a woman's, say.

Each segment's pitch is the median fundamental frequency of its voiced frames, by autocorrelation: the first peak that
is nearly as high as the highest (after P. Boersma, Accurate short-term analysis of the fundamental frequency, IFA
Proceedings 17, 1993). Voices that are closer than half an octave or so are taken for one, and so are more than two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Samples, Waveform

LOWEST, HIGHEST = 60.0, 400.0  # Hz, of voices
FRAME_SECONDS, HOP_SECONDS = 0.04, 0.02
VOICED = 0.6  # autocorrelation of a voiced frame at its period
FIRST = 0.85  # of the highest peak's: what the peak of the true period has at least
AUDIBLE = 10**-2.5  # of the loudest frame's power
LEAST_FRAMES = 25  # voiced ones that a segment's pitch rests on: half a second
MOST_SECONDS = 4.0  # of a segment that are looked at
MOST_SECONDS_IN_ALL = 240.0  # of an audio
APART = 1.5  # ratio of the pitches of two voices
GAP = 1.3  # ratio of the lowest pitch of the higher voice to the highest of the lower one
STEADY = 1.6  # ratio within a segment, of its pitches' last to first fifth, from which on two may speak in it

_RATE = SAMPLE_RATE // 2  # what pitch is looked for in, for half the work


def with_voices(segments: Sequence[Segment], waveform: Waveform) -> tuple[Segment, ...]:
    """The segments with their voices, where there are two of clearly different pitch. Blocks: 1 ms for a second."""
    share = max(MOST_SECONDS_IN_ALL / max(1, len(segments)), 1.0)
    pitches = [_pitch_within(segment, waveform, min(MOST_SECONDS, share)) for segment in segments]
    middle = _between([pitch for pitch in pitches if pitch is not None])
    if middle is None:
        return tuple(segments)
    return tuple(
        segment if pitch is None else replace(segment, voice="higher" if pitch > middle else "lower")
        for segment, pitch in zip(segments, pitches, strict=True)
    )


def pitch_of(samples: Samples) -> float | None:
    """Hz of the voice in `samples`; None where too little is voiced, or it is not one voice."""
    found = _pitches(samples)
    if len(found) < LEAST_FRAMES:
        return None
    low, median, high = np.quantile(found, [0.2, 0.5, 0.8]).tolist()
    return float(median) if high < STEADY * low else None


def _pitch_within(segment: Segment, waveform: Waveform, seconds: float) -> float | None:
    """Of the middle of the segment."""
    middle, half = (segment.start + segment.end) / 2, min(segment.end - segment.start, seconds) / 2
    return pitch_of(waveform.read(round((middle - half) * SAMPLE_RATE), round((middle + half) * SAMPLE_RATE)))


def _between(pitches: list[float]) -> float | None:
    """A pitch that parts two voices; None where they are one."""
    ordered = np.sort(pitches)
    if len(ordered) < 2:
        return None
    at = int(np.argmax(ordered[1:] / ordered[:-1])) + 1
    gap, apart = ordered[at] / ordered[at - 1], np.median(ordered[at:]) / np.median(ordered[:at])
    return float(np.sqrt(ordered[at] * ordered[at - 1])) if gap >= GAP and apart >= APART else None


def _pitches(samples: Samples) -> npt.NDArray[np.float64]:
    """Hz of each voiced frame."""
    size, hop = round(FRAME_SECONDS * _RATE), round(HOP_SECONDS * _RATE)
    halved = samples[: len(samples) // 2 * 2].reshape(-1, 2).mean(axis=1)
    if len(halved) < size:
        return np.empty(0)
    frames = np.lib.stride_tricks.sliding_window_view(halved, size)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.square(frames).mean(axis=1)
    frames = frames[power > AUDIBLE * max(float(power.max()), 1e-12)]
    window = np.hanning(size)
    repeats = _autocorrelation(frames * window) / _autocorrelation(window[None])[:, :size]
    shortest, longest = int(_RATE / HIGHEST), int(_RATE / LOWEST) + 1
    repeats = repeats[:, shortest - 1 : longest + 1]
    inner = repeats[:, 1:-1]
    highest = inner.max(axis=1, initial=0.0, keepdims=True)
    peaks = (inner >= repeats[:, :-2]) & (inner > repeats[:, 2:]) & (inner >= np.maximum(FIRST * highest, VOICED))
    voiced = peaks.any(axis=1)
    return np.asarray(_RATE / (shortest + np.argmax(peaks[voiced], axis=1)))


def _autocorrelation(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[frames, samples], 1 at lag 0."""
    size = frames.shape[1]
    power = np.square(np.abs(np.fft.rfft(frames, 2 * size)))
    product = np.fft.irfft(power)[:, :size]
    return np.asarray(product / np.maximum(product[:, :1], 1e-12))
