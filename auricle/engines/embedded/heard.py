"""What was heard in one audio: the value that the recogniser's and the other listeners' findings end in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Waveform

QUIETEST_DBFS = -96.0  # what 16 bits can tell from digital zero
SILENT_PEAK_DBFS = -60.0  # below this nothing can be heard at a normal volume
CLIPPED_LEVEL = 32_760 / 32_768  # of full scale
BLOCK_SAMPLES = 60 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud an audio is, in decibels below full scale."""

    rms_dbfs: float
    peak_dbfs: float
    clipped: float
    """Share of samples at full scale: above about 0.001 the recording is overdriven."""

    @property
    def silent(self) -> bool:
        return self.peak_dbfs < SILENT_PEAK_DBFS


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that is known about one audio after listening to it."""

    seconds: float
    segments: tuple[Segment, ...]
    """What is said, in order."""
    loudness: Loudness

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what is spoken, the most spoken first."""
        spoken: defaultdict[str, float] = defaultdict(float)
        for segment in self.segments:
            spoken[segment.language] += segment.end - segment.start
        return tuple(sorted(spoken, key=lambda code: -spoken[code]))

    @property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        return 512 + sum(
            512 + 2 * len(segment.text) + 8 * len(segment.tokens) + 160 * len(segment.words)
            for segment in self.segments
        )


def loudness_of(waveform: Waveform) -> Loudness:
    """Root mean square and peak of the whole audio, a minute at a time. Blocks: 2 ms for a minute."""
    energy, peak, clipped = 0.0, 0.0, 0
    for start in range(0, waveform.sample_count, BLOCK_SAMPLES):
        samples = waveform.read(start, start + BLOCK_SAMPLES)
        levels = np.abs(samples)
        energy += float(np.dot(samples, samples))
        peak = max(peak, float(levels.max(initial=0.0)))
        clipped += int(np.count_nonzero(levels >= CLIPPED_LEVEL))
    count = max(1, waveform.sample_count)
    return Loudness(_dbfs((energy / count) ** 0.5), _dbfs(peak), clipped / count)


def _dbfs(amplitude: float) -> float:
    return max(QUIETEST_DBFS, 20 * float(np.log10(max(amplitude, 1e-9))))
