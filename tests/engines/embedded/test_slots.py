from __future__ import annotations

import asyncio

from auricle.engines.embedded.slots import Slots


class Holder:
    """Takes a slot in a task of its own and holds it until told."""

    def __init__(self, slots: Slots, tokens: int) -> None:
        self.has = asyncio.Event()
        self._release = asyncio.Event()
        self.task = asyncio.create_task(self._hold(slots, tokens))

    async def _hold(self, slots: Slots, tokens: int) -> None:
        async with slots.take(tokens):
            self.has.set()
            await self._release.wait()

    async def release(self) -> None:
        self._release.set()
        await self.task


async def holders(slots: Slots, *tokens: int) -> list[Holder]:
    made = [Holder(slots, count) for count in tokens]
    await settle()
    return made


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_as_there_are_slots_run_and_the_next_waits() -> None:
    a, b, c = await holders(Slots(2, 1000), 10, 10, 10)
    assert a.has.is_set()
    assert b.has.is_set()
    assert not c.has.is_set()
    await b.release()
    await settle()
    assert c.has.is_set()
    await a.release()
    await c.release()


async def test_the_context_is_shared_and_nobody_is_overtaken() -> None:
    a, large, small = await holders(Slots(4, 1000), 600, 600, 10)
    assert a.has.is_set()
    assert not large.has.is_set()
    assert not small.has.is_set(), "it came after the large one, which would starve"
    await a.release()
    await settle()
    assert large.has.is_set()
    assert small.has.is_set()
    await large.release()
    await small.release()


async def test_more_than_the_whole_context_is_the_whole_context() -> None:
    (a,) = await holders(Slots(1, 100), 5000)
    assert a.has.is_set()
    await a.release()


async def test_one_who_goes_away_lets_the_next_through() -> None:
    a, b, c = await holders(Slots(1, 100), 10, 10, 10)
    b.task.cancel()
    await settle()
    await a.release()
    await settle()
    assert c.has.is_set()
    await c.release()


async def test_one_who_goes_away_when_its_turn_has_just_come_loses_no_slot() -> None:
    a, b, c = await holders(Slots(1, 100), 10, 10, 10)
    await a.release()
    b.task.cancel()
    await asyncio.gather(b.task, return_exceptions=True)
    await settle()
    assert c.has.is_set()
    await c.release()


async def test_whoever_came_in_is_served_however_many_wait() -> None:
    slots = Slots(1, 100)
    running = await holders(slots, *[1] * 100)
    for holder in running:
        await settle()
        assert holder.has.is_set()
        await holder.release()


async def test_it_is_idle_when_nobody_holds_a_slot() -> None:
    slots = Slots(1, 1000)
    seen = [slots.idle]
    for holder in await holders(slots, 10, 10):
        seen.append(slots.idle)
        await holder.release()
        await settle()
    assert [*seen, slots.idle] == [True, False, False, True]
