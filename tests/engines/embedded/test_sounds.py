"""Sounds in real recordings, by the real network, here and in its child process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.sound_classes import by_label, sound_classes
from auricle.engines.embedded.sounds import Sounds
from auricle.engines.embedded.tagger import HOP_SAMPLES, STRETCH_PATCHES, SoundTagger, patch_count
from auricle.engines.embedded.tempo import tempo
from auricle.errors import EngineFailed, Unavailable, WeightsError
from auricle.waveform import SAMPLE_RATE, Samples, Waveform
from tests.engines.waveforms import from_samples, from_wav, noise, silence

pytestmark = pytest.mark.weights

CLIPS = Path(__file__).parent / "clips"
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def tagger(sounds_bundle: Path, sounds_cache: Path) -> SoundTagger:
    return SoundTagger.load(sounds_bundle, sounds_cache)


def samples_of(path: Path) -> Samples:
    return from_wav(path).read()


def scene(seconds: float, *placed: tuple[float, Samples]) -> Waveform:
    """Sounds at their times in a quiet room."""
    samples = np.random.default_rng(0).normal(0, 0.001, round(seconds * SAMPLE_RATE)).astype(np.float32)
    for at, sound in placed:
        start = round(at * SAMPLE_RATE)
        samples[start : start + len(sound)] += sound
    return from_samples(samples)


def roles(events: tuple[SoundEvent, ...]) -> set[str]:
    return {event.role for event in events}


@pytest.mark.parametrize(("clip", "labels"), [("crow", {"Crow", "Caw"}), ("sheep", {"Sheep", "Bleat"})])
def test_an_animal_is_told_by_its_kind(tagger: SoundTagger, clip: str, labels: set[str]) -> None:
    events = tagger.listen(from_wav(CLIPS / f"{clip}.wav"))
    assert events
    assert {event.label for event in events} <= labels


def test_a_sound_is_found_where_it_is(tagger: SoundTagger) -> None:
    events = tagger.listen(scene(40, (33.0, samples_of(CLIPS / "sheep.wav"))))
    (event,) = [event for event in events if event.role == "sound"]
    assert event.label in {"Sheep", "Bleat"}
    assert event.start == pytest.approx(33.0, abs=0.7)
    assert event.end == pytest.approx(34.3, abs=0.7)


def test_speech_is_a_span_and_no_music(tagger: SoundTagger) -> None:
    events = tagger.listen(from_wav(EXAMPLES / "ask-not.wav"))
    assert "speech" in roles(events)
    assert "music" not in roles(events)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 10.0])
def test_silence_holds_nothing(tagger: SoundTagger, seconds: float) -> None:
    assert tagger.listen(silence(seconds)) == ()


def test_a_silent_room_holds_nothing(tagger: SoundTagger) -> None:
    assert tagger.listen(noise(10, level=0.0004)) == ()


@pytest.mark.parametrize("hertz", [50, 440, 1000, 3000])
def test_a_pure_tone_is_a_tone(tagger: SoundTagger, hertz: float) -> None:
    times = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    events = tagger.listen(from_samples((0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)))
    assert [event.label for event in events] == ["Sine wave"]


def test_noise_is_noise(tagger: SoundTagger) -> None:
    events = tagger.listen(noise(10))
    assert max(events, key=lambda event: event.confidence).role == "noise"
    kinds = {sound_classes()[index].label for event in events for index in by_label()[event.label].ancestors}
    assert not kinds & {"Animal", "Alarm", "Music"}


def test_loudness_does_not_matter(tagger: SoundTagger) -> None:
    sheep = samples_of(CLIPS / "sheep.wav")
    quiet = tagger.listen(from_samples((sheep * 0.06).astype(np.float32)))
    assert {event.label for event in quiet} & {"Sheep", "Bleat"}


def test_stretches_meet_without_a_seam(tagger: SoundTagger) -> None:
    """The same second of sound scores alike wherever in its stretch it lies."""
    room = np.random.default_rng(1).normal(0, 0.05, 70 * SAMPLE_RATE).astype(np.float32)
    seam = STRETCH_PATCHES * HOP_SAMPLES
    whole = tagger.scores(from_samples(room))
    shifted = tagger.scores(from_samples(room[HOP_SAMPLES * 50 :]))
    around = slice(seam // HOP_SAMPLES - 5, seam // HOP_SAMPLES + 5)
    moved = slice(around.start - 50, around.stop - 50)
    np.testing.assert_allclose(whole.scores[around], shifted.scores[moved], atol=0.05)
    np.testing.assert_allclose(whole.levels[around], shifted.levels[moved], atol=0.01)


def test_a_tempo_is_found_across_stretches(tagger: SoundTagger) -> None:
    bleat = samples_of(CLIPS / "sheep.wav")[4800:8000] * 0.5
    frames = tagger.scores(scene(45, *((0.3 + number * 60 / 96, bleat) for number in range(70))))
    assert tempo(frames.onsets) == pytest.approx(96, rel=0.01)


@pytest.mark.parametrize(("samples", "patches"), [(0, 0), (1, 1), (15_600, 1), (15_601, 2), (15_600 + 3840, 2)])
def test_patches_cover_the_audio(samples: int, patches: int) -> None:
    assert patch_count(samples) == patches


@pytest.fixture
async def sounds(sounds_bundle: Path, sounds_cache: Path) -> AsyncGenerator[Sounds, None]:
    sounds = Sounds(lambda: sounds_bundle, sounds_cache)
    await sounds.start()
    await asyncio.wait_for(sounds.wait_ready(), 60)
    yield sounds
    await sounds.close()


async def test_the_child_hears_what_the_tagger_hears(sounds: Sounds, tagger: SoundTagger, tmp_path: Path) -> None:
    waveform = scene(8, (3.0, samples_of(CLIPS / "sheep.wav")))
    assert sounds.readiness.ready
    assert await sounds.listen(waveform) == tagger.listen(waveform)
    spool = tmp_path / "spooled.pcm"
    assert isinstance(waveform.pcm, bytes)
    spool.write_bytes(waveform.pcm)
    spooled = Waveform(spool, waveform.sample_count, waveform.duration, waveform.tokens, waveform.digest)
    assert await sounds.listen(spooled) == tagger.listen(waveform)


async def test_a_short_audio_overtakes_a_long_one(sounds: Sounds) -> None:
    long = asyncio.create_task(sounds.listen(noise(900)))
    await asyncio.sleep(0.3)
    assert {event.label for event in await sounds.listen(from_wav(CLIPS / "crow.wav"))} <= {"Crow", "Caw"}
    assert not long.done()
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)


async def test_a_cancelled_audio_frees_the_child(sounds: Sounds) -> None:
    tasks = [asyncio.create_task(sounds.listen(noise(1800))) for _ in range(3)]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait_for(sounds.listen(silence(1)), 5)


async def test_a_file_that_vanished_costs_one_audio(sounds: Sounds, tmp_path: Path) -> None:
    gone = silence(1)
    missing = Waveform(tmp_path / "gone.pcm", gone.sample_count, gone.duration, gone.tokens, gone.digest)
    with pytest.raises(EngineFailed, match="FileNotFoundError"):
        await sounds.listen(missing)
    assert await sounds.listen(gone) == ()


async def test_a_child_that_dies_is_restarted(sounds: Sounds) -> None:
    pid = sounds.worker_pid
    assert pid is not None
    running = asyncio.create_task(sounds.listen(noise(1800)))
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineFailed):
        await running
    assert await asyncio.wait_for(sounds.listen(silence(1)), 30) == ()
    assert sounds.worker_pid not in (None, pid)


async def test_close_ends_the_child(sounds: Sounds) -> None:
    pid = sounds.worker_pid
    assert pid is not None
    await sounds.close()
    await sounds.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Unavailable):
        await sounds.listen(silence(1))


async def test_weights_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    def missing() -> Path:
        raise WeightsError("yamnet: nowhere to be found")

    sounds = Sounds(missing, tmp_path)
    await sounds.start()
    with pytest.raises(WeightsError, match="nowhere to be found"):
        await sounds.wait_ready()
    assert not sounds.readiness.ready
    await sounds.close()


async def test_weights_that_are_damaged_are_told(tmp_path: Path) -> None:
    sounds = Sounds(tmp_path, tmp_path)
    await sounds.start()
    with pytest.raises(WeightsError, match="cannot convert YAMNet"):
        await asyncio.wait_for(sounds.wait_ready(), 60)
    await sounds.close()
