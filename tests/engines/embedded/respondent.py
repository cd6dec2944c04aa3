"""A responder that has heard what the tests ask about: without a recogniser."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, cast

from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.lesson import EXAMPLES_BYTES, EXAMPLES_CONTEXT
from auricle.engines.embedded.listener import Listener
from auricle.engines.embedded.responder import Responder
from auricle.pipeline import collect
from auricle.types import Answer, Message, Options, RecognitionOptions, Request, Segment, Task, Text
from auricle.waveform import Waveform
from tests.engines.embedded.questions import audio_of

CONTEXT = EXAMPLES_CONTEXT - 1  # examples would leave little room for what the tests are about, and take time to read


class Deaf:
    """Must not be asked: everything is known already."""

    async def recognize(self, waveform: Waveform, options: RecognitionOptions) -> AsyncGenerator[Segment, None]:
        assert not waveform, "heard again"
        yield Segment("", 0, 0, "en")


class Roomy:
    """The real model, as it says larger and with a larger context."""

    context_length = EXAMPLES_CONTEXT
    size_bytes = EXAMPLES_BYTES

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Respondent:
    """A responder that has heard every scene."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self._listener = Listener(Deaf())
        self.responder = Responder(model, self._listener)
        self.taught = Responder(cast(LanguageModel, Roomy(model)), self._listener)
        """With the examples before the conversation."""

    def request(self, *messages: Message | Heard | str, **options: Any) -> Request:
        """Whole messages, or the scenes and texts of one."""
        if not all(isinstance(message, Message) for message in messages):
            messages = (self.user(*messages),)
        options.setdefault("max_tokens", 120)
        options.setdefault("thinking", False)
        whole = tuple(message for message in messages if isinstance(message, Message))
        return Request("0" * 32, "m", Task.UNDERSTAND, whole, Options(**options))

    def user(self, *parts: Message | Heard | str) -> Message:
        content = []
        for part in parts:
            if isinstance(part, Heard):
                audio = audio_of(part)
                self._listener.memory.put((audio.waveform.digest, RecognitionOptions()), part)
                content.append(audio)
            elif isinstance(part, str):
                content.append(Text(part))  # type: ignore[arg-type]
        return Message("user", tuple(content))

    async def answer(self, request: Request) -> Answer:
        answer = await collect(self.responder.answer(request))
        assert answer.usage.prompt_tokens == await self.responder.count_prompt_tokens(request)
        assert answer.usage.cached_tokens <= answer.usage.prompt_tokens
        return answer

    async def ask(self, *messages: Message | Heard | str, **options: Any) -> Answer:
        return await self.answer(self.request(*messages, **options))
