"""A model's process: asked, hung up on, killed, restarted and given up on, with a real process and no weights."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from auricle.engines.embedded import model_process
from auricle.engines.embedded.model_process import ModelProcess, pause_seconds
from auricle.errors import EngineFailed, Unavailable, WeightsError
from auricle.types import Readiness

WORKER_MODULE = "tests.engines.embedded.numbers_worker"
ROOT = Path(__file__).parents[3]


class Numbers(ModelProcess[int]):
    def __init__(self, weights: Callable[[], Path] | Path, environment: Mapping[str, str] | None = None) -> None:
        super().__init__("the counter", WORKER_MODULE, weights, environment=environment)
        self.facts: list[Mapping[str, Any]] = []
        self.notes: list[Mapping[str, Any]] = []

    async def count(self, numbers: int, payload: bytes = b"", **asked: Any) -> AsyncGenerator[int, None]:
        async with aclosing(self._ask({"numbers": numbers, **asked}, payload)) as found:
            async for number in found:
                yield number

    def _config(self, weights: Path) -> dict[str, Any]:
        return {"weights": str(weights)}

    def _item(self, value: Any) -> int:
        return int(value["number"])

    def _connected(self, facts: Mapping[str, Any]) -> Any:
        self.facts.append(facts)
        return super()._connected(facts)

    def _noted(self, values: Mapping[str, Any]) -> None:
        self.notes.append(values)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    file = tmp_path / "weights"
    become(file, "good")
    return file


@pytest.fixture
async def numbers(weights: Path) -> AsyncGenerator[Numbers, None]:
    made = Numbers(weights)
    await made.start()
    await asyncio.wait_for(made.wait_ready(), 30)
    yield made
    await made.close()


def become(weights: Path, text: str) -> None:
    weights.write_text(text)


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def kill(numbers: Numbers) -> int:
    pid = numbers.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


async def test_answers_come_in_order_and_do_not_mix(numbers: Numbers) -> None:
    async def counted(upto: int) -> list[int]:
        return [number async for number in numbers.count(upto, bytes(upto))]

    assert numbers.readiness == Readiness(True)
    assert await asyncio.gather(*map(counted, range(40))) == [list(range(upto)) for upto in range(40)]
    assert not numbers._inboxes


async def test_hanging_up_cancels_in_the_process(numbers: Numbers) -> None:
    async with aclosing(numbers.count(10_000, pause_seconds=0.01)) as found:
        assert await anext(found) == 0
    await until(lambda: bool(numbers.notes))
    assert numbers.notes[0]["after"] < 100
    waiting = asyncio.create_task(anext(numbers.count(0, pause_seconds=1)))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not numbers._inboxes
    assert [number async for number in numbers.count(2)] == [0, 1]


async def test_what_fails_in_the_process_costs_one_request(numbers: Numbers) -> None:
    pid = numbers.worker_pid
    with pytest.raises(EngineFailed, match=r"the counter failed: LookupError: in the beginning"):
        await anext(numbers.count(1, broken=True))
    found = numbers.count(1, fail=True)
    assert await anext(found) == 0
    with pytest.raises(EngineFailed, match="in the end"):
        await anext(found)
    assert [number async for number in numbers.count(2)] == [0, 1]
    assert numbers.worker_pid == pid


@pytest.mark.parametrize("how", ["kill -9", "exit", "garbage"])
async def test_a_death_fails_the_requests_in_flight_and_the_next_waits_for_the_new_process(
    numbers: Numbers, how: str
) -> None:
    asked: dict[str, Any] = {"exit": {"die_at": 1}, "garbage": {"garble_at": 1}}.get(how, {})
    others = [asyncio.create_task(consume(numbers.count(1000, pause_seconds=30))) for _ in range(3)]
    pid = numbers.worker_pid
    with pytest.raises(EngineFailed, match="the counter died under this request and is being restarted"):
        async for _ in numbers.count(1000, pause_seconds=0.05, **asked):
            if how == "kill -9" and numbers.worker_pid == pid:
                kill(numbers)
    for failure in await asyncio.gather(*others, return_exceptions=True):
        assert isinstance(failure, EngineFailed)
    assert numbers.readiness == Readiness(False, "the counter died and is being restarted")
    assert not numbers.loading
    assert [number async for number in numbers.count(3)] == [0, 1, 2]
    assert numbers.readiness.ready
    assert numbers.worker_pid not in (None, pid)
    assert len(numbers.facts) == 2


async def consume(found: AsyncGenerator[int, None]) -> None:
    async for _ in found:
        pass


def test_pauses_between_restarts_grow_to_a_bound() -> None:
    assert [pause_seconds(deaths) for deaths in (1, 2, 3, 7, 1000)] == [0.5, 1.0, 2.0, 30.0, 30.0]


async def test_what_was_loaded_once_is_tried_again(
    numbers: Numbers, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little memory to load it now is no reason never to try again."""
    monkeypatch.setattr(model_process, "RESTART_SECONDS", 0.02)
    become(weights, "no memory")
    kill(numbers)
    await until(lambda: "no memory" in numbers.readiness.detail)
    assert numbers.readiness == Readiness(False, "the counter cannot be loaded: ValueError: no memory")
    become(weights, "good")
    assert [number async for number in numbers.count(2)] == [0, 1]


async def test_what_never_loaded_is_given_up_until_it_is_started_again(weights: Path) -> None:
    become(weights, "bad weights")
    numbers = Numbers(weights)
    await numbers.start()
    loading = numbers.loading
    with pytest.raises(WeightsError, match="the counter cannot be loaded: ValueError: bad weights"):
        await numbers.wait_ready()
    assert (loading, numbers.loading) == (True, False)
    with pytest.raises(Unavailable, match="bad weights"):
        await anext(numbers.count(1))
    become(weights, "good")
    await numbers.start()
    await numbers.wait_ready()
    assert [number async for number in numbers.count(1)] == [0]
    await numbers.close()


async def test_weights_that_cannot_be_had_are_told() -> None:
    def missing() -> Path:
        raise OSError("the disk is full")

    numbers = Numbers(missing)
    await numbers.start()
    with pytest.raises(WeightsError, match="the weights of the counter cannot be had: OSError: the disk is full"):
        await numbers.wait_ready()
    await numbers.close()


async def test_closing_fails_what_is_in_flight_and_leaves_no_process(numbers: Numbers) -> None:
    asked = asyncio.create_task(consume(numbers.count(1000, pause_seconds=30)))
    await until(lambda: bool(numbers._inboxes))
    pid = numbers.worker_pid
    assert pid is not None
    await numbers.close()
    await numbers.close()
    with pytest.raises(EngineFailed):
        await asked
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Unavailable, match="the counter has been stopped"):
        await anext(numbers.count(1))


async def test_before_it_is_started_nobody_is_answered(weights: Path) -> None:
    numbers = Numbers(weights)
    for asked in (numbers.wait_ready(), anext(numbers.count(1))):
        with pytest.raises(Unavailable, match="has not been started"):
            await asked


async def test_a_process_may_be_kept_from_the_environment(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_SECRET", "hush")
    for environment, known in ((None, ("hush", "")), ({"TOLD": "this"}, ("", "this"))):
        numbers = Numbers(weights, environment)
        await numbers.start()
        await numbers.wait_ready()
        assert (numbers.facts[0]["secret"], numbers.facts[0]["told"]) == known
        await numbers.close()
