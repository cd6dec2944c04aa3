from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.api.sse import Pump, event
from auricle.types import Delta


@given(st.dictionaries(st.text(max_size=8), st.text() | st.floats() | st.none() | st.lists(st.text()), max_size=5))
def test_every_event_is_one_frame_of_strict_json(body: dict[str, Any]) -> None:
    frame = event(body)
    assert frame.startswith(b"data: ")
    assert frame.endswith(b"\n\n")
    assert b"\n" not in frame[:-2]
    assert b"\r" not in frame

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    decoded = json.loads(frame[6:-2], parse_constant=refuse)
    assert set(decoded) == set(body)


async def numbers(count: int, pause: float = 0.0, then: Exception | None = None) -> AsyncGenerator[Delta, None]:
    for n in range(count):
        await asyncio.sleep(pause)
        yield Delta(content=str(n))
    if then:
        raise then


async def test_a_pump_hands_on_every_delta_and_the_end() -> None:
    pump = Pump(numbers(200))
    seen = []
    with pytest.raises(StopAsyncIteration):
        while True:
            delta = await pump.next(1)
            assert delta is not None
            seen.append(delta.content)
    assert seen == [str(n) for n in range(200)]
    await pump.close()


async def test_a_pump_survives_time_outs() -> None:
    pump = Pump(numbers(1, pause=0.2))
    with pytest.raises(TimeoutError):
        await pump.next(0.01)
    delta = await pump.next(2)
    assert delta is not None
    assert delta.content == "0"
    await pump.close()


async def test_a_pump_hands_on_what_was_raised_after_the_deltas_before_it() -> None:
    pump = Pump(numbers(2, then=ValueError("broken")))
    assert [(await pump.next(1)).content for _ in range(2)] == ["0", "1"]  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="broken"):
        await pump.next(1)
    await pump.close()


async def test_closing_a_pump_closes_the_generator() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[Delta, None]:
        try:
            while True:
                await asyncio.sleep(0)
                yield Delta(content="x")
        finally:
            closed.set()

    pump = Pump(endless())
    await pump.next(1)
    await pump.close()
    assert closed.is_set()
