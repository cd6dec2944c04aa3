"""From probabilities of speech to windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.embedded.voice import CHUNK, CHUNK_SECONDS
from auricle.engines.embedded.windows import Span, VoiceOptions, Window, Windower
from auricle.waveform import SAMPLE_RATE


def windows(probabilities: list[float], options: VoiceOptions | None = None, stretch: int = 50) -> list[Window]:
    options = options or VoiceOptions()
    windower = Windower(options)
    found: list[Window] = []
    for start in range(0, len(probabilities), stretch):
        found += windower.feed(np.array(probabilities[start : start + stretch], dtype=np.float32))
    return [*found, *windower.finish(len(probabilities) * CHUNK)]


def chunks(seconds: float) -> int:
    return round(seconds / CHUNK_SECONDS)


def test_silence_has_no_window() -> None:
    assert windows([0.01] * 1000) == []


def test_a_click_is_no_speech() -> None:
    assert windows([0.01] * 50 + [0.9] + [0.01] * 50) == []


def test_speech_is_padded_but_not_beyond_the_audio() -> None:
    (window,) = windows([0.0] * chunks(1) + [0.9] * chunks(2) + [0.0] * chunks(1))
    assert window.start_seconds == pytest.approx(0.8, abs=0.05)
    assert window.stop_seconds == pytest.approx(3.2, abs=0.05)
    (whole,) = windows([0.9] * chunks(2))
    assert whole.pieces == (Span(0, chunks(2) * CHUNK),)


def test_a_window_takes_some_of_the_silence_around_it_along() -> None:
    (window,) = windows([0.0] * chunks(3) + [0.9] * chunks(2) + [0.0] * chunks(0.5))
    assert window.lead == SAMPLE_RATE
    assert window.pieces[0].start / SAMPLE_RATE == pytest.approx(1.8, abs=0.05)
    assert window.trail / SAMPLE_RATE == pytest.approx(0.3, abs=0.05)
    assert window.spoken_seconds == pytest.approx(2.4, abs=0.05)


def test_windows_share_the_silence_between_them() -> None:
    before, after = windows([0.9] * chunks(10) + [0.0] * chunks(1) + [0.9] * chunks(10))
    assert before.pieces[-1].stop == after.pieces[0].start
    assert before.trail == pytest.approx(after.lead, abs=1)
    assert before.trail / SAMPLE_RATE == pytest.approx(0.3, abs=0.05)


def test_short_pauses_stay_and_long_ones_are_left_out() -> None:
    def speak(pause: float) -> Window:
        (window,) = windows([0.9] * chunks(2) + [0.0] * chunks(pause) + [0.9] * chunks(2))
        return window

    assert len(speak(0.5).pieces) == 1
    assert len(speak(3.0).pieces) == 2
    assert speak(3.0).seconds < 4.6


def test_a_very_long_pause_ends_a_window() -> None:
    found = windows([0.9] * chunks(2) + [0.0] * chunks(6) + [0.9] * chunks(2))
    assert [window.index for window in found] == [0, 1]


def test_endless_speech_is_cut_where_it_is_least_certain() -> None:
    probabilities = [0.9] * chunks(40)
    probabilities[chunks(11)] = 0.5
    found = windows(probabilities)
    assert found[0].stop_seconds == pytest.approx(11, abs=0.1)
    assert all(window.seconds <= 14 for window in found)
    assert sum(window.length for window in found) == len(probabilities) * CHUNK


def test_times_lead_back_into_the_audio() -> None:
    window = Window(0, (Span(16_000, 32_000), Span(80_000, 96_000)))
    assert window.time(0.5) == 1.5
    assert window.time(1.0) == 5.0
    assert window.time(1.0, is_end=True) == 2.0
    assert window.time(1.5) == 5.5
    assert window.time(9) == window.stop_seconds == 6.0


def test_a_window_knows_where_somebody_speaks() -> None:
    (window,) = windows([0.0] * chunks(1) + [0.9] * chunks(2) + [0.0] * chunks(3) + [0.9] * chunks(2))
    assert [voice.length / SAMPLE_RATE for voice in window.voices] == pytest.approx([2, 2], abs=0.05)
    assert window.voices[1].start / SAMPLE_RATE == pytest.approx(6, abs=0.05)
    assert window.time(window.seconds_at(window.voices[1].start)) == window.voices[1].start / SAMPLE_RATE


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 200)), max_size=12),
    st.integers(1, 300),
)
def test_windows_are_short_ordered_and_independent_of_the_stretches(
    runs: list[tuple[float, int]], stretch: int
) -> None:
    probabilities = [probability for probability, count in runs for _ in range(count)]
    found = windows(probabilities)
    assert found == windows(probabilities, stretch=stretch)
    assert [window.index for window in found] == list(range(len(found)))
    voices = [edge for window in found for voice in window.voices for edge in (voice.start, voice.stop)]
    assert voices == sorted(voices)
    for window in found:
        inside = [any(p.start <= v.start and v.stop <= p.stop for p in window.pieces) for v in window.voices]
        assert inside
        assert all(inside)
    edges = [edge for window in found for piece in window.pieces for edge in (piece.start, piece.stop)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(probabilities) * CHUNK for edge in edges)
    margins = 2 * VoiceOptions().margin
    assert all(0 < window.spoken_seconds <= 14.0 and window.seconds <= 14.0 + margins for window in found)
