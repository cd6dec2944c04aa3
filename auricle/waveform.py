"""Decoded audio: 16 kHz mono, in memory or spooled to disk, read in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000  # Hz
BYTES_PER_SAMPLE = 2  # signed 16-bit little-endian, what every peer's decoder hands to Whisper

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Waveform:
    """Decoded audio as 16 kHz mono signed 16-bit PCM.

    Short audio is held in memory; long audio lies in an spool file, so that ten hours of it
    cost disk and not memory. `read` gives any stretch as float32, which is all that engines use.
    """

    pcm: bytes | Path
    """The samples themselves, or the file that holds them (owned by the pipeline, which removes it)."""
    sample_count: int  # at 16 kHz
    duration: Fraction  # seconds, exact, from the decoded samples at their own rate
    tokens: int  # what this audio counts for in `usage`, see audio/tokens.py
    digest: str  # SHA-256 of the PCM bytes, hex

    @property
    def seconds(self) -> float:
        return float(self.duration)

    def read(self, start: int = 0, stop: int | None = None) -> Samples:
        """Samples `start` to `stop` (indices at 16 kHz): float32 in [-1, 1), shape [n]."""
        start = min(max(start, 0), self.sample_count)
        stop = self.sample_count if stop is None else min(max(stop, start), self.sample_count)
        offset, size = start * BYTES_PER_SAMPLE, (stop - start) * BYTES_PER_SAMPLE
        if isinstance(self.pcm, bytes):
            raw = memoryview(self.pcm)[offset : offset + size]
        else:
            with self.pcm.open("rb") as file:
                file.seek(offset)
                raw = memoryview(file.read(size))
        return np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768.0

    def discard(self) -> None:
        """Remove the spool file, if there is one. Safe to call twice."""
        if isinstance(self.pcm, Path):
            self.pcm.unlink(missing_ok=True)
