"""What the pipeline may rely on, whichever engine answers. A new engine is one more parameter of `engine`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from auricle.config import load_settings
from auricle.engines.base import Engine
from auricle.engines.registry import ENGINES, build_engine
from auricle.pipeline import asked_fields, collect
from auricle.types import Answer, Delta, Message, Options, Part, RecognitionOptions, Request, Task, Text
from tests.engines.waveforms import audio, from_wav, noise, silence
from tests.serving import CLIP

pytestmark = pytest.mark.asyncio(loop_scope="module")

START_SECONDS = 120
SPEECH = audio(from_wav(Path(CLIP)))
KNOWN_FIELDS = {
    *("max_tokens", "temperature", "top_p", "stop", "frequency_penalty", "presence_penalty", "seed", "thinking"),
    *("tools", "tool_choice", "response_format.json_object", "response_format.json_schema", "heard"),
}


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["scripted", pytest.param("embedded", marks=pytest.mark.weights)],
)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """A started engine, small where there is a choice."""
    engines = {"tested": {"kind": request.param, "language_model": "qwen2.5-coder-0.5b", "context_length": 8192}}
    tested = build_engine("tested", load_settings(engines=engines))
    await tested.start()
    deadline = time.monotonic() + START_SECONDS
    while not all(tested.readiness(task).ready for task in Task):
        assert time.monotonic() < deadline, [tested.readiness(task) for task in Task]
        await asyncio.sleep(0.1)
    yield tested
    await tested.close()


def asking(*content: Part | str, task: Task = Task.UNDERSTAND, **options: Any) -> Request:
    parts = tuple(Text(part) if isinstance(part, str) else part for part in content)
    recognition = RecognitionOptions(language=options.pop("language", None))
    options.setdefault("thinking", task is Task.UNDERSTAND)
    return Request("0" * 32, "m", task, (Message("user", parts),), Options(**options), recognition)


def dictating(*content: Part | str, **options: Any) -> Request:
    return asking(*content, task=Task.RECOGNIZE, **options)


async def answer_of(engine: Engine, request: Request) -> Answer:
    return await collect(engine.generate(request))


async def test_every_engine_is_under_contract() -> None:
    assert set(ENGINES) == {"scripted", "embedded"}


async def test_capabilities_name_known_fields(engine: Engine) -> None:
    for task in Task:
        capabilities = engine.capabilities(task)
        assert capabilities.fields <= KNOWN_FIELDS
        assert capabilities.weights
    asked = asked_fields(Options(max_tokens=1, temperature=1, top_p=1, stop=("x",), seed=1))
    assert set(asked) <= KNOWN_FIELDS


@pytest.mark.parametrize(
    "request_", [asking(SPEECH, "What is said?", max_tokens=60), dictating(SPEECH), asking("Hello!")]
)
async def test_the_last_delta_and_only_it_has_the_usage(engine: Engine, request_: Request) -> None:
    deltas = [delta async for delta in engine.generate(request_)]
    assert all(delta.usage is None and delta.finish_reason is None for delta in deltas[:-1])
    last = deltas[-1]
    assert last.usage is not None
    assert last.finish_reason in ("stop", "length")
    usage = last.usage
    assert usage.prompt_tokens == await engine.count_prompt_tokens(request_)
    assert usage.audio_tokens == sum(part.waveform.tokens for part in request_.audios())
    assert usage.audio_tokens < usage.prompt_tokens
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens
    assert usage.completion_tokens > 0


async def test_thinking_comes_first_and_only_when_wanted(engine: Engine) -> None:
    deltas = [delta async for delta in engine.generate(asking(SPEECH, "What is said?", max_tokens=150))]
    kinds = ["reasoning" if delta.reasoning else "content" for delta in deltas if delta.reasoning or delta.content]
    assert "reasoning" in kinds
    assert kinds == sorted(kinds, reverse=True)
    silent = await answer_of(engine, asking(SPEECH, "What is said?", thinking=False, max_tokens=40))
    assert silent.reasoning == ""
    assert silent.usage.reasoning_tokens == 0
    assert silent.content


async def test_recognition_gives_segments_in_order(engine: Engine) -> None:
    answer = await answer_of(engine, dictating(SPEECH, SPEECH))
    assert answer.segments
    assert [segment.audio_index for segment in answer.segments] == sorted(s.audio_index for s in answer.segments)
    assert {segment.audio_index for segment in answer.segments} == {0, 1}
    for segment in answer.segments:
        assert 0 <= segment.start <= segment.end <= SPEECH.waveform.seconds + 0.1
        assert segment.text.strip() in answer.content
    assert answer.reasoning == ""
    assert "\n" in answer.content


@pytest.mark.parametrize("waveform", [silence(3), silence(0.05)], ids=["3 s", "50 ms"])
async def test_silence_is_empty_text(engine: Engine, waveform: Any) -> None:
    answer = await answer_of(engine, dictating(audio(waveform)))
    assert answer.content == ""
    assert answer.finish_reason == "stop"
    assert answer.usage.completion_tokens == 0
    assert answer.usage.audio_tokens == waveform.tokens


async def test_system_and_text_are_accepted_by_recognition(engine: Engine) -> None:
    plain = await answer_of(engine, dictating(SPEECH))
    request = dictating(SPEECH, "Write down what is said")
    with_text = await answer_of(engine, request)
    assert with_text.content == plain.content


@pytest.mark.parametrize("limit", [1, 5])
async def test_a_token_limit_is_kept(engine: Engine, limit: int) -> None:
    for request in (asking(SPEECH, "What is said?", max_tokens=limit), asking("Count to 50.", max_tokens=limit)):
        answer = await answer_of(engine, request)
        assert answer.usage.completion_tokens <= limit
        assert answer.finish_reason == "length"


async def test_stop_strings_end_the_answer_and_are_not_in_it(engine: Engine) -> None:
    request = asking("Repeat exactly: alpha beta gamma", thinking=False, temperature=0.0, max_tokens=30)
    assert "beta" in (await answer_of(engine, request)).content
    stopped = asking("Repeat exactly: alpha beta gamma", thinking=False, temperature=0.0, max_tokens=30, stop=("beta",))
    answer = await answer_of(engine, stopped)
    assert "beta" not in answer.content
    assert answer.finish_reason == "stop"


async def test_the_same_seed_gives_the_same_answer(engine: Engine) -> None:
    request = asking("Invent a name.", thinking=False, temperature=1.0, seed=7, max_tokens=16)
    await answer_of(engine, request)  # how much of a prompt is in the cache may show in the last digits of logits
    assert (await answer_of(engine, request)).content == (await answer_of(engine, request)).content


async def test_requests_run_side_by_side(engine: Engine) -> None:
    requests = [dictating(SPEECH), asking(SPEECH, "What is said?", max_tokens=20), dictating(audio(noise(1)))] * 3
    answers = await asyncio.gather(*(answer_of(engine, request) for request in requests))
    assert len({answer.content for answer in answers[::3]}) == 1
    assert all(answer.usage.prompt_tokens for answer in answers)


@pytest.mark.parametrize(
    "request_", [asking(SPEECH, "Tell a long story about this.", max_tokens=500), dictating(SPEECH)]
)
async def test_a_closed_answer_leaves_the_engine_working(engine: Engine, request_: Request) -> None:
    async with aclosing(engine.generate(request_)) as deltas:
        first = await anext(deltas)
    assert isinstance(first, Delta)
    started = time.monotonic()
    answer = await answer_of(engine, asking("Say hi.", thinking=False, max_tokens=3))
    assert answer.usage.completion_tokens > 0
    assert time.monotonic() - started < 20


async def test_a_cancelled_answer_leaves_the_engine_working(engine: Engine) -> None:
    tasks = [asyncio.create_task(answer_of(engine, asking(SPEECH, "Tell a story.", max_tokens=400))) for _ in range(4)]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await answer_of(engine, dictating(SPEECH))).content


async def test_readiness_and_context(engine: Engine) -> None:
    for task in Task:
        assert engine.readiness(task).ready
        length = engine.context_length(task)
        assert length is None or length > 0


async def test_closing_twice_is_safe() -> None:
    scripted = build_engine("s", load_settings(engines={"s": {"kind": "scripted"}}))
    await scripted.start()
    await scripted.close()
    await scripted.close()
