"""The language model reads the examples once, while nobody wants an answer; from then on they cost nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager

from auricle.engines.embedded.completion import Sampling
from auricle.engines.embedded.conversation import opening
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.prompt import Turn, compose

EXAMPLES_CONTEXT = 4096  # tokens that the context has at least where examples, about 2100, stand in it
EXAMPLES_BYTES = 800_000_000  # of a model that learns from them; one of 0.5 GB says more often what they say
PATIENCE_SECONDS = 90.0  # for which reading examples gives way to answers


class Lesson:
    """Which examples the model's process has read."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._taught: dict[bool, int | None] = {}  # which process has read the examples, by whether they are Chinese
        self._reading: asyncio.Task[None] | None = None
        self._patient = True
        self._answers = 0  # that are being given
        self._idle = asyncio.Event()
        self._idle.set()

    async def give(self) -> None:
        """Let the model read the examples while nobody wants an answer; return once it knows them.

        That takes a minute on two cores. Until then, answers are given without. Where somebody always wants an
        answer, they wait for it after PATIENCE_SECONDS.
        """
        await self._model.wait_ready()
        begun = time.monotonic()
        for chinese in (False, True) if self._teachable else ():
            while not self.known(chinese=chinese):
                left = PATIENCE_SECONDS - (time.monotonic() - begun)
                await asyncio.wait({idle := asyncio.create_task(self._idle.wait())}, timeout=max(0.0, left))
                idle.cancel()
                self._patient = left > 0
                process = self._model.worker_pid
                self._reading = asyncio.create_task(self._read(opening(chinese=chinese)), name="reading examples")
                try:
                    await asyncio.wait({self._reading})
                finally:
                    self._reading.cancel()
                if not self._reading.cancelled():
                    self._reading.result()
                    self._taught[chinese] = process

    def known(self, *, chinese: bool) -> bool:
        """Whether the process that holds the model now has read the examples."""
        return self._taught.get(chinese) == self._model.worker_pid is not None

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Examples are not read meanwhile; the model goes on with them afterwards."""
        self._answers += 1
        self._idle.clear()
        if self._reading is not None and self._patient:
            self._reading.cancel()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._idle.set()

    async def _read(self, turns: Sequence[Turn]) -> None:
        prompt = await compose(self._model, turns)
        async with aclosing(self._model.write(prompt.tokens, 1, Sampling())) as pieces:
            async for _ in pieces:
                pass

    @property
    def _teachable(self) -> bool:
        """Whether the model is shown examples."""
        return self._model.context_length >= EXAMPLES_CONTEXT and self._model.size_bytes >= EXAMPLES_BYTES
