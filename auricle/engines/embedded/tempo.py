"""How fast music is: beats a minute from the autocorrelation of its onsets.

Onset strength is the rise of the log-mel bands; beats repeat in it. After D. Ellis, Beat Tracking by Dynamic
Programming, Journal of New Music Research 36 (2007): the lag whose autocorrelation, with that of twice the lag and
under a prior around 120 beats a minute, is highest. Half and double tempo are a matter of taste to people, too.
"""

from __future__ import annotations

import numpy as np

from auricle.engines.embedded.tensor_bundle import FloatArray

RATE = 100  # onset strengths a second: a frame of `yamnet.log_mel` each
LEAST_SECONDS = 6.0  # of music that has a tempo
WINDOW_SECONDS = 10.0  # whose autocorrelations are averaged, so that music of any length takes little memory
SLOWEST, FASTEST = 50.0, 210.0  # beats a minute
USUAL, OCTAVES = 120.0, 0.9  # the prior's middle and its deviation, as in the paper
# Regular beats of drums and of tunes have 0.4 and more; of 24 stretches of speech the most regular has less than 0.2.
REGULAR = 0.4  # autocorrelation at the beat from which on it is one
LEAST_ONSETS = (
    0.05  # standard deviation of onset strength; a siren and a hum have half of it, quiet music twice as much
)
BAR_SECONDS = (1.0, 4.8)
BAR_BEATS = (2, 3, 4, 6, 8)  # that a bar, or two, may have
FITTING = 0.03  # share that a bar may be off
UNFITTING = 0.7  # weight of a beat of which a bar is no multiple
RELATED = (1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4)  # multiples of a beat that leave it what it is
CLOSE = 0.06  # share of a lag within which another is the same
# With this and the bar, of 30 stretches of tunes 20 are right, 4 double or half, 2 wrong; without them 21, 3 and 6.
RIVAL = 0.95  # of what repeats at the beat: what may repeat at lags that are not related
DRIFT_SECONDS = 0.5  # to both sides, over which onset strength is levelled


def onset_strength(features: FloatArray) -> FloatArray:
    """How much sets in at each frame of log-mel `features`: [frames], natural log of magnitude, mean over bands."""
    rises = np.maximum(np.diff(features, axis=0, prepend=features[:1]), 0.0)
    strength: FloatArray = rises.mean(axis=1, dtype=np.float32)
    return strength


def tempo(onsets: FloatArray) -> float | None:
    """Beats a minute of a stretch of music with these onset strengths; None where no beat is regular enough."""
    if len(onsets) < LEAST_SECONDS * RATE:
        return None
    if float(onsets.std()) < LEAST_ONSETS:
        return None
    repeats = _autocorrelation(onsets)
    lags = np.arange(round(60 * RATE / FASTEST), round(60 * RATE / SLOWEST) + 1)
    prior = np.exp(-0.5 * (np.log2(60 * RATE / lags / USUAL) / OCTAVES) ** 2)
    twice = np.maximum(repeats[2 * lags - 1], np.maximum(repeats[2 * lags], repeats[2 * lags + 1]))
    whole = np.any([np.abs(_bar(repeats) / lags / beats - 1) < FITTING for beats in BAR_BEATS], axis=0)
    repeated = (repeats[lags] + twice) * np.where(whole, 1.0, UNFITTING)
    best = int(np.argmax(prior * repeated))
    lag = int(lags[best])
    related = np.any([np.abs(lags / lag / multiple - 1) < CLOSE for multiple in RELATED], axis=0)
    rival = float(np.max(repeated, where=~related, initial=0.0))
    if repeats[lag - 1 : lag + 2].max() < REGULAR or rival > RIVAL * repeated[best]:
        return None
    return round(60 * RATE / _refined(repeats, lag), 1)


def _autocorrelation(onsets: FloatArray) -> FloatArray:
    """Of the levelled onsets at lags of up to 5 s, 1 at 0: the mean over windows, each by its own energy."""
    width = 2 * round(DRIFT_SECONDS * RATE) + 1
    means = np.convolve(np.pad(onsets, width // 2, mode="edge"), np.full(width, 1 / width), "valid")
    levelled = np.convolve(onsets - means, [0.25, 0.5, 0.25], "same")
    size = min(round(WINDOW_SECONDS * RATE), len(levelled))
    longest = size // 2
    total = np.zeros(longest + 2)
    weight = 0.0
    for first in range(0, len(levelled) - size + 1, size // 2):
        spectrum = np.fft.rfft(levelled[first : first + size], 2 * size)
        product = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 2]
        total += product / (1 - np.arange(longest + 2) / size)  # fewer pairs are far apart
        weight += float(product[0])
    return np.asarray(total / max(weight, 1e-9), np.float32)


def _bar(repeats: FloatArray) -> int:
    """The lag of what is longest and repeats best, which is most often a bar or two."""
    first, last = round(BAR_SECONDS[0] * RATE), min(round(BAR_SECONDS[1] * RATE), len(repeats))
    return first + int(np.argmax(repeats[first:last]))


def _refined(repeats: FloatArray, lag: int) -> float:
    """The lag to a fraction of a frame, from the farthest multiple of it that is a peak, too."""
    exact = float(lag)
    for multiple in (1, 2, 4):
        middle = round(exact * multiple)
        if middle + multiple + 1 >= len(repeats):
            break
        at = middle - multiple + int(np.argmax(repeats[middle - multiple : middle + multiple + 1]))
        before, here, after = repeats[at - 1 : at + 2].tolist()
        if here < before or here < after or here <= 0:
            break
        bend = before - 2 * here + after
        exact = (at + (0.5 * (before - after) / bend if bend else 0.0)) / multiple
    return exact
