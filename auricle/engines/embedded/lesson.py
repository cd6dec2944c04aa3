"""The language model reads the examples once, while nobody wants an answer; from then on they cost nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

from auricle.engines.embedded.completion import Sampling
from auricle.engines.embedded.conversation import opening
from auricle.engines.embedded.examples import MOST_EXAMPLES, examples
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.prompt import compose

EXAMPLES_CONTEXT = 4096  # tokens that the context has at least where examples, about 2100, stand in it
EXAMPLES_BYTES = 800_000_000  # of a model that learns from them; one of 0.5 GB says more often what they say
PATIENCE_SECONDS = 90.0  # for which reading examples gives way to answers
_STEPS = ((False, 1), (True, 1), (False, MOST_EXAMPLES), (True, MOST_EXAMPLES))  # whether in Chinese, how many then


class Lesson:
    """Which examples the model's process has read."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._taught: dict[bool, tuple[int | None, int]] = {}  # by which process, and how many; by whether in Chinese
        self._reading: asyncio.Task[int] | None = None
        self._patient = True
        self._answers = 0  # that are being given
        self._idle = asyncio.Event()
        self._idle.set()

    async def give(self) -> None:
        """Let the model read the examples while nobody wants an answer; return once it knows them.

        That takes a minute or two on two cores, once: it is kept beside the weights. Until then, answers are given
        with the examples that it has read, the first ones of both languages first. Where somebody always wants an
        answer, they wait for it after PATIENCE_SECONDS.
        """
        await self._model.wait_ready()
        begun = time.monotonic()
        for chinese, most in _STEPS if self._teachable else ():
            total = min(most, len(examples(chinese=chinese)))
            while self.known(chinese=chinese) < total:
                left = PATIENCE_SECONDS - (time.monotonic() - begun)
                await asyncio.wait({idle := asyncio.create_task(self._idle.wait())}, timeout=max(0.0, left))
                idle.cancel()
                self._patient = left > 0
                process = self._model.worker_pid
                self._reading = asyncio.create_task(self._read(self.known(chinese=chinese), chinese=chinese))
                try:
                    await asyncio.wait({self._reading})
                finally:
                    self._reading.cancel()
                if not self._reading.cancelled():
                    self._taught[chinese] = process, self._reading.result()

    def known(self, *, chinese: bool) -> int:
        """How many examples the process that holds the model now has read, from the first on."""
        process, count = self._taught.get(chinese, (None, 0))
        return count if process == self._model.worker_pid is not None else 0

    @property
    def over(self) -> bool:
        """Whether all examples are known, if there are any for this model."""
        return not self._teachable or all(
            self.known(chinese=chinese) == len(examples(chinese=chinese)) for chinese in (False, True)
        )

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

    async def _read(self, known: int, *, chinese: bool) -> int:
        """Read one more example than is `known`, or all, if they are kept; how many are known then."""
        total = len(examples(chinese=chinese))
        whole = await compose(self._model, opening(total, chinese=chinese))
        if not known and await self._model.recall(whole.tokens):
            return total
        prompt = await compose(self._model, opening(known + 1, chinese=chinese))
        async with aclosing(self._model.write(prompt.tokens, 1, Sampling())) as pieces:
            async for _ in pieces:
                pass
        if known + 1 == total:
            await self._model.keep(whole.tokens)
        return known + 1

    @property
    def _teachable(self) -> bool:
        """Whether the model is shown examples."""
        return self._model.context_length >= EXAMPLES_CONTEXT and self._model.size_bytes >= EXAMPLES_BYTES
