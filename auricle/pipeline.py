"""One request's life. Every request takes this path: streamed or not, whatever the endpoint and the engine.

find    the model's engine, and that it is ready and can do what is asked
enter   while there is room, see admission.py; from here on a deadline stands over the request
limit   what the key may ask for and its account can pay; requests and tokens a minute, by account and model
fetch   each audio's bytes
decode  each clip to a waveform
admit   all tokens together under the context length, and no longer a wait than is allowed; from here on the request
        leaves one row in the ledger
answer  Deltas as the engine yields them; the row is safe before the last one is on its way
account whatever else became of it, in `finally`
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from auricle.accounts.books import CLIENT_GONE, NO_ENTRY, Books, Entry, NoBooks
from auricle.accounts.keys import Caller
from auricle.accounts.limits import Limits
from auricle.admission import Admission, Claim, Ticket, cost_seconds
from auricle.audio.decode import Decoder
from auricle.audio.source import Sources
from auricle.engines.base import LANGUAGES_ANY, Engine
from auricle.errors import (
    AuricleError,
    ContextTooLong,
    InvalidField,
    Unavailable,
    UnknownModel,
    UnsupportedField,
)
from auricle.tracing import NO_SPAN, Span, Tracing
from auricle.types import (
    Answer,
    Audio,
    AudioSource,
    Delta,
    FinishReason,
    HeardAudio,
    Options,
    Part,
    Readiness,
    Request,
    Segment,
    Task,
    ToolCall,
    Usage,
)

AUDIOS_AT_ONCE = 4  # of one request, fetched and decoded side by side
COUNTED_BYTES = 256 * 1024  # smaller audios cost no memory worth counting
NOT_READY_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name that clients may ask for, and what stands behind it."""

    name: str
    task: Task
    engine: Engine
    configured_context_length: int | None

    @property
    def context_length(self) -> int | None:
        """What is configured, lowered to what the engine has; None where nothing bounds it."""
        lengths = (self.configured_context_length, self.engine.context_length(self.task))
        return min((length for length in lengths if length is not None), default=None)

    def readiness(self) -> Readiness:
        return self.engine.readiness(self.task)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request that reached an engine or failed on the way."""

    request: Request
    caller: Caller
    engine: str
    status: int  # HTTP status; 499 when the client went away
    usage: Usage
    seconds: float
    seconds_to_first_token: float | None
    error: str = ""
    """The class of the failure, if it failed: `InvalidAudio`."""


class Observer(Protocol):
    """Is told of every outcome, after the fact: metrics."""

    def record(self, outcome: Outcome) -> None: ...


class Pipeline:
    """Runs requests; owns nothing that outlives them."""

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        sources: Sources,
        decoder: Decoder,
        limits: Limits,
        observers: Sequence[Observer] = (),
        books: Books | None = None,
        admission: Admission | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.models = models
        self.limits = limits
        self.admission = admission or Admission()
        self._tracing = tracing or Tracing()
        self._sources = sources
        self._decoder = decoder
        self._observers = observers
        self._books = books or NoBooks()

    async def run(self, request: Request, caller: Caller, claim: Claim | None = None) -> AsyncGenerator[Delta, None]:
        """The answer to `request`, piece by piece. Raises AuricleError, at the first piece for whatever is wrong
        with the request itself. Closing the generator stops all work for it.

        `claim` covers the memory of the audios that came with the request, and is released once that is free.
        """
        started = time.monotonic()
        first_token: float | None = None
        usage = Usage()
        status = CLIENT_GONE
        failure = ""
        entry: Entry = NO_ENTRY
        model = self.find(request)
        try:
            self._books.check(caller, model.name)
            async with AsyncExitStack() as held:
                claim = claim or self.admission.memory.claim()
                held.callback(claim.release)
                capabilities = model.engine.capabilities(request.task)
                lane = f"{model.engine.name}/{request.task}"
                ticket = held.enter_context(self.admission.enter(lane, capabilities.parallel))
                held.enter_context(self.limits.in_progress(caller))
                async with ticket.deadline.over():
                    await self.limits.admit(caller, model.name)
                    request = await self._listenable(request, held, claim, keep=capabilities.encoded_audio)
                    if not capabilities.encoded_audio:
                        claim.release()
                    seconds = sum((audio.waveform.duration for audio in request.audios()), Fraction(0))
                    prompt_tokens = await self._admit(request, model, ticket, seconds)
                entry = self._books.open(caller, request, model.engine.name, prompt_tokens, model.context_length)
                span = held.enter_context(self._tracing.stage("answer", model=model.name, engine=model.engine.name))
                deltas = await held.enter_async_context(aclosing(model.engine.generate(request)))
                timely = await held.enter_async_context(aclosing(ticket.deadline.each(deltas)))
                async for delta in timely:
                    if first_token is None and delta.usage is None:
                        first_token = time.monotonic() - started
                    if delta.segments and seconds:
                        ticket.progress(delta.segments[-1].end / float(seconds))
                    if delta.usage is not None:
                        usage = replace(delta.usage, audio_seconds=seconds)
                        delta = replace(delta, usage=usage)
                        ticket.finish()
                        note_usage(span, usage)
                        await entry.settle(usage)
                    else:
                        entry.passed(delta)
                    yield delta
            status = 200
        except AuricleError as error:
            status, failure = error.status, type(error).__name__
            raise
        except Exception as error:
            status, failure = 500, type(error).__name__
            raise
        finally:
            entry.close(status)
            outcome = Outcome(
                request, caller, model.engine.name, status, usage, time.monotonic() - started, first_token, failure
            )
            for observer in self._observers:
                observer.record(outcome)

    def find(self, request: Request) -> ServedModel:
        """The model, if it is served, is ready and can do what is asked.

        Raises UnknownModel, Unavailable, UnsupportedField and InvalidField.
        """
        model = self.models.get(request.model)
        if model is None:
            raise UnknownModel(request.model)
        check_capabilities(request, model)
        readiness = model.readiness()
        if not readiness.ready:
            raise Unavailable(
                f"{model.name} is not ready: {readiness.detail}", retry_after_seconds=NOT_READY_RETRY_SECONDS
            )
        return model

    async def _listenable(self, request: Request, held: AsyncExitStack, claim: Claim, *, keep: bool) -> Request:
        """The request with every audio fetched and decoded; what lies on disk goes when `held` closes.

        Encoded bytes are let go of as soon as they are decoded, unless the engine wants to `keep` them.
        """
        gate = asyncio.Semaphore(AUDIOS_AT_ONCE)

        async def listen(source: AudioSource) -> Audio:
            async with gate:
                with self._tracing.stage("fetch", kind=source.kind):
                    clip = await self._sources.clip(source)
                if source.kind == "url" and len(clip.data) > COUNTED_BYTES:
                    claim.grow(len(clip.data))
                with self._tracing.stage("decode", container=clip.container, size_bytes=len(clip.data)) as span:
                    waveform = await self._decoder.decode(clip)
                    span.set(audio_seconds=waveform.seconds)
            held.callback(waveform.discard)
            return Audio(clip if keep else replace(clip, data=b""), waveform)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {id(source): group.create_task(listen(source)) for source in request.sources()}
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None

        def ready(part: Part) -> Part:
            return tasks[id(part)].result() if isinstance(part, AudioSource) else part

        messages = tuple(replace(m, content=tuple(ready(part) for part in m.content)) for m in request.messages)
        return replace(request, messages=messages)

    async def _admit(self, request: Request, model: ServedModel, ticket: Ticket, seconds: Fraction) -> int:
        """Tokens of the prompt, 0 where no context length makes them count. Raises ContextTooLong unless they are
        fewer than the model's context length, and Unavailable if the request would wait too long."""
        tokens = 0
        with self._tracing.stage("admit", audio_seconds=float(seconds)):
            limit = model.context_length
            if limit is not None:
                tokens = await model.engine.count_prompt_tokens(request)
                if tokens >= limit:
                    raise ContextTooLong(tokens, limit, model.name)
            ticket.weigh(cost_seconds(float(seconds), tokens))
        return tokens


def note_usage(span: Span, usage: Usage) -> None:
    """What was answered, on the span of the answer."""
    if span is not NO_SPAN:
        span.set(
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            audio_seconds=float(usage.audio_seconds),
        )


def first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one failure to report of several: ours before others, so that a 400 is not hidden by a 500."""
    leaves: list[BaseException] = []
    groups = [failures]
    while groups:
        for failure in groups.pop().exceptions:
            if isinstance(failure, BaseExceptionGroup):
                groups.append(failure)
            else:
                leaves.append(failure)
    return next((leaf for leaf in leaves if isinstance(leaf, AuricleError)), leaves[0])


def asked_fields(options: Options) -> dict[str, str]:
    """Names of the options that the request sets: as capabilities spell them, and as the wire does."""
    asked = {
        "max_tokens": options.max_tokens is not None,
        "temperature": options.temperature is not None,
        "top_p": options.top_p is not None,
        "stop": bool(options.stop),
        "frequency_penalty": bool(options.frequency_penalty),
        "presence_penalty": bool(options.presence_penalty),
        "seed": options.seed is not None,
        f"response_format.{options.response_format.type}": options.response_format.type != "text",
        "tools": bool(options.tools),
        "tool_choice": options.tool_choice is not None,
        "heard": options.heard,
    }
    spelled = {"max_tokens": "max_completion_tokens", "heard": "auricle.heard"}
    return {name: spelled.get(name, name) for name, is_asked in asked.items() if is_asked}


def check_capabilities(request: Request, model: ServedModel) -> None:
    """Raises UnsupportedField or InvalidField for what the engine cannot honour."""
    capabilities = model.engine.capabilities(request.task)
    for name, spelled in asked_fields(request.options).items():
        if name not in capabilities.fields:
            raise UnsupportedField(spelled, model.engine.name, f"model {model.name}")
    language = request.recognition.language
    if language is not None and capabilities.languages != LANGUAGES_ANY and language not in capabilities.languages:
        known = ", ".join(sorted(capabilities.languages))
        raise InvalidField(
            "asr_options.language", f"{language!r} is not a language of {model.name}; known: auto, {known}"
        )


async def collect(deltas: AsyncGenerator[Delta, None]) -> Answer:
    """The whole answer: the collected stream, which is closed however this ends."""
    async with aclosing(deltas):
        return await _collected(deltas)


async def _collected(deltas: AsyncGenerator[Delta, None]) -> Answer:
    content: list[str] = []
    reasoning: list[str] = []
    segments: list[Segment] = []
    heard: tuple[HeardAudio, ...] = ()
    calls: dict[int, ToolCall] = {}
    finish: FinishReason = "stop"
    usage = Usage()
    async for delta in deltas:
        content.append(delta.content)
        reasoning.append(delta.reasoning)
        segments.extend(delta.segments)
        for piece in delta.tool_calls:
            call = calls.get(piece.index, ToolCall("", "", ""))
            calls[piece.index] = ToolCall(
                piece.id or call.id, piece.name or call.name, call.arguments + piece.arguments
            )
        heard = delta.heard or heard
        finish = delta.finish_reason or finish
        usage = delta.usage or usage
    return Answer(
        content="".join(content),
        reasoning="".join(reasoning),
        tool_calls=tuple(calls[index] for index in sorted(calls)),
        segments=tuple(segments),
        finish_reason=finish,
        usage=usage,
        heard=heard,
    )
