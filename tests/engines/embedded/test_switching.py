"""Windows of two languages."""

from __future__ import annotations

import numpy as np

from auricle.engines.embedded.switching import parts, slices
from auricle.engines.embedded.windows import Span, Window
from auricle.waveform import SAMPLE_RATE

WINDOW = Window(3, (Span(0, 48_000), Span(80_000, 128_000), Span(160_000, 208_000)), lead=1600, trail=3200)


def test_a_window_of_one_language_stays_whole() -> None:
    assert parts(WINDOW, [("en", 0.9), ("en", 0.7), ("en", 0.9)]) == []


def test_two_languages_are_parted_in_the_middle_of_the_pause() -> None:
    (english, first), (chinese, second) = parts(WINDOW, [("en", 0.9), ("zh", 0.95), ("zh", 0.7)])
    assert (first, second) == ("en", "zh")
    assert english.pieces == (Span(0, 48_000 + SAMPLE_RATE),)
    assert (english.lead, english.trail) == (1600, SAMPLE_RATE)
    assert chinese.pieces == (Span(64_000, 128_000), Span(160_000, 208_000))
    assert (chinese.lead, chinese.trail) == (SAMPLE_RATE, 3200)
    assert english.index == chinese.index == 3


def test_an_unsure_piece_goes_with_the_one_before() -> None:
    (english, _), (chinese, _) = parts(WINDOW, [("en", 0.9), ("la", 0.4), ("zh", 0.95)])
    assert len(english.pieces) == 2
    assert chinese.stop_seconds == WINDOW.stop_seconds
    assert len(chinese.pieces) == 1


def test_a_doubtful_second_language_parts_nothing() -> None:
    assert parts(WINDOW, [("fr", 0.9), ("la", 0.65), ("fr", 0.7)]) == []


def test_a_word_of_another_language_parts_nothing() -> None:
    window = Window(0, (Span(0, 48_000), Span(80_000, 96_000)))
    assert parts(window, [("en", 0.9), ("zh", 0.95)]) == []


def test_states_are_sliced_by_piece() -> None:
    states = np.zeros((500, 4), dtype=np.float32)
    assert [piece.shape[0] for piece in slices(WINDOW, states)] == [150, 150, 150]
