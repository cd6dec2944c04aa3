"""Transcripts: the segments of each audio, in order, as Deltas."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import tokenizers

from auricle.engines.embedded.listener import Hearing, Listener
from auricle.types import Delta, FinishReason, Request, Segment, Usage

PROMPT_TOKENS = 4  # start of transcript, language, task, no timestamps: Whisper's prompt for each audio
AHEAD = 2  # audios of one request that are listened to at the same time
_UNSPACED = re.compile(r"[⺀-鿿぀-ヿ豈-﫿︰-﹏＀-￯฀-๿]")  # scripts that put no space between sentences


class Transcriber:
    """Answers requests for recognition. Text and system parts of the messages mean nothing to it."""

    def __init__(self, listener: Listener, folder: Callable[[], Path | None]) -> None:
        """`folder` holds the recogniser's `tokenizer.json`."""
        self._listener = listener
        self._folder = folder

    async def count_prompt_tokens(self, request: Request) -> int:
        """Each audio's tokens and Whisper's own prompt for it."""
        return sum(audio.waveform.tokens + PROMPT_TOKENS for audio in request.audios())

    async def answer(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The transcript, segment by segment; a line for each audio."""
        audios = tuple(request.audios())
        limit = request.options.max_tokens
        spent = cached = 0
        finish: FinishReason = "stop"
        written = _Lines()
        with ExitStack() as listening:
            hearings: list[Hearing] = []
            for index in range(len(audios)):
                while len(hearings) < min(index + AHEAD, len(audios)):
                    hearings.append(self._listener.hear(audios[len(hearings)].waveform, request.recognition))
                    listening.callback(hearings[-1].close)
                async with aclosing(hearings[index].segments()) as segments:
                    async for segment in segments:
                        if limit is not None and spent + len(segment.tokens) > limit:
                            segment = await self._cut(segment, limit - spent)
                            finish = "length"
                        spent += len(segment.tokens)
                        if segment.text:
                            content = written.add(segment, index)
                            yield Delta(content=content, segments=(replace(segment, audio_index=index),))
                        if finish == "length":
                            break
                if hearings[index].cached:
                    cached += audios[index].waveform.tokens + PROMPT_TOKENS
                if finish == "length":
                    break
        usage = Usage(
            prompt_tokens=await self.count_prompt_tokens(request),
            completion_tokens=spent,
            audio_tokens=sum(audio.waveform.tokens for audio in audios),
            cached_tokens=cached,
        )
        yield Delta(finish_reason=finish, usage=usage)

    async def _cut(self, segment: Segment, count: int) -> Segment:
        """The first `count` tokens of `segment`."""
        tokens = segment.tokens[:count]
        tokenizer = await asyncio.to_thread(lambda: self._tokenizer)
        text = tokenizer.decode(list(tokens)).rstrip("\N{REPLACEMENT CHARACTER}").strip()
        return replace(segment, text=text, tokens=tokens, words=())

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        return tokenizers.Tokenizer.from_file(str((self._folder() or Path()) / "tokenizer.json"))


class _Lines:
    """Puts segments together: a space between them where the script has spaces, a line for each audio."""

    def __init__(self) -> None:
        self._last = ""
        self._index = 0

    def add(self, segment: Segment, index: int) -> str:
        """What to write for `segment` of audio `index`."""
        text = segment.text.strip()
        if index > self._index:
            before = "\n" * (index - self._index)
        elif not self._last or not text or (_UNSPACED.match(self._last) or _UNSPACED.match(text[0])):
            before = ""
        else:
            before = " "
        self._index = index
        self._last = text[-1:] or self._last
        return before + text
