"""What else a sentence may say."""

from __future__ import annotations

from auricle.engines.embedded.readings import (
    AMBIGUOUS_PROBABILITY,
    LOST_LOGPROB,
    UNSURE_PROBABILITY,
    ambiguous,
    told,
    unsure,
    window_of,
)
from auricle.engines.embedded.windows import Span, Window
from auricle.types import Reading, Segment, Word
from auricle.waveform import SAMPLE_RATE


def sentence(*probabilities: float, avg_logprob: float = -0.2) -> Segment:
    words = tuple(Word("word", 0.0, 1.0, probability) for probability in probabilities)
    return Segment("words", 2.0, 3.0, "en", avg_logprob=avg_logprob, words=words)


def test_a_sentence_with_a_doubtful_word_is_ambiguous_unless_all_of_it_is_lost() -> None:
    assert ambiguous(sentence(0.99, AMBIGUOUS_PROBABILITY - 0.01, 0.99))
    assert not ambiguous(sentence(0.99, AMBIGUOUS_PROBABILITY, 0.99))
    assert not ambiguous(sentence(0.99, 0.1, avg_logprob=LOST_LOGPROB - 0.01))
    assert not ambiguous(sentence())


def test_a_sentence_with_a_word_that_is_not_certain_may_have_other_readings() -> None:
    assert unsure(sentence(0.99, UNSURE_PROBABILITY - 0.01, avg_logprob=LOST_LOGPROB - 0.01))
    assert not unsure(sentence(0.99, UNSURE_PROBABILITY))
    assert not unsure(sentence())


def test_a_sentence_is_heard_with_a_margin_within_its_window() -> None:
    def seconds(*pieces: tuple[float, float]) -> tuple[Span, ...]:
        return tuple(Span(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE)) for start, stop in pieces)

    wide = Window(7, seconds((0.0, 2.5), (2.6, 9.0)))
    assert window_of(sentence(), wide) == Window(7, seconds((1.85, 3.15)))
    tight = Window(7, seconds((1.9, 3.1)))
    assert window_of(sentence(), tight) == Window(7, seconds((1.9, 3.1)))


def test_the_sentence_comes_first_with_its_own_probability() -> None:
    found = [Reading("附近有银行吗。", -3.0), Reading("父亲有银行吗", -3.5), Reading("父亲有银行吗。", -4.0)]
    assert told("父亲有银行吗？", found) == (Reading("父亲有银行吗？", -3.5), *found)


def test_a_sentence_that_was_not_found_again_is_as_likely_as_the_likeliest() -> None:
    found = [Reading("One.", -2.0), Reading("Won.", -1.0)]
    assert told(" Wan.", found) == (Reading(" Wan.", -1.0), Reading(" One.", -2.0), Reading(" Won.", -1.0))
