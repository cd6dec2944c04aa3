"""Sentences that were left out without a sign."""

from __future__ import annotations

import pytest

from auricle.engines.embedded.omission import covered, parts, sparse
from auricle.engines.embedded.whisper import Decoded
from auricle.engines.embedded.windows import Span, Window
from auricle.waveform import SAMPLE_RATE


def span(start: float, stop: float) -> Span:
    return Span(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE))


# Kennedy's "Ask not", a pause, "what your country can do for you", and the same once more, as Silero hears them
VOICES = (span(0.3, 1.1), span(1.5, 4.4), span(5.5, 6.3), span(6.7, 9.6))
WINDOW = Window(2, (span(0, 4.9), span(5.0, 10.2)), lead=1600, trail=3200, voices=VOICES)
WHOLE = [0.3, 0.7, 1.5, 1.9, 2.3, 2.9, 3.3, 3.8, 4.2, 5.4, 5.8, 6.6, 7.0, 7.4, 8.0, 8.4, 8.9, 9.3, 9.6]


def decoded(tokens: int, language: str = "en") -> Decoded:
    return Decoded(tuple(range(tokens)), -0.1, 0.1, language)


def test_words_for_all_of_the_voice() -> None:
    assert covered(WINDOW, WHOLE) == []


@pytest.mark.parametrize(
    ("times", "left_out"),
    [
        ([*WHOLE[:9], 9.6], [2, 3]),  # the last token lasts as long as the second sentence
        ([0.0, *WHOLE[9:]], [0, 1]),  # and the first one as long as the first
        ([0.3, 1.0, *WHOLE[11:]], [1, 2]),
    ],
    ids=["last", "first", "middle"],
)
def test_a_token_that_lasts_as_long_as_a_sentence(times: list[float], left_out: list[int]) -> None:
    assert covered(WINDOW, times) == left_out


def test_only_windows_with_few_tokens_and_a_pause_are_looked_at() -> None:
    assert WINDOW.voiced_seconds == pytest.approx(7.4)
    assert sparse(WINDOW, decoded(10))
    assert not sparse(WINDOW, decoded(26))
    assert sparse(WINDOW, decoded(36, "ja"))
    assert sparse(WINDOW, decoded(90, "th"))  # nobody knows how many tokens Thai has
    assert not sparse(WINDOW, decoded(0))
    assert not sparse(Window(0, (span(0, 9),), voices=(span(1, 8),)), decoded(3))
    assert not sparse(Window(0, (span(0, 4),)), decoded(3))


def test_what_was_left_out_is_a_part_of_its_own() -> None:
    first, second = parts(WINDOW, [2, 3])
    assert first.voices == VOICES[:2]
    assert second.voices == VOICES[2:]
    assert first.pieces == (span(0, 4.95),)
    assert second.pieces == (span(4.95, 10.2),)
    assert (first.lead, second.trail) == (1600, 3200)
    assert first.trail / SAMPLE_RATE == second.lead / SAMPLE_RATE == pytest.approx(0.35)
    assert first.index == second.index == 2


def test_sentences_that_were_left_out_are_parted_and_a_word_is_not_parted_from_its_own() -> None:
    voices = (span(0, 2), span(3, 5), span(6, 8), span(8.4, 9.4), span(10.1, 10.6))
    window = Window(0, (span(0, 11),), voices=voices)
    assert [part.voices for part in parts(window, [1, 2, 3, 4])] == [voices[:1], voices[1:2], voices[2:]]
    assert [part.voices for part in parts(window, [1])] == [voices[:1], voices[1:2], voices[2:]]
    assert parts(Window(0, (span(0, 2),), voices=voices[:1]), [0]) == []


def test_a_window_is_taken_apart_into_a_few_parts_at_most() -> None:
    voices = tuple(span(2 * number, 2 * number + 1.2) for number in range(8))
    window = Window(0, (span(0, 16),), voices=voices)
    assert [len(part.voices) for part in parts(window, [2, 3, 4])] == [2, 1, 1, 1, 3]
    assert [len(part.voices) for part in parts(window, [1, 2, 3, 4, 5])] == [1, 5, 2]
    assert [len(part.voices) for part in parts(window, list(range(2, 8)))] == [2, 6]
