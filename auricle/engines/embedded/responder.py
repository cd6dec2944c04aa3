"""Answers: what was heard and what was asked become a prompt, and what the language model writes becomes Deltas."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace

from auricle.engines.embedded.biasing import biased, sentence
from auricle.engines.embedded.completion import DEFAULT_TOP_P, Sampling, Written
from auricle.engines.embedded.constraints import CallReader, Tools, constraint_of
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import Doubt
from auricle.engines.embedded.heard import Heard, is_credible, is_doubtful
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.lesson import Lesson
from auricle.engines.embedded.listener import Hearing, Listener
from auricle.engines.embedded.notes import Wording, sentences
from auricle.engines.embedded.prompt import Prompt, compose
from auricle.engines.embedded.selection import matching, spread
from auricle.engines.embedded.writer import Writer
from auricle.errors import ContextTooLong, InvalidField
from auricle.types import Delta, FinishReason, Options, Request, ToolCallDelta, Usage

DEFAULT_ANSWER_TOKENS = 4096  # when the client sets no limit
LEAST_ANSWER_TOKENS = 256  # of the context, kept for the answer when notes are long
NOTES_TOKENS = 8192  # shown of a long transcript: reading them takes a minute or more on two cores
HINT_SHARE = 0.25  # of a shortened transcript's room, for what fits the question
REASONING_TOKENS = 8192  # when the client sets no limit
ESTIMATED_CHARACTERS_PER_TOKEN = 4
MAX_CHARACTERS_PER_TOKEN = 64  # text longer than that is not tokenised just to say how much too long it is
AHEAD = 2  # audios of one request that are listened to at the same time


class Responder:
    """Answers requests for understanding. One for all."""

    def __init__(self, model: LanguageModel, listener: Listener, doubt: Doubt | None = None) -> None:
        """`doubt` was fitted for `model`, if for any."""
        self._model = model
        self._listener = listener
        self._writer = Writer(model, doubt)
        self._lesson = Lesson(model)

    async def warm_up(self) -> None:
        """Let the model read the examples; see `Lesson.give`."""
        await self._lesson.give()

    @property
    def warm(self) -> bool:
        """Whether it answers as well as it can."""
        return self._lesson.over

    async def count_prompt_tokens(self, request: Request) -> int:
        """Text of the messages in the model's template, and each audio's tokens. Raises InvalidField."""
        conversation = await self._conversation(request)
        self._check_length(request)
        prompt = await compose(self._model, conversation.turns([""] * len(conversation.audios)))
        return prompt.billed_tokens + sum(audio.waveform.tokens for audio in conversation.audios)

    async def prompt(self, request: Request, heard: Sequence[Heard]) -> Prompt:
        """What the model is shown for `request`, if that is heard in its audios."""
        conversation = await self._conversation(request)
        return await self._prompt(conversation, [biased(one, conversation.words) for one in heard])

    async def answer(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Reasoning if it is wanted, then the answer, then how it ended and its usage."""
        with self._lesson.interrupted():
            async with aclosing(self._answer(request)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _answer(self, request: Request) -> AsyncGenerator[Delta, None]:
        options = request.options
        conversation = await self._conversation(request)
        sampling = await self._sampling(options, conversation.tools)
        await self._check_fits(conversation)
        with ExitStack() as listening:
            hearings: list[Hearing] = []
            for index in range(min(AHEAD, len(conversation.audios))):
                hearings.append(self._hear(conversation, index, listening))
            heard: list[Heard] = []
            reasoning = _Reasoning(self._model, options)
            for index in range(len(conversation.audios)):
                if index and len(hearings) < len(conversation.audios):
                    hearings.append(self._hear(conversation, len(hearings), listening))
                wording = self._wording(conversation, index)
                async with aclosing(self._listen(hearings[index], wording, conversation.words)) as lines:
                    async for line in lines:
                        if text := await reasoning.add(line):
                            yield Delta(reasoning=text)
                heard.append(biased((await hearings[index].result()).credible(), conversation.words))
            reused_audio_tokens = sum(hearing.waveform.tokens for hearing in hearings if hearing.cached)
        prompt = await self._prompt(conversation, heard)
        room = self._model.context_length - len(prompt.tokens)
        wanted = DEFAULT_ANSWER_TOKENS if options.max_tokens is None else options.max_tokens - reasoning.tokens
        reader = CallReader(conversation.tools.callable)
        written = Written("")
        answering = self._writer.write(conversation, heard, prompt, max(1, min(wanted, room)), sampling)
        async with aclosing(answering) as pieces:
            async for written in pieces:
                if text := reader.feed(written.text):
                    yield Delta(content=text)
        finish: FinishReason = written.finish or "stop"
        if reader.function is not None:
            call = ToolCallDelta(0, f"call_{request.id[:24]}", reader.function.name, reader.end())
            yield Delta(tool_calls=(call,))
            finish = "tool_calls" if finish == "stop" else finish
        elif text := reader.end():
            yield Delta(content=text)
        audio_tokens = sum(audio.waveform.tokens for audio in conversation.audios)
        usage = Usage(
            prompt_tokens=prompt.billed_tokens + audio_tokens,
            completion_tokens=reasoning.tokens + written.tokens,
            audio_tokens=audio_tokens,
            cached_tokens=prompt.billed_within(written.reused_tokens) + reused_audio_tokens,
            reasoning_tokens=reasoning.tokens,
        )
        reports = tuple(one.report() for one in heard) if options.heard else ()
        yield Delta(heard=reports, finish_reason=finish, usage=usage)

    async def _conversation(self, request: Request) -> Conversation:
        late = await self._model.takes_late_instructions()
        conversation = Conversation(request, Tools.of(request.options, request.messages), late_instructions=late)
        known = self._lesson.known(chinese=conversation.chinese)
        return replace(conversation, examples=known, adaptable=self._model.adaptable)

    async def _sampling(self, options: Options, tools: Tools) -> Sampling:
        constraint = constraint_of(options, tools)
        if constraint is not None and (problem := await self._model.check(constraint.grammar)):
            raise InvalidField(constraint.field, problem)
        # Greedy unless asked otherwise: quotes, numbers and names are what the answers are about. A client that sets
        # top_p alone wants sampling, at the temperature 1 that the API documents as the default.
        temperature = options.temperature
        if temperature is None:
            temperature = 0.0 if options.top_p is None else 1.0
        return Sampling(
            temperature=temperature,
            top_p=DEFAULT_TOP_P if options.top_p is None else options.top_p,
            frequency_penalty=options.frequency_penalty or 0.0,
            presence_penalty=options.presence_penalty or 0.0,
            seed=options.seed,
            stop=options.stop,
            grammar=None if constraint is None else constraint.grammar,
        )

    def _hear(self, conversation: Conversation, index: int, listening: ExitStack) -> Hearing:
        hearing = self._listener.hear(
            conversation.audios[index].waveform, conversation.request.recognition, sounds=True
        )
        listening.callback(hearing.close)
        return hearing

    async def _listen(self, hearing: Hearing, wording: Wording, words: frozenset[str]) -> AsyncGenerator[str, None]:
        """The sentences about one audio, each as soon as it is known."""
        yield wording.opening()
        before = None
        async with aclosing(hearing.segments()) as segments:
            async for segment in segments:
                if not is_doubtful(segment) or is_credible(segment, await hearing.events()):
                    yield wording.said(sentence(segment, words), before)
                    before = segment
        for line in wording.closing((await hearing.result()).credible()):
            yield line

    def _wording(self, conversation: Conversation, index: int) -> Wording:
        seconds = conversation.audios[index].waveform.seconds
        return Wording(conversation.chinese, conversation.number(index), seconds)

    async def _prompt(self, conversation: Conversation, heard: Sequence[Heard]) -> Prompt:
        """The prompt with everything that was heard, or, where that is too long, with what fits."""
        excerpts = [
            _Excerpt(one, self._wording(conversation, index), words=conversation.creating)
            for index, one in enumerate(heard)
        ]
        for excerpt in excerpts:
            excerpt.tokens = await self._model.count(excerpt.notes())
        total = sum(excerpt.tokens for excerpt in excerpts)
        bare = await compose(self._model, conversation.turns([""] * len(heard)))
        room = min(NOTES_TOKENS, self._model.context_length - len(bare.tokens) - LEAST_ANSWER_TOKENS)
        while True:
            shortened = total > room
            hint = ""
            if shortened:
                for excerpt in excerpts:
                    excerpt.shorten(max(0, int(room * (1 - HINT_SHARE) * excerpt.tokens / total)))
                hint = self._hint(conversation, excerpts, max(0, int(room * HINT_SHARE)))
            prompt = await compose(self._model, conversation.turns([e.notes() for e in excerpts], hint))
            if len(prompt.tokens) + LEAST_ANSWER_TOKENS <= self._model.context_length or room <= 0:
                break
            room = int(room * 0.8) if shortened else total - 1  # token counts of lines are estimates
        if len(prompt.tokens) >= self._model.context_length:
            raise self._too_long(conversation.request, len(prompt.tokens))
        return prompt

    def _hint(self, conversation: Conversation, excerpts: Sequence[_Excerpt], budget: int) -> str:
        """Lines that were left out and share words with the question."""
        lines = [(excerpt, index) for excerpt in excerpts for index in excerpt.left_out]
        texts = [excerpt.heard.segments[index].text for excerpt, index in lines]
        costs = [excerpt.costs[index] for excerpt, index in lines]
        chosen = sorted(matching(texts, conversation.question.text, costs, budget))
        said = [lines[i][0].wording.said(lines[i][0].heard.segments[lines[i][1]]) for i in chosen]
        if not said:
            return ""
        label = (
            "其中与问题有关的话：" if conversation.chinese else "Of what was left out, this has words of the question:"
        )
        return "\n".join([label, *said])

    async def _check_fits(self, conversation: Conversation) -> None:
        """Raises ContextTooLong where not even the shortest notes leave room for an answer."""
        self._check_length(conversation.request)
        notes = [self._wording(conversation, index).opening() for index in range(len(conversation.audios))]
        prompt = await compose(self._model, conversation.turns(notes))
        if len(prompt.tokens) >= self._model.context_length:
            raise self._too_long(conversation.request, len(prompt.tokens))

    def _check_length(self, request: Request) -> None:
        characters = sum(len(message.text) for message in request.messages)
        if characters > self._model.context_length * MAX_CHARACTERS_PER_TOKEN:
            raise self._too_long(request, characters // ESTIMATED_CHARACTERS_PER_TOKEN)

    def _too_long(self, request: Request, tokens: int) -> ContextTooLong:
        return ContextTooLong(tokens, self._model.context_length, request.model)


class _Reasoning:
    """What was heard, as far as the client's token limit lets it be told.

    At most half of the limit: who bounds the completion wants an answer within it.
    """

    def __init__(self, model: LanguageModel, options: Options) -> None:
        self._model = model
        self._wanted = options.thinking
        self._limit = REASONING_TOKENS if options.max_tokens is None else options.max_tokens // 2
        self.tokens = 0

    async def add(self, line: str) -> str:
        """What to send of `line`: all of it or, from the first line on that is too long, nothing."""
        if not self._wanted:
            return ""
        text = f"\n{line}" if self.tokens else line
        tokens = await self._model.count(text)
        if self.tokens + tokens > self._limit:
            self._wanted = False
            return ""
        self.tokens += tokens
        return text


@dataclass(slots=True)
class _Excerpt:
    """What is shown of one audio."""

    heard: Heard
    wording: Wording
    words: bool  # of speech only what is said
    tokens: int = 0  # of the notes before they were shortened
    kept: frozenset[int] | None = None  # None: everything

    def notes(self) -> str:
        if self.words and self.heard.segments:
            segments = self.heard.segments
            return " ".join(s.text for i, s in enumerate(segments) if self.kept is None or i in self.kept)
        return "\n".join(sentences(self.heard, self.wording, self.kept))

    @property
    def costs(self) -> list[int]:
        """About how many tokens each segment's line has."""
        lengths = [len(self.wording.said(segment)) for segment in self.heard.segments]
        return [max(1, self.tokens * length // max(1, sum(lengths))) for length in lengths]

    @property
    def left_out(self) -> list[int]:
        return [i for i in range(len(self.heard.segments)) if self.kept is not None and i not in self.kept]

    def shorten(self, budget: int) -> None:
        self.kept = spread(self.costs, budget)
