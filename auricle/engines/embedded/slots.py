"""Who may use the language model now: first come, first served, within its slots and its context."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Slots:
    """`parallel` slots that share `tokens` of context, and a queue before them.

    Admission keeps it short; who was let in is not sent away here.
    """

    def __init__(self, parallel: int, tokens: int) -> None:
        self._free_slots = parallel
        self._free_tokens = tokens
        self._tokens = tokens
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def idle(self) -> bool:
        """Whether nobody holds one, or waits."""
        return self._free_tokens == self._tokens and not self._waiting

    @asynccontextmanager
    async def take(self, tokens: int) -> AsyncGenerator[None]:
        """Hold one slot and `tokens` of the context, all of it at most; waits for its turn."""
        tokens = min(tokens, self._tokens)
        if self._waiting or not self._fits(tokens):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (tokens, turn)
            self._waiting.append(entry)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # its turn came in the same moment
                    self._give_back(tokens)
                else:
                    self._waiting.remove(entry)
                    self._admit()  # the one behind may be small enough
                raise
        else:
            self._occupy(tokens)
        try:
            yield
        finally:
            self._give_back(tokens)

    def _fits(self, tokens: int) -> bool:
        return self._free_slots > 0 and tokens <= self._free_tokens

    def _occupy(self, tokens: int) -> None:
        self._free_slots -= 1
        self._free_tokens -= tokens

    def _give_back(self, tokens: int) -> None:
        self._free_slots += 1
        self._free_tokens += tokens
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            tokens, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._occupy(tokens)
                turn.set_result(None)
