"""An audio, stretch by stretch, as windows of speech: in constant memory, however long it is."""

from __future__ import annotations

from collections.abc import Iterator

from auricle.engines.embedded.voice import VoiceActivity, VoiceModel, audible
from auricle.engines.embedded.windows import Span, VoiceOptions, Window, Windower
from auricle.waveform import SAMPLE_RATE, Samples, Waveform

STRETCH = 30 * SAMPLE_RATE  # samples that are read and searched for speech at a time
WHOLE_SECONDS = 4.0  # an audio up to this length is one window: cutting a lone word's soft edges costs words


class Stretches:
    """Reads audios and searches them for speech. Safe to use from several threads."""

    def __init__(self, *, max_window: float, threshold: float, telephone: bool) -> None:
        """Windows of `max_window` seconds; speech from probability `threshold` on, also in a `telephone`'s band."""
        self._voice = VoiceModel()
        self._options = VoiceOptions(threshold=threshold, max_window=max_window)
        self._telephone = telephone

    def of(self, waveform: Waveform) -> Iterator[tuple[list[Window], bool]]:
        """The windows that each stretch of the audio completes, and whether there is more audio."""
        activity = VoiceActivity(self._voice)

        def heard(start: int, stop: int) -> Samples:
            samples = waveform.read(start, stop)
            return audible(samples) if self._telephone else samples

        windower = Windower(self._options)
        if 0 < waveform.sample_count <= WHOLE_SECONDS * SAMPLE_RATE:
            found = windower.feed(activity.feed(heard(0, waveform.sample_count), last=True))
            spoken = any(True for _ in (*found, *windower.finish(waveform.sample_count)))
            yield [Window(0, (Span(0, waveform.sample_count),))] if spoken else [], False
            return
        for start in range(0, waveform.sample_count, STRETCH):
            stop = min(start + STRETCH, waveform.sample_count)
            last = stop == waveform.sample_count
            windows = list(windower.feed(activity.feed(heard(start, stop), last=last)))
            yield [*windows, *windower.finish(stop)] if last else windows, not last
