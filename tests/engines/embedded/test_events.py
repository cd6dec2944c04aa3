"""Events from frame scores that are written here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auricle.engines.embedded.events import FrameScores, SoundEvent, find_events
from auricle.engines.embedded.sound_classes import by_label
from auricle.engines.embedded.tempo import RATE

HOP, WINDOW = 0.24, 0.975


def frames(
    count: int, level: float = -20.0, tone: float = 0.0, change: float = 1.0, **scores: tuple[slice, float]
) -> FrameScores:
    """`count` frames in which the classes named have the scores given, in the frames given. `_` stands for a space."""
    table = np.zeros((count, 521), np.float32)
    for name, (where, score) in scores.items():
        table[where, by_label()[name.replace("_", " ")].index] = score
    levels = np.full(count, level, np.float32)
    tones, changes = np.full(count, tone, np.float32), np.full(count, change, np.float32)
    duration = count * HOP + WINDOW - HOP
    onsets = np.zeros(round(duration * RATE), np.float32)
    return FrameScores(HOP, WINDOW, duration, table, levels, tones, changes, onsets)


def labels(found: tuple[SoundEvent, ...]) -> list[str]:
    return [event.label for event in found]


ALL = slice(None)


def test_nothing_comes_of_nothing() -> None:
    assert find_events(frames(0)) == ()
    assert find_events(frames(20)) == ()


def test_a_sound_is_told_with_its_times() -> None:
    (event,) = find_events(frames(100, Cat=(slice(40, 48), 0.95)))
    assert event.label == "Cat"
    assert event.start == pytest.approx(40 * HOP + WINDOW / 2, abs=0.4)
    assert event.end == pytest.approx(47 * HOP + WINDOW / 2, abs=0.4)
    assert event.confidence > 0.8
    assert not event.background


def test_the_general_is_not_told_beside_the_particular() -> None:
    scores = frames(12, Animal=(ALL, 0.99), Dog=(ALL, 0.95), Bark=(ALL, 0.9), Yip=(ALL, 0.5))
    assert labels(find_events(scores)) == ["Bark"]


def test_a_particular_that_is_not_sure_leaves_its_kind() -> None:
    assert labels(find_events(frames(12, Animal=(ALL, 0.99), Dog=(ALL, 0.95), Bark=(ALL, 0.4)))) == ["Dog"]


def test_the_general_is_told_where_nothing_particular_is() -> None:
    assert labels(find_events(frames(12, Animal=(ALL, 0.9), Dog=(ALL, 0.01)))) == ["Animal"]


def guesses(found: tuple[SoundEvent, ...]) -> list[str]:
    maybe = [event for event in found if event.hedge == "maybe"]
    return labels(tuple(sorted(maybe, key=lambda event: -event.confidence)))


def test_guesses_are_told_where_nothing_is_sure_enough() -> None:
    scores = frames(12, Cat=(ALL, 0.36), Siren=(ALL, 0.2), Thunder=(ALL, 0.1), Banjo=(ALL, 0.02))
    found = find_events(scores)
    assert guesses(found) == ["Cat", "Siren", "Thunder"], "the banjo is too unlikely"
    assert {event.hedge for event in found} == {"maybe"}
    assert labels(find_events(frames(12, Dog=(ALL, 0.95), Siren=(ALL, 0.4)))) == ["Dog"]
    assert labels(find_events(frames(12, Speech=(ALL, 0.9), Cat=(ALL, 0.36)))) == ["Speech"]


def test_guesses_are_three_of_each_kind() -> None:
    found = find_events(
        frames(12, Cat=(ALL, 0.36), Duck=(ALL, 0.3), Frog=(ALL, 0.25), Owl=(ALL, 0.2), Banjo=(ALL, 0.1))
    )
    assert guesses(found) == ["Cat", "Duck", "Frog", "Banjo"]


def test_guesses_are_of_the_kind_that_is_known() -> None:
    animal = find_events(frames(12, Animal=(ALL, 0.9), Dog=(ALL, 0.25), Siren=(ALL, 0.4)))
    assert set(labels(animal)) == {"Animal", "Dog"}
    music = find_events(frames(12, Music=(ALL, 0.9), Organ=(ALL, 0.25), Siren=(ALL, 0.29)))
    assert set(labels(music)) == {"Music", "Organ"}


def test_what_is_told_but_not_sure_may_be_something_else() -> None:
    (told, other) = sorted(find_events(frames(8, Cat=(ALL, 0.65), Siren=(ALL, 0.2))), key=lambda e: -e.confidence)
    assert (told.label, told.hedge, other.label, other.hedge) == ("Cat", "perhaps", "Siren", "maybe")


def test_unchanging_noise_may_be_nothing_else() -> None:
    assert find_events(frames(12, change=0.2, Cat=(ALL, 0.36), Siren=(ALL, 0.2))) == ()


def test_one_of_a_family_is_told() -> None:
    assert labels(find_events(frames(12, Trumpet=(ALL, 0.85), Trombone=(ALL, 0.9)))) == ["Trombone"]


def test_what_another_outshines_is_not_told() -> None:
    assert labels(find_events(frames(12, Cat=(ALL, 0.95), Siren=(ALL, 0.5)))) == ["Cat"]


def test_two_sounds_at_once_are_both_told() -> None:
    assert set(labels(find_events(frames(12, Cat=(ALL, 0.9), Thunder=(ALL, 0.85))))) == {"Cat", "Thunder"}


def test_a_single_frame_is_a_fluke() -> None:
    (event,) = find_events(frames(40, Cat=(slice(20, 21), 0.6)))
    assert event.hedge == "maybe"


def test_quiet_frames_hold_nothing() -> None:
    assert find_events(frames(20, level=-75.0, Cat=(ALL, 0.99))) == ()


def test_a_steady_tone_is_no_telephone() -> None:
    (event,) = find_events(frames(20, tone=0.99, Telephone=(ALL, 0.99), Alarm=(ALL, 0.9)))
    assert (event.label, event.role) == ("Sine wave", "tone")


def test_pauses_do_not_split_speech() -> None:
    scores = frames(100, Speech=(slice(10, 90), 0.95))
    scores.scores[40:44] = 0.0
    (event,) = find_events(scores)
    assert (event.label, event.role) == ("Speech", "speech")


def test_music_is_heard_under_speech() -> None:
    assert [event.role for event in find_events(frames(40, Speech=(ALL, 0.9), Music=(ALL, 0.2)))] == ["music", "speech"]
    assert find_events(frames(40, Music=(ALL, 0.2))) == ()


def test_music_tells_its_style() -> None:
    (event,) = find_events(frames(40, Music=(ALL, 0.98), Jazz=(ALL, 0.6), Disco=(ALL, 0.1)))
    assert (event.role, event.details) == ("music", ("Jazz",))


def test_music_tells_its_tempo() -> None:
    scores = frames(40, Music=(ALL, 0.98))
    scores.onsets[10::60] = 1.0
    (event,) = find_events(scores)
    assert event.beats_per_minute == pytest.approx(100, abs=1)
    (short,) = find_events(frames(10, Music=(ALL, 0.98)))
    assert short.beats_per_minute is None


def test_what_never_stops_is_background_and_said_once() -> None:
    scores = frames(120, Rain=(ALL, 0.9))
    scores.scores[50:60] = 0.0
    (event,) = find_events(scores)
    assert event.background
    assert event.start == 0.0
    assert event.end == pytest.approx(scores.duration, abs=0.01)


@pytest.mark.parametrize(("score", "hedge"), [(0.98, "clearly"), (0.75, "probably"), (0.55, "perhaps")])
def test_confidence_decides_how_it_is_said(score: float, hedge: str) -> None:
    (event,) = find_events(frames(8, Cat=(ALL, score)))
    assert event.hedge == hedge


def test_names_are_for_people() -> None:
    (event,) = find_events(frames(8, Meow=(ALL, 0.95)))
    assert (event.english, event.chinese) == ("a cat meowing", "猫叫声")


def test_any_scores_give_events_within_the_audio() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(1, 80))
        table: npt.NDArray[np.float32] = (rng.random((count, 521)) ** 20).astype(np.float32)
        duration = count * HOP + WINDOW - HOP
        levels = np.full(count, -20, np.float32)
        tones, changes = rng.random((2, count)).astype(np.float32)
        onsets = rng.random(round(duration * RATE)).astype(np.float32)
        found = find_events(FrameScores(HOP, WINDOW, duration, table, levels, tones, changes, onsets))
        assert list(found) == sorted(found, key=lambda event: event.start)
        for event in found:
            assert 0 <= event.start < event.end <= duration + 0.01
            assert 0 <= event.confidence <= 1
