"""The scripted engine: deterministic and weightless, for protocol tests and for trying the API.

It answers with what it was asked and what it was given, a word a Delta, and obeys directives in the last user text:

    [[sleep 0.5]]              wait between words, in seconds
    [[repeat 100]]             say the answer that many times
    [[fail]] [[fail 3]]        die before the first word, or after three
    [[call NAME {"a": 1}]]     ask for that tool call (with `tools` in the request)
    [[filter]]                 refuse as a content filter does

With `parallel` in its settings it answers only so many requests at a time, as a real engine does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import numpy as np
import orjson

from auricle.config import EngineSettings, Settings
from auricle.engines.base import Capabilities
from auricle.errors import ContentFiltered, EngineFailed
from auricle.types import (
    Audio,
    Delta,
    FinishReason,
    HeardAudio,
    Readiness,
    Request,
    Segment,
    Task,
    Text,
    ToolCallDelta,
    Usage,
)
from auricle.waveform import SAMPLE_RATE, Waveform

TOKENS_PER_MESSAGE = 4
SILENCE_PEAK = 1e-3  # full scale is 1
QUIETEST = 1e-5  # of full scale: -100 dBFS
WINDOW_SECONDS = 30
DIRECTIVE = re.compile(r"\[\[(\w+) ?([^\]]*)\]\]")
TOKEN = re.compile(r"\s*(?:[㐀-鿿]|[^\s㐀-鿿]+)|\s+$")


def tokenize(text: str) -> list[str]:
    """Words with the space before them, Chinese characters singly; joined they are the text again."""
    return TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class Script:
    """What the last user text asks the engine to do."""

    text: str
    sleep_seconds: float = 0.0
    repeat: int = 1
    fail_after: int | None = None
    call: tuple[str, str] | None = None
    filtered: bool = False


def read_script(request: Request) -> Script:
    """The directives of the last user message, and its text without them."""
    asked = next((m.text for m in reversed(request.messages) if m.role == "user" and m.text), "")
    directives = dict(DIRECTIVE.findall(asked))
    call = directives.get("call")
    name, _, arguments = (call or "").partition(" ")
    return Script(
        text=DIRECTIVE.sub("", asked).strip(),
        sleep_seconds=float(directives.get("sleep", 0)),
        repeat=int(directives.get("repeat", 1)),
        fail_after=int(directives["fail"] or 0) if "fail" in directives else None,
        call=(name, arguments or "{}") if call else None,
        filtered="filter" in directives,
    )


class ScriptedEngine:
    """See the module's docstring."""

    def __init__(self, settings: EngineSettings, _: Settings) -> None:
        self.name = "scripted"
        self._context_length = settings.context_length
        self._parallel = settings.parallel if "parallel" in settings.model_fields_set else None
        self._slots = asyncio.Semaphore(self._parallel) if self._parallel else contextlib.nullcontext()
        self.running = 0  # requests that are being answered, for tests of cancellation

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def readiness(self, task: Task) -> Readiness:
        return Readiness(True)

    def capabilities(self, task: Task) -> Capabilities:
        fields = {"max_tokens", "temperature", "top_p", "seed", "stop"}
        if task is Task.UNDERSTAND:
            fields |= {"thinking", "response_format.json_object", "tools", "tool_choice", "heard"}
        return Capabilities(fields=frozenset(fields), weights="none (scripted)", parallel=self._parallel)

    def context_length(self, task: Task) -> int | None:
        return self._context_length

    async def count_prompt_tokens(self, request: Request) -> int:
        words = sum(
            TOKENS_PER_MESSAGE + sum(len(tokenize(p.text)) for p in m.content if isinstance(p, Text))
            for m in request.messages
        )
        return words + sum(audio.waveform.tokens for audio in request.audios())

    async def generate(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.running += 1
        try:
            script = read_script(request)
            if script.filtered:
                raise ContentFiltered("the script says so")
            async with self._slots:
                async for delta in self._answer(request, script):
                    yield delta
        finally:
            self.running -= 1

    async def _answer(self, request: Request, script: Script) -> AsyncGenerator[Delta, None]:
        budget = request.options.max_tokens if request.options.max_tokens is not None else 1_000_000
        spent = reasoning_tokens = 0
        finish: FinishReason = "stop"
        for delta in self._pieces(request, script):
            if script.fail_after == spent:
                raise EngineFailed("the script says so")
            if spent >= budget:
                finish = "length"
                break
            spent += 1
            reasoning_tokens += bool(delta.reasoning)
            if delta.tool_calls:
                finish = "tool_calls"
            yield delta
            await asyncio.sleep(script.sleep_seconds)
        usage = Usage(
            prompt_tokens=await self.count_prompt_tokens(request),
            completion_tokens=spent,
            audio_tokens=sum(audio.waveform.tokens for audio in request.audios()),
            reasoning_tokens=reasoning_tokens,
        )
        heard = tuple(map(hear, request.audios())) if request.options.heard else ()
        yield Delta(finish_reason=finish, usage=usage, heard=heard)

    def _pieces(self, request: Request, script: Script) -> list[Delta]:
        if request.task is Task.RECOGNIZE:
            return recognized(tuple(request.audios()))
        audios = [f"audio {n}: {describe(a.waveform)}" for n, a in enumerate(request.audios(), 1)]
        pieces = []
        if request.options.thinking:
            pieces += [
                Delta(reasoning=token) for token in tokenize("I was given " + ("; ".join(audios) or "no audio") + ".")
            ]
        if script.call and request.options.tools and request.options.tool_choice != "none":
            return [*pieces, Delta(tool_calls=(ToolCallDelta(0, "call_0", *script.call),))]
        answer = " ".join([f"You said: {script.text or 'nothing'}", *audios] * script.repeat)
        if request.options.response_format.type == "json_object":
            answer = orjson.dumps({"answer": answer}).decode()
        for stop in request.options.stop:
            answer = answer.partition(stop)[0]
        return [*pieces, *(Delta(content=token) for token in tokenize(answer))]


def is_silent(waveform: Waveform) -> bool:
    """Whether no sample of the first window is above the silence peak."""
    samples = waveform.read(0, WINDOW_SECONDS * SAMPLE_RATE)
    return samples.size == 0 or float(np.abs(samples).max()) < SILENCE_PEAK


def hear(audio: Audio) -> HeardAudio:
    """What was heard, as data: the segments that recognition would write, and how loud the audio is."""
    segments = tuple(segment for delta in recognized((audio,)) for segment in delta.segments)
    samples = audio.waveform.read(0, WINDOW_SECONDS * SAMPLE_RATE)
    peak = float(np.abs(samples).max(initial=QUIETEST))
    rms = max(QUIETEST, float(np.sqrt(np.mean(np.square(samples))))) if samples.size else QUIETEST
    languages = ("en",) if segments else ()
    levels = [round(20 * float(np.log10(level)), 1) for level in (rms, peak)]
    return HeardAudio(audio.waveform.seconds, languages, segments, levels[0], levels[1], clipped_share=0.0)


def describe(waveform: Waveform) -> str:
    return f"{waveform.seconds:.1f} seconds{' of silence' if is_silent(waveform) else ''}"


def recognized(audios: tuple[Audio, ...]) -> list[Delta]:
    """One segment for each window of 30 seconds, none for silence; audios are parted by newlines."""
    deltas: list[Delta] = []
    for index, audio in enumerate(audios):
        separator = "\n" if deltas else ""
        windows = range(0, max(int(audio.waveform.seconds), 1), WINDOW_SECONDS)
        for start in windows if not is_silent(audio.waveform) else ():
            end = min(start + WINDOW_SECONDS, audio.waveform.seconds)
            text = f"scripted speech from {start} to {end:.1f}"
            segment = Segment(text, start, end, "en", audio_index=index, tokens=(len(deltas),))
            deltas.append(Delta(content=separator + text, segments=(segment,)))
            separator = " "
    return deltas
