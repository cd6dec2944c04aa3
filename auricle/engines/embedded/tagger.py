"""Tags the sounds of audio of any length: blocking, in bounded memory, one thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.engines.embedded.events import FrameScores, SoundEvent, find_events
from auricle.engines.embedded.tempo import onset_strength
from auricle.engines.embedded.tensor_bundle import FloatArray
from auricle.engines.embedded.yamnet import CLASSES, PATCH_FRAMES, PATCH_SAMPLES, STFT_HOP, Yamnet, log_mel, onnx_model
from auricle.waveform import SAMPLE_RATE, Samples, Waveform

HOP_FRAMES = 24  # between patches: 0.24 s, a quarter of a patch
HOP_SAMPLES = HOP_FRAMES * STFT_HOP
STRETCH_PATCHES = 120  # scored at a time: 29 s, 30 MB at the most

TARGET_LEVEL = -20.0  # dBFS of a stretch's loudest second, about what AudioSet's clips have
MAX_GAIN = 30.0  # dB, so that a silent room stays a silent room
CHANGE_FRAMES = 12  # whose mean a change is measured between: 0.12 s, an eighth of a patch
STEADY_RANGE = 0.5  # natural log of energy, 2 dB: what an unchanging tone's level may move by
DITHER_LEVEL = -80.0  # dBFS of pink noise: YAMNet never saw digital zeros, and hears things in them


class Tagging:
    """One audio being tagged, a stretch at a time, so that many can take turns. Not for several threads at once."""

    def __init__(self, network: Yamnet, waveform: Waveform) -> None:
        self._network = network
        self._waveform = waveform
        self._next = 0
        count = patch_count(waveform.sample_count)
        self._scores = np.zeros((count, CLASSES), np.float32)  # two kilobytes a frame: 31 MB for an hour
        self._levels = np.full(count, -np.inf, np.float32)
        self._tones = np.zeros(count, np.float32)
        self._changes = np.zeros(count, np.float32)
        self._onsets = np.zeros((count - 1) * HOP_FRAMES + PATCH_FRAMES if count else 0, np.float32)

    @property
    def done(self) -> bool:
        """Whether the whole audio has been tagged."""
        return self._next >= len(self._scores)

    def step(self) -> None:
        """Tag the next half minute: 0.15 s of one core."""
        part = slice(self._next, min(self._next + STRETCH_PATCHES, len(self._scores)))
        size = (part.stop - part.start - 1) * HOP_SAMPLES + PATCH_SAMPLES
        samples = self._waveform.read(part.start * HOP_SAMPLES, part.start * HOP_SAMPLES + size)
        features = log_mel(_prepared(samples, size))
        self._levels[part] = _patch_levels(_filled(samples, size))
        self._scores[part] = self._network.scores(features, HOP_FRAMES)
        self._tones[part] = _steady_tones(features)
        self._changes[part] = _changes(features)
        first = part.start * HOP_FRAMES  # of this stretch's frames, the last of which the next one has, too
        self._onsets[first + 1 : first + len(features)] = onset_strength(features)[1:]
        self._next = part.stop

    def scores(self) -> FrameScores:
        """Scores of every class, a frame each 0.24 s. Meant to be called when `done`."""
        seconds = self._waveform.seconds
        hop, window = HOP_SAMPLES / SAMPLE_RATE, PATCH_SAMPLES / SAMPLE_RATE
        arrays = self._scores, self._levels, self._tones, self._changes, self._onsets
        return FrameScores(hop, window, seconds, *arrays)


@dataclass(frozen=True, slots=True)
class SoundTagger:
    """YAMNet over a waveform, and the events in its scores. Safe to call from several threads."""

    network: Yamnet

    @classmethod
    def load(cls, bundle: Path, cache_folder: Path) -> SoundTagger:
        """The tagger with the weights in `bundle`, converted into `cache_folder` once. Raises WeightsError."""
        return cls(Yamnet(onnx_model(bundle, cache_folder)))

    def open(self, waveform: Waveform) -> Tagging:
        """Begin to tag `waveform`."""
        return Tagging(self.network, waveform)

    def scores(self, waveform: Waveform) -> FrameScores:
        """Scores of every class, a frame each 0.24 s. Blocks: 5 ms for a second of audio."""
        tagging = self.open(waveform)
        while not tagging.done:
            tagging.step()
        return tagging.scores()

    def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]:
        """What a person would say was heard, and when."""
        return find_events(self.scores(waveform))


def patch_count(samples: int) -> int:
    """How many patches cover `samples` samples: none for none, else at least one."""
    return 1 + max(0, -(-(samples - PATCH_SAMPLES) // HOP_SAMPLES)) if samples else 0


def _filled(samples: Samples, size: int) -> Samples:
    """`samples` repeated up to `size`, so that a short sound fills its patch.

    On the development part of bench/sounds, a quarter of whose recordings are shorter than a patch, repeating puts a
    right class among the first five for 5 in 100 more than padding with zeros does.
    """
    return np.resize(samples, size) if len(samples) < size else samples


def _prepared(samples: Samples, size: int) -> Samples:
    """A stretch at YAMNet's level, with a little pink noise."""
    filled = _filled(samples, size)
    gain = min(TARGET_LEVEL - float(_patch_levels(filled).max()), MAX_GAIN)
    return filled * np.float32(10 ** (gain / 20)) + _dither(size)


def _dither(size: int) -> Samples:
    """The same pink noise every time, so that the same audio always gets the same scores."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), size)
    dither: Samples = (noise * (10 ** (DITHER_LEVEL / 20) / noise.std())).astype(np.float32)
    return dither


def _patch_levels(samples: Samples) -> FloatArray:
    """dBFS of each patch: 20 log10 of its root mean square, at least -120."""
    energy = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    starts = np.arange(0, len(samples) - PATCH_SAMPLES + 1, HOP_SAMPLES)
    power = (energy[starts + PATCH_SAMPLES] - energy[starts]) / PATCH_SAMPLES
    return (10 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)


def _steady_tones(features: FloatArray) -> FloatArray:
    """How much each patch is a few unchanging tones, 0..1: the share of energy that six bands hold nearly all along.

    A hum, a test tone or a dial tone has .89 and more; notes of instruments, which fade and change, have less.
    """
    energy = np.exp(2 * features)
    totals = energy.sum(axis=1, keepdims=True)
    shares = energy / totals
    starts = range(0, len(features) - PATCH_FRAMES + 1, HOP_FRAMES)
    result = np.zeros(len(starts), np.float32)
    for number, at in enumerate(starts):
        patch = slice(at, at + PATCH_FRAMES)
        if np.ptp(np.log(totals[patch])) < STEADY_RANGE:
            result[number] = np.sort(np.quantile(shares[patch], 0.1, axis=0))[-6:].sum()
    return result


def _changes(features: FloatArray) -> FloatArray:
    """How much each patch changes, in natural log of magnitude: what all but its six liveliest bands stay below."""
    count = len(features) // CHANGE_FRAMES
    means = features[: count * CHANGE_FRAMES].reshape(count, CHANGE_FRAMES, -1).mean(axis=1)
    blocks = PATCH_FRAMES // CHANGE_FRAMES
    patches = np.lib.stride_tricks.sliding_window_view(means, blocks, axis=0)[:: HOP_FRAMES // CHANGE_FRAMES]
    changes: FloatArray = np.sort(patches.std(axis=2), axis=1)[:, -7]
    return changes
