"""The embedded engine whole: real audio, both models, and what happens when a process of it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from auricle.config import load_settings
from auricle.engines.embedded.engine import EmbeddedEngine
from auricle.errors import AuricleError, EngineFailed, UnsupportedField
from auricle.pipeline import collect
from auricle.types import Answer, Message, Options, Part, Request, Task, Text
from tests.engines.waveforms import audio, from_samples, from_wav, noise, silence
from tests.serving import CLIP

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

SPEECH = audio(from_wav(Path(CLIP)))
WORDS = "what your country can do for you"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(recognizer_folder: Path, small_language_model: Path) -> AsyncIterator[EmbeddedEngine]:
    given = {
        "recognizer": str(recognizer_folder),
        "language_model": str(small_language_model),
        "context_length": 4096,
    }
    settings = load_settings(engines={"embedded": given})
    engine = EmbeddedEngine(settings.engine("embedded"), settings)
    await engine.start()
    await until_ready(engine)
    yield engine
    await engine.close()


async def until_ready(engine: EmbeddedEngine) -> None:
    deadline = time.monotonic() + 120
    while not all(engine.readiness(task).ready for task in Task):
        assert time.monotonic() < deadline, [engine.readiness(task) for task in Task]
        await asyncio.sleep(0.05)


def request(task: Task, *content: Part | str, **options: Any) -> Request:
    parts = tuple(Text(part) if isinstance(part, str) else part for part in content)
    return Request("0" * 32, "m", task, (Message("user", parts),), Options(**options))


def dictation(*content: Part | str, **options: Any) -> Request:
    return request(Task.RECOGNIZE, *content, **options)


def question(*content: Part | str, **options: Any) -> Request:
    return request(Task.UNDERSTAND, *content, **{"max_tokens": 200, **options})


async def answer_of(engine: EmbeddedEngine, asked: Request) -> Answer:
    return await collect(engine.generate(asked))


async def test_the_official_question_gets_an_answer_about_the_clip(engine: EmbeddedEngine) -> None:
    answer = await answer_of(engine, question(SPEECH, "please describe the content of the audio"))
    assert WORDS in answer.reasoning
    assert answer.content
    assert answer.usage.audio_tokens == SPEECH.waveform.tokens


async def test_what_was_heard_is_given_as_data_where_it_is_asked_for(engine: EmbeddedEngine) -> None:
    answer = await answer_of(engine, question(SPEECH, audio(silence(2)), "Is there music?", heard=True))
    speech, quiet = answer.heard
    assert WORDS in speech.segments[0].text
    assert [sound.kind for sound in speech.sounds or ()] == ["speech"]
    assert (quiet.seconds, quiet.segments, quiet.sounds, quiet.music) == (2.0, (), (), ())
    assert "There is no music in audio 1." in answer.reasoning
    assert (await answer_of(engine, question(SPEECH, "Is there music?"))).heard == ()


async def test_what_is_said_is_heard_sentence_by_sentence(engine: EmbeddedEngine) -> None:
    once = SPEECH.waveform.read(0, SPEECH.waveform.sample_count)
    twice = audio(from_samples(np.concatenate([once, np.zeros(8000, np.float32), once])))
    answer = await answer_of(engine, question(twice, "What is said?", heard=True))
    segments = [segment for segment in answer.heard[0].segments if WORDS in segment.text]
    first, second = segments
    assert first.end <= SPEECH.waveform.seconds + 0.2 <= second.start + 0.4
    assert (first.words, first.tokens) == ((), ())
    assert "Then, at" in answer.reasoning


async def test_without_ears_for_sounds_it_answers_from_words_and_says_so(
    recognizer_folder: Path, small_language_model: Path, tmp_path: Path
) -> None:
    given = {
        "recognizer": str(recognizer_folder),
        "language_model": str(small_language_model),
        "context_length": 4096,
        "sounds": str(tmp_path),
    }
    settings = load_settings(engines={"embedded": given})
    deaf = EmbeddedEngine(settings.engine("embedded"), settings)
    await deaf.start()
    try:
        await until_ready(deaf)
        assert "only speech is heard" in deaf.readiness(Task.UNDERSTAND).detail
        assert deaf.readiness(Task.RECOGNIZE).detail == ""
        answer = await answer_of(deaf, question(SPEECH, "What is said?", heard=True))
        assert WORDS in answer.reasoning
        assert "not listened for" in answer.reasoning
        assert answer.heard[0].sounds is None
    finally:
        await deaf.close()


async def test_the_first_words_come_before_the_audio_has_been_heard(engine: EmbeddedEngine) -> None:
    fresh = audio(from_samples(0.9 * SPEECH.waveform.read()))
    started = time.monotonic()
    async with aclosing(engine.generate(question(fresh, "What is said?"))) as deltas:
        first = await anext(deltas)
    assert first.reasoning == "The audio lasts 4.7 seconds."
    assert time.monotonic() - started < 1.0


async def test_a_transcript_and_its_usage(engine: EmbeddedEngine) -> None:
    answer = await answer_of(engine, dictation(SPEECH))
    assert WORDS in answer.content
    (segment,) = answer.segments
    assert answer.content == segment.text.strip()
    assert answer.usage.prompt_tokens == SPEECH.waveform.tokens + 4
    assert answer.usage.completion_tokens == len(segment.tokens) > 8
    again = await answer_of(engine, dictation(SPEECH))
    assert again.content == answer.content
    assert again.usage.cached_tokens == again.usage.prompt_tokens


async def test_transcripts_of_several_audios_keep_their_lines(engine: EmbeddedEngine) -> None:
    quiet = audio(silence(2))
    answer = await answer_of(engine, dictation(SPEECH, quiet, SPEECH, quiet))
    lines = answer.content.split("\n")
    assert len(lines) == 3
    assert lines[0] == lines[2]
    assert lines[1] == ""
    assert [segment.audio_index for segment in answer.segments] == [0, 2]
    assert (await answer_of(engine, dictation(quiet, quiet))).content == ""


@pytest.mark.parametrize("limit", [1, 4])
async def test_a_transcript_is_cut_at_the_limit(engine: EmbeddedEngine, limit: int) -> None:
    whole = await answer_of(engine, dictation(SPEECH))
    cut = await answer_of(engine, dictation(SPEECH, max_tokens=limit))
    assert cut.finish_reason == "length"
    assert cut.usage.completion_tokens == limit
    assert cut.content
    assert whole.content.startswith(cut.content)


@pytest.mark.parametrize("temperature", [0.0, 1.0, None])
async def test_usual_settings_do_not_keep_one_from_a_transcript(
    engine: EmbeddedEngine, temperature: float | None
) -> None:
    answer = await answer_of(engine, dictation(SPEECH, temperature=temperature, top_p=0.9, seed=3))
    assert WORDS in answer.content


async def test_a_temperature_that_cannot_be_honoured_is_refused(engine: EmbeddedEngine) -> None:
    with pytest.raises(UnsupportedField, match="temperature"):
        await answer_of(engine, dictation(SPEECH, temperature=0.7))


async def test_audio_that_was_heard_costs_nothing_again(engine: EmbeddedEngine) -> None:
    fresh = audio(from_samples(0.8 * SPEECH.waveform.read()))
    first = await answer_of(engine, question(fresh, "What is said?", thinking=False))
    second = await answer_of(engine, question(fresh, "Which language is it?", thinking=False))
    assert first.usage.cached_tokens < fresh.waveform.tokens
    assert second.usage.cached_tokens >= fresh.waveform.tokens
    assert second.usage.cached_tokens <= second.usage.prompt_tokens


async def test_noise_and_silence_are_not_speech(engine: EmbeddedEngine) -> None:
    for waveform in (silence(3), noise(3), silence(0.02)):
        answer = await answer_of(engine, question(audio(waveform), "What do you hear?"))
        assert "Nobody speaks" in answer.reasoning


async def test_the_weights_are_named(engine: EmbeddedEngine) -> None:
    assert "whisper-base" in engine.capabilities(Task.RECOGNIZE).weights
    assert "+" in engine.capabilities(Task.UNDERSTAND).weights
    assert {"en", "zh"} <= engine.capabilities(Task.RECOGNIZE).languages


@pytest.mark.parametrize("task", list(Task))
async def test_a_model_that_is_killed_fails_its_request_and_answers_the_next(
    engine: EmbeddedEngine, task: Task
) -> None:
    fresh = audio(from_samples(np.tile(SPEECH.waveform.read(), 20)))
    asked = dictation(fresh) if task is Task.RECOGNIZE else question("Tell a very long story.", max_tokens=1500)
    child = engine._recognizer.worker_pid if task is Task.RECOGNIZE else engine._model.worker_pid
    assert child is not None
    with pytest.raises(EngineFailed):
        async with aclosing(engine.generate(asked)) as deltas:
            async for _ in deltas:
                os.kill(child, signal.SIGKILL)
    await until_ready(engine)
    again = dictation(SPEECH) if task is Task.RECOGNIZE else question("What is the capital of France?")
    assert (await answer_of(engine, again)).content


async def test_nothing_foreign_leaks(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("a bug")

    for part, name in ((engine._listener, "hear"), (engine._model, "frames"), (engine._model, "tokenize")):
        with monkeypatch.context() as patched:
            patched.setattr(part, name, broken)
            with pytest.raises(AuricleError):
                await answer_of(engine, question(SPEECH, "What is said?"))
            if name == "hear":
                with pytest.raises(AuricleError):
                    await answer_of(engine, dictation(SPEECH))


async def test_recognition_serves_while_the_language_model_is_not_there(recognizer_folder: Path) -> None:
    given = {"recognizer": str(recognizer_folder), "language_model": "/nowhere/model.gguf"}
    settings = load_settings(engines={"embedded": given})
    engine = EmbeddedEngine(settings.engine("embedded"), settings)
    await engine.start()
    try:
        deadline = time.monotonic() + 60
        while not engine.readiness(Task.RECOGNIZE).ready:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert WORDS in (await answer_of(engine, dictation(SPEECH))).content
        understanding = engine.readiness(Task.UNDERSTAND)
        assert not understanding.ready
        assert "/nowhere/model.gguf" in understanding.detail
        with pytest.raises(AuricleError):
            await answer_of(engine, question(SPEECH, "What is said?"))
    finally:
        await engine.close()
        await engine.close()


async def test_options_of_the_client_reach_the_model(engine: EmbeddedEngine) -> None:
    asked = question("Invent a word.", thinking=False, temperature=1.5, top_p=1.0, max_tokens=12)
    texts = {(await answer_of(engine, replace_options(asked, seed=seed))).content for seed in range(3)}
    assert len(texts) > 1
    greedy = question("Invent a word.", thinking=False, max_tokens=12)
    assert len({(await answer_of(engine, greedy)).content for _ in range(2)}) == 1


def replace_options(asked: Request, **changed: Any) -> Request:
    return replace(asked, options=replace(asked.options, **changed))


async def test_closing_in_the_middle_leaves_nothing_running(engine: EmbeddedEngine) -> None:
    asked = question("Tell a very long story.", max_tokens=2000)
    async with aclosing(engine.generate(asked)) as deltas:
        await anext(deltas)
    started = time.monotonic()
    while any(slot["is_processing"] for slot in json.loads((await engine._model.http.get("/slots")).content)):
        assert time.monotonic() - started < 1.0
        await asyncio.sleep(0.02)
