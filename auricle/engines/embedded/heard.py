"""What was heard in one audio: the value that the recogniser's and the other listeners' findings end in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from auricle.engines.embedded.events import SoundEvent
from auricle.types import HeardAudio, HeardMusic, HeardSound, Segment
from auricle.waveform import SAMPLE_RATE, Waveform

QUIETEST_DBFS = -96.0  # what 16 bits can tell from digital zero
SILENT_PEAK_DBFS = -60.0  # below this nothing can be heard at a normal volume
FAINT_RMS_DBFS = -50.0  # quieter recordings are called very quiet
CLIPPED_LEVEL = 32_760 / 32_768  # of full scale
OVERDRIVEN = 0.001  # share of clipped samples from which on a recording is called overdriven
# On the development part of bench/understanding no words that were said have both, and the words that were read into an
# animal and into biting do.
DOUBTFUL_LOGPROB = -0.5  # mean natural-log probability of a token under which words are doubted
NO_SPEECH = 0.5  # the recogniser's own probability that nothing was said
PAUSE_SECONDS = 1.0  # within which somebody goes on speaking
BLOCK_SAMPLES = 60 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud an audio is, in decibels below full scale."""

    rms_dbfs: float
    peak_dbfs: float
    clipped: float
    """Share of samples at full scale."""

    @property
    def silent(self) -> bool:
        return self.peak_dbfs < SILENT_PEAK_DBFS

    @property
    def faint(self) -> bool:
        return not self.silent and self.rms_dbfs < FAINT_RMS_DBFS

    @property
    def overdriven(self) -> bool:
        return self.clipped >= OVERDRIVEN


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that is known about one audio after listening to it."""

    seconds: float
    segments: tuple[Segment, ...]
    """What is said, in order."""
    loudness: Loudness
    events: tuple[SoundEvent, ...] | None = None
    """What else is heard, speech and music as spans among it, in order; None where it was not listened for."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what is spoken, the most spoken first."""
        spoken: defaultdict[str, float] = defaultdict(float)
        for segment in self.segments:
            spoken[segment.language] += segment.end - segment.start
        return tuple(sorted(spoken, key=lambda code: -spoken[code]))

    @property
    def spoken(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each stretch in which somebody speaks, pauses of up to a second bridged."""
        stretches: list[tuple[float, float]] = []
        for segment in self.segments:
            if stretches and segment.start - stretches[-1][1] <= PAUSE_SECONDS:
                stretches[-1] = (stretches[-1][0], max(stretches[-1][1], segment.end))
            else:
                stretches.append((segment.start, segment.end))
        return tuple(stretches)

    @property
    def turns(self) -> tuple[tuple[Literal["lower", "higher"], float, float], ...]:
        """Who speaks from when to when, of two voices that are told apart; none where they are not."""
        turns: list[tuple[Literal["lower", "higher"], float, float]] = []
        before = None
        for segment in self.segments:
            if segment.voice is not None and segment.voice == before:
                turns[-1] = (segment.voice, turns[-1][1], segment.end)
            elif segment.voice is not None:
                turns.append((segment.voice, segment.start, segment.end))
            before = segment.voice
        return tuple(turns) if len({voice for voice, _, _ in turns}) == 2 else ()

    @property
    def music(self) -> tuple[SoundEvent, ...]:
        """The stretches of music."""
        return tuple(event for event in self.events or () if event.role == "music")

    @property
    def beats_per_minute(self) -> float | None:
        """Of the longest stretch of music that has a regular beat."""
        regular = [event for event in self.music if event.beats_per_minute is not None]
        return max(regular, key=lambda event: event.end - event.start).beats_per_minute if regular else None

    @property
    def singing(self) -> tuple[SoundEvent, ...]:
        """The stretches in which somebody sings."""
        return tuple(event for event in self.events or () if event.role == "singing")

    @property
    def voices(self) -> tuple[SoundEvent, ...]:
        """Stretches that sound like speech in which no words were found."""
        return tuple(
            event
            for event in self.events or ()
            if event.role == "speech" and not any(a < event.end and event.start < b for a, b in self.spoken)
        )

    @property
    def sounds(self) -> tuple[SoundEvent, ...]:
        """All that is told and neither speech nor singing nor music: animals, machines, instruments, tones."""
        return tuple(
            event
            for event in self.events or ()
            if event.role not in ("speech", "singing", "music") and event.hedge != "maybe"
        )

    @property
    def guesses(self) -> tuple[SoundEvent, ...]:
        """What a sound may be that could not be told, the likeliest first; none where somebody speaks."""
        found = () if self.segments else self.events or ()
        return tuple(sorted((each for each in found if each.hedge == "maybe"), key=lambda each: -each.confidence))

    @property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        segments = sum(
            512
            + 2 * len(segment.text)
            + 8 * len(segment.tokens)
            + 160 * len(segment.words)
            + sum(160 + 2 * len(reading.text) for reading in segment.readings)
            for segment in self.segments
        )
        return 512 + segments + 256 * len(self.events or ())

    def credible(self) -> Heard:
        """Without words that were most likely read into other sounds."""
        return replace(self, segments=tuple(each for each in self.segments if is_credible(each, self.events)))

    def report(self) -> HeardAudio:
        """As it leaves the engine."""
        return HeardAudio(
            seconds=self.seconds,
            languages=self.languages,
            segments=self.segments,
            rms_dbfs=round(self.loudness.rms_dbfs, 1),
            peak_dbfs=round(self.loudness.peak_dbfs, 1),
            clipped_share=round(self.loudness.clipped, 6),
            sounds=None if self.events is None else tuple(map(_sound, self.events)),
            music=tuple(map(_music, self.music)),
        )


def is_doubtful(segment: Segment) -> bool:
    """Whether it takes another look to believe that this was said."""
    return segment.avg_logprob < DOUBTFUL_LOGPROB


def is_credible(segment: Segment, events: tuple[SoundEvent, ...] | None) -> bool:
    """Whether this was said at all: a doubtful text is not where nothing sounds like a voice, nor where the recogniser
    itself rather heard no speech."""
    if not is_doubtful(segment) or events is None:
        return True
    voices = (event for event in events if event.role in ("speech", "singing"))
    voiced = any(event.start < segment.end and segment.start < event.end for event in voices)
    return voiced and segment.no_speech_prob < NO_SPEECH


def _music(event: SoundEvent) -> HeardMusic:
    return HeardMusic(event.start, event.end, event.confidence, event.details, event.beats_per_minute)


def _sound(event: SoundEvent) -> HeardSound:
    return HeardSound(event.label, event.role, event.start, event.end, event.confidence, event.background)


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
