"""From probabilities of speech to windows: stretches of speech of a length that the recogniser likes.

A window is made of one or more pieces of the audio. Short pauses stay inside a piece; long ones are left out, and
`Window.time` leads from a position in the joined pieces back to a time in the audio. Around its speech a window takes
some more of the audio along, as the detector misses soft words: of 29 clips of over 4 s with 64 errors, leaving nothing
off saved 17.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auricle.engines.embedded.voice import CHUNK, CHUNK_SECONDS, Probabilities
from auricle.waveform import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class VoiceOptions:
    """When probabilities count as speech. Durations in seconds."""

    threshold: float = 0.5
    """Probability at which speech begins; it ends `hysteresis` below it."""
    hysteresis: float = 0.15
    min_speech: float = 0.06
    """Shorter speech is no speech."""
    min_silence: float = 0.3
    """Shorter silence does not end speech."""
    padding: float = 0.2
    """Kept on both sides of speech: soft beginnings and ends."""
    margin: float = 1.0
    """Taken along before a window's first speech and after its last, up to half of the way to other speech."""
    max_window: float = 14.0
    """Longest window, pauses included, margins not."""
    max_gap: float = 0.7
    """Longer pauses are left out of a window (all but the padding)."""
    max_pause: float = 4.0
    """Longer pauses end a window."""


@dataclass(frozen=True, slots=True)
class Span:
    """Samples `start` to `stop` of the audio."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces of the audio that are recognised together, in order."""

    index: int
    pieces: tuple[Span, ...]
    lead: int = 0
    """Samples at the beginning in which no speech was found."""
    trail: int = 0
    """And at the end."""
    voices: tuple[Span, ...] = ()
    """Where in them somebody speaks, with pauses between; empty if that was not asked."""

    @property
    def length(self) -> int:
        """Samples of all pieces together."""
        return sum(piece.length for piece in self.pieces)

    @property
    def voiced_seconds(self) -> float:
        """Without margins, padding and pauses."""
        return sum(voice.length for voice in self.voices) / SAMPLE_RATE

    @property
    def seconds(self) -> float:
        return self.length / SAMPLE_RATE

    @property
    def spoken_seconds(self) -> float:
        """Without the margins."""
        return (self.length - self.lead - self.trail) / SAMPLE_RATE

    @property
    def start_seconds(self) -> float:
        """Where speech begins."""
        return (self.pieces[0].start + self.lead) / SAMPLE_RATE

    @property
    def stop_seconds(self) -> float:
        """Where speech ends."""
        return (self.pieces[-1].stop - self.trail) / SAMPLE_RATE

    def time(self, seconds: float, *, is_end: bool = False) -> float:
        """The time in the audio of `seconds` in the joined pieces; an end at a joint belongs to the piece before."""
        position = max(0, round(seconds * SAMPLE_RATE))
        for piece in self.pieces:
            if position < piece.length or (is_end and position == piece.length):
                return (piece.start + position) / SAMPLE_RATE
            position -= piece.length
        return self.pieces[-1].stop / SAMPLE_RATE

    def seconds_at(self, sample: int) -> float:
        """The other way round: seconds in the joined pieces of a sample of the audio."""
        return sum(max(0, min(sample, piece.stop) - piece.start) for piece in self.pieces) / SAMPLE_RATE

    def part(self, first: int, last: int) -> Window:
        """The window of voices `first` to `last` only, with margins of its own up to half of the way to others."""
        options = VoiceOptions()
        margin, padding = round(options.margin * SAMPLE_RATE), round(options.padding * SAMPLE_RATE)
        voices = self.voices[first : last + 1]
        begin, end = voices[0].start, voices[-1].stop
        start, lead = self.pieces[0].start, self.lead
        stop, trail = self.pieces[-1].stop, self.trail
        if first:
            start = max(begin - padding - margin, (self.voices[first - 1].stop + begin) // 2)
            lead = max(0, begin - padding - start)
        if last + 1 < len(self.voices):
            stop = min(end + padding + margin, (end + self.voices[last + 1].start) // 2)
            trail = max(0, stop - padding - end)
        pieces = [piece for piece in self.pieces if piece.stop > begin and piece.start < end]
        pieces[0] = Span(start, pieces[0].stop)
        pieces[-1] = Span(pieces[-1].start, stop)
        return Window(self.index, tuple(pieces), lead, trail, voices)


class Windower:
    """Cuts one audio into windows while its probabilities come in; holds no more than a window of them."""

    def __init__(self, options: VoiceOptions) -> None:
        self._options = options
        self._count = 0  # windows made
        self._chunk = 0  # chunks seen
        self._probabilities: list[float] = []  # of the speech that is open, from `_opened` on
        self._opened: int | None = None  # chunk where the open speech began
        self._silent = 0  # chunks of silence at its end
        self._floor = 0  # chunk before which everything belongs to earlier speech
        self._pieces: list[Span] = []
        self._voices: list[Span] = []  # in them
        self._taken = 0  # samples that earlier windows have had

    def feed(self, probabilities: Probabilities) -> Iterator[Window]:
        """The windows that `probabilities` complete."""
        options = self._options
        for probability in probabilities.tolist():
            speech = probability >= options.threshold - (options.hysteresis if self._opened is not None else 0.0)
            if self._opened is None:
                if speech:
                    self._opened, self._silent, self._probabilities = self._chunk, 0, []
                elif self._pieces and self._seconds(self._chunk * CHUNK - self._pieces[-1].stop) > options.max_pause:
                    yield self._flush(self._chunk * CHUNK)
            if self._opened is not None:
                self._probabilities.append(probability)
                self._silent = 0 if speech else self._silent + 1
                length = len(self._probabilities)
                if self._silent * CHUNK_SECONDS >= options.min_silence:
                    yield from self._close(length - self._silent)
                elif (length + 2) * CHUNK_SECONDS + 2 * options.padding > options.max_window:
                    yield from self._cut()
            self._chunk += 1

    def finish(self, sample_count: int) -> Iterator[Window]:
        """The rest, for an audio of `sample_count` samples."""
        if self._opened is not None:
            yield from self._close(len(self._probabilities) - self._silent, sample_count)
        if self._pieces:
            yield self._flush(sample_count)

    def _close(self, length: int, sample_count: int | None = None) -> Iterator[Window]:
        """Speech ended `length` chunks after it began."""
        opened = self._opened
        self._opened = None
        if opened is None or length * CHUNK_SECONDS < self._options.min_speech:
            return
        yield from self._add(opened, opened + length, sample_count)

    def _cut(self) -> Iterator[Window]:
        """Speech that does not end: cut it where it is least certain, in the latter half."""
        opened = self._opened
        if opened is None:
            return
        half = len(self._probabilities) // 2
        lowest = min(range(half, len(self._probabilities) - 1), key=self._probabilities.__getitem__)
        yield from self._add(opened, opened + lowest + 1)
        self._opened = opened + lowest + 1
        self._probabilities = self._probabilities[lowest + 1 :]
        self._silent = min(self._silent, len(self._probabilities))
        self._floor = self._opened

    def _add(self, start: int, stop: int, sample_count: int | None = None) -> Iterator[Window]:
        """Put speech from chunk `start` to `stop`, padded, into the open window, or into a new one."""
        options = self._options
        padding = round(options.padding * SAMPLE_RATE)
        first = max(start * CHUNK - (padding if start > self._floor else 0), self._floor * CHUNK, 0)
        last = stop * CHUNK + (padding if self._opened is None else 0)
        if sample_count is not None:
            last = min(last, sample_count)
        voice = Span(start * CHUNK, stop * CHUNK if sample_count is None else min(stop * CHUNK, sample_count))
        if self._pieces:
            before = self._pieces[-1]
            first = max(first, before.stop)
            gap = self._seconds(first - before.stop)
            joined = gap <= options.max_gap - 2 * options.padding
            span = Span(before.start if joined else first, last)
            others = sum(piece.length for piece in (self._pieces[:-1] if joined else self._pieces))
            if gap <= options.max_pause and self._seconds(others + span.length) <= options.max_window:
                if joined:
                    self._pieces[-1] = span
                else:
                    self._pieces.append(span)
                self._voices.append(voice)
                return
            yield self._flush((before.stop + first) // 2)
        self._pieces, self._voices = [Span(first, last)], [voice]

    def _flush(self, limit: int) -> Window:
        """The window that is open, with margins that end at sample `limit`."""
        margin = round(self._options.margin * SAMPLE_RATE)
        pieces = self._pieces
        first, last = pieces[0], pieces[-1]
        lead = min(margin, first.start - self._taken)
        trail = max(0, min(margin, limit - last.stop))
        pieces[0] = Span(first.start - lead, first.stop)
        pieces[-1] = Span(pieces[-1].start, last.stop + trail)
        window = Window(self._count, tuple(pieces), lead, trail, tuple(self._voices))
        self._count += 1
        self._pieces = []
        self._taken = last.stop + trail
        return window

    @staticmethod
    def _seconds(samples: int) -> float:
        return samples / SAMPLE_RATE
