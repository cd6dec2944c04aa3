"""The listener over a recogniser that is told what to find, so that it can be stopped, broken and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.engines.embedded.events import SoundEvent
from auricle.engines.embedded.heard import Heard, is_credible
from auricle.engines.embedded.listener import Hearing, Listener, Memory
from auricle.errors import AuricleError, EngineFailed
from auricle.types import RecognitionOptions, Segment
from auricle.waveform import Waveform
from tests.engines.embedded.questions import LOUD
from tests.engines.waveforms import noise, silence

OPTIONS = RecognitionOptions()
SAID = [Segment(f"part {n}", float(n), n + 1.0, "en") for n in range(4)]


class Told:
    """Finds `SAID` in everything, a segment each time it is allowed one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.permits = asyncio.Semaphore(0)
        self.failure = failure
        self.started: list[Waveform] = []
        self.running = 0

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        self.started.append(waveform)
        self.running += 1
        try:
            for segment in SAID:
                await self.permits.acquire()
                yield segment
            if self.failure is not None:
                raise self.failure
        finally:
            self.running -= 1

    def allow(self, count: int = len(SAID)) -> None:
        for _ in range(count):
            self.permits.release()


async def texts(hearing: Hearing) -> list[str]:
    return [segment.text async for segment in hearing.segments()]


ALL = [segment.text for segment in SAID]


async def test_segments_come_as_they_are_found() -> None:
    told = Told()
    hearing = Listener(told).hear(noise(1), OPTIONS)
    segments = hearing.segments()
    told.allow(1)
    assert (await anext(segments)).text == "part 0"
    waiting = asyncio.ensure_future(anext(segments))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    told.allow()
    assert (await waiting).text == "part 1"
    heard = await hearing.result()
    assert heard.segments == tuple(SAID)
    assert heard.seconds == 1
    assert -25 < heard.loudness.rms_dbfs < -15
    hearing.close()


async def test_what_was_heard_is_not_heard_again() -> None:
    told = Told()
    listener = Listener(told)
    told.allow()
    first = listener.hear(noise(1), OPTIONS)
    assert await texts(first) == ALL
    await first.result()
    second = listener.hear(noise(1), OPTIONS)
    assert (first.cached, second.cached) == (False, True)
    assert await texts(second) == ALL
    assert await second.result() == await first.result()
    assert len(told.started) == 1


@pytest.mark.parametrize("other", [(noise(1, seed=1), OPTIONS), (noise(1), RecognitionOptions(language="de"))])
async def test_other_samples_and_other_options_are_heard_anew(other: tuple[Waveform, RecognitionOptions]) -> None:
    told = Told()
    listener = Listener(told)
    told.allow(8)
    assert await texts(listener.hear(noise(1), OPTIONS)) == ALL
    again = listener.hear(*other)
    assert not again.cached
    assert await texts(again) == ALL
    assert len(told.started) == 2


async def test_two_who_ask_at_the_same_time_share_one_hearing() -> None:
    told = Told()
    listener = Listener(told)
    first, second = listener.hear(noise(1), OPTIONS), listener.hear(noise(1), OPTIONS)
    told.allow()
    assert list(await asyncio.gather(texts(first), texts(second))) == [ALL, ALL]
    assert len(told.started) == 1
    assert second.cached


async def test_when_everybody_has_gone_listening_stops_and_begins_anew_for_the_next() -> None:
    told = Told()
    listener = Listener(told)
    first, second = listener.hear(noise(1), OPTIONS), listener.hear(noise(1), OPTIONS)
    told.allow(1)
    await anext(first.segments())
    first.close()
    await asyncio.sleep(0.01)
    assert told.running == 1
    second.close()
    second.close()
    await asyncio.sleep(0.01)
    assert told.running == 0
    third = listener.hear(noise(1), OPTIONS)
    assert not third.cached
    told.allow()
    assert await texts(third) == ALL


async def test_a_spool_file_that_goes_with_its_request_is_replaced_by_another_one(tmp_path: Path) -> None:
    told = Told()
    listener = Listener(told)
    memory = noise(1)
    assert isinstance(memory.pcm, bytes)
    spools = []
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(memory.pcm)
        spools.append(Waveform(tmp_path / name, memory.sample_count, memory.duration, memory.tokens, memory.digest))
    first, second = (listener.hear(spool, OPTIONS) for spool in spools)
    told.allow(2)
    follower = asyncio.create_task(texts(second))
    await anext(first.segments())
    await asyncio.sleep(0.01)
    first.close()
    spools[0].discard()
    told.allow(10)
    assert await follower == ALL
    assert [waveform.pcm for waveform in told.started] == [spool.pcm for spool in spools]
    assert (await second.result()).loudness.rms_dbfs > -25


@pytest.mark.parametrize("failure", [EngineFailed("it died"), OSError("disk"), RuntimeError("bug")])
async def test_failures_reach_everybody_as_ours_and_are_not_remembered(failure: Exception) -> None:
    told = Told(failure)
    listener = Listener(told)
    told.allow()
    hearings = [listener.hear(noise(1), OPTIONS) for _ in range(2)]
    for hearing in hearings:
        with pytest.raises(EngineFailed):
            await texts(hearing)
        with pytest.raises(EngineFailed):
            await hearing.result()
        hearing.close()
    assert not listener.hear(noise(1), OPTIONS).cached
    assert len(listener.memory) == 0


async def test_closing_the_listener_stops_everything() -> None:
    told = Told()
    listener = Listener(told)
    hearing = listener.hear(silence(1), OPTIONS)
    await asyncio.sleep(0.01)
    assert told.running == 1
    await listener.close()
    await asyncio.sleep(0.01)
    assert told.running == 0
    hearing.close()


def test_memory_is_bounded_and_forgets_the_longest_unused() -> None:
    heard = Heard(1.0, tuple(SAID), LOUD)
    memory = Memory(3 * heard.size_bytes)
    keys = [(name, OPTIONS) for name in "abcd"]
    for key in keys[:3]:
        memory.put(key, heard)
    assert memory.get(keys[0]) is heard
    memory.put(keys[3], heard)
    assert [memory.get(key) is not None for key in keys] == [True, False, True, True]
    memory.put(keys[3], heard)
    assert len(memory) == 3


BARK = SoundEvent("Bark", "sound", 0.2, 0.8, 0.9)


class Ears:
    """Hears a bark in everything, when it is let."""

    def __init__(self, failure: AuricleError | None = None) -> None:
        self.let = asyncio.Event()
        self.failure = failure
        self.asked = self.stopped = 0

    async def listen(self, waveform: Waveform) -> tuple[SoundEvent, ...]:
        self.asked += 1
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.failure is not None:
            raise self.failure
        return (BARK,)


async def test_sounds_are_heard_beside_speech_and_hold_no_words_up() -> None:
    told, ears = Told(), Ears()
    told.allow()
    hearing = Listener(told, sounds=ears).hear(noise(1), OPTIONS, sounds=True)
    assert await texts(hearing) == ALL
    assert ears.asked == 1
    ears.let.set()
    assert (await hearing.result()).events == (BARK,)


async def test_who_wants_words_only_does_not_pay_for_sounds() -> None:
    told, ears = Told(), Ears()
    told.allow()
    listener = Listener(told, sounds=ears)
    first = listener.hear(noise(1), OPTIONS)
    assert (await first.result()).events is None
    assert ears.asked == 0
    ears.let.set()
    second = listener.hear(noise(1), OPTIONS, sounds=True)
    assert await texts(second) == ALL
    assert (await second.result()).events == (BARK,)
    assert (len(told.started), ears.asked) == (1, 1), "words are remembered, sounds are heard once they are wanted"
    third = listener.hear(noise(1), OPTIONS, sounds=True)
    assert (await third.result()).events == (BARK,)
    assert ears.asked == 1


async def test_who_wants_sounds_may_join_later() -> None:
    told, ears = Told(), Ears()
    listener = Listener(told, sounds=ears)
    words, both = listener.hear(noise(1), OPTIONS), listener.hear(noise(1), OPTIONS, sounds=True)
    told.allow()
    ears.let.set()
    assert (await both.result()).events == (BARK,)
    assert await texts(words) == ALL


async def test_sounds_that_cannot_be_heard_cost_only_themselves() -> None:
    told, ears = Told(), Ears(EngineFailed("it died"))
    told.allow()
    ears.let.set()
    listener = Listener(told, sounds=ears)
    heard = await listener.hear(noise(1), OPTIONS, sounds=True).result()
    assert heard.events is None
    assert len(heard.segments) == len(SAID)
    ears.failure = None
    assert (await listener.hear(noise(1), OPTIONS, sounds=True).result()).events == (BARK,), "tried again next time"


async def test_sounds_stop_when_nobody_listens_any_more() -> None:
    ears = Ears()
    hearing = Listener(Told(), sounds=ears).hear(noise(1), OPTIONS, sounds=True)
    await asyncio.sleep(0.01)
    hearing.close()
    await asyncio.sleep(0.01)
    assert (ears.asked, ears.stopped) == (1, 1)


async def test_words_that_no_voice_said_are_not_believed() -> None:
    sure, doubtful = SAID[0], replace(SAID[0], avg_logprob=-0.9)
    voice = SoundEvent("Speech", "speech", 0.0, 1.0, 0.9)
    assert is_credible(sure, (BARK,))
    assert not is_credible(doubtful, (BARK,))
    assert is_credible(doubtful, (voice,))
    assert not is_credible(replace(doubtful, no_speech_prob=0.8), (voice,))
    assert is_credible(doubtful, None), "nothing is known about voices"
    assert Heard(1.0, (sure, doubtful), LOUD, (BARK,)).credible().segments == (sure,)


async def test_sounds_can_be_waited_for_while_words_come() -> None:
    told, ears = Told(), Ears()
    hearing = Listener(told, sounds=ears).hear(noise(1), OPTIONS, sounds=True)
    waiting = asyncio.create_task(hearing.events())
    await asyncio.sleep(0)
    ears.let.set()
    assert await waiting == (BARK,)
    assert not told.permits.locked() or told.running == 1, "words are still to come"
    assert await Listener(told).hear(noise(2), OPTIONS, sounds=True).events() is None
