"""One request's entry in the books: opened when it is admitted, closed whatever became of it.

What is charged: a request that was answered, by its usage; one whose client hung up after the first piece, by its
prompt and by what had been written (recognition: heard) for it until then; every other one nothing.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Protocol

from auricle.accounts.clock import now_us
from auricle.accounts.keys import Caller
from auricle.accounts.ledger import Ledger
from auricle.accounts.prices import Reading, bound, half_up
from auricle.accounts.register import Register
from auricle.accounts.rows import Reservation, Row
from auricle.store.database import StoreUnavailable
from auricle.types import Delta, Request, Task, Usage

ASSUMED_OUTPUT_TOKENS = 32_768  # reserved for an answer without max_tokens, if the context has room for so many
ANSWERED = 200
CLIENT_GONE = 499


class Entry(Protocol):
    """The line of one request."""

    def passed(self, delta: Delta) -> None:
        """A piece of the answer is on its way."""

    async def settle(self, usage: Usage) -> None:
        """The answer is complete: charge it. Its row is safe when this returns."""

    def close(self, status: int) -> None:
        """The request has ended so; does nothing once it is settled."""


class Books(Protocol):
    """Who may spend, and what was spent."""

    def check(self, caller: Caller, model: str) -> None:
        """Raises Forbidden and BalanceUsedUp."""

    def open(
        self, caller: Caller, request: Request, engine: str, prompt_tokens: int, context_length: int | None
    ) -> Entry:
        """Admit a request whose audio is decoded: from here on it leaves exactly one row. Raises as `check` does."""


class NoEntry:
    """Of a server without accounts."""

    def passed(self, delta: Delta) -> None: ...

    async def settle(self, usage: Usage) -> None: ...

    def close(self, status: int) -> None: ...


NO_ENTRY = NoEntry()


class NoBooks:
    """Of a server without accounts."""

    def check(self, caller: Caller, model: str) -> None: ...

    def open(
        self, caller: Caller, request: Request, engine: str, prompt_tokens: int, context_length: int | None
    ) -> Entry:
        return NO_ENTRY


class LedgerBooks:
    """Of a server that keeps accounts; a KeyRing as well."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __bool__(self) -> bool:
        """A key is needed."""
        return True

    @property
    def register(self) -> Register:
        return self._ledger.register

    def caller(self, key: str) -> Caller | None:
        return self.register.caller(key)

    def check(self, caller: Caller, model: str) -> None:
        self.register.check(caller, model)

    def open(
        self, caller: Caller, request: Request, engine: str, prompt_tokens: int, context_length: int | None
    ) -> Entry:
        self.check(caller, request.model)
        price = self.register.price(request.model)
        audio_us = half_up(sum((a.waveform.duration for a in request.audios()), Fraction(0)) * 1_000_000)
        room = ASSUMED_OUTPUT_TOKENS if context_length is None else max(context_length - prompt_tokens, 0)
        output = min(request.options.max_tokens or ASSUMED_OUTPUT_TOKENS, room)
        amount = bound(price.price, request.task, prompt_tokens, output, audio_us) if price else 0
        reservation = Reservation(request.id, now_us(), caller, request.model, engine, price, amount)
        self._ledger.reserve(reservation)
        return LedgerEntry(self._ledger, reservation, request.task, prompt_tokens)


class LedgerEntry:
    """See Entry."""

    def __init__(self, ledger: Ledger, reservation: Reservation, task: Task, prompt_tokens: int) -> None:
        self._ledger = ledger
        self._reservation = reservation
        self._task = task
        self._prompt_tokens = prompt_tokens
        self._started = time.monotonic()
        self._first_us: int | None = None
        self._pieces = 0
        self._reasoning = 0
        self._heard: dict[int, float] = {}  # audio -> seconds up to the last segment that was passed on
        self._settled = False

    def passed(self, delta: Delta) -> None:
        if self._first_us is None:
            self._first_us = self._elapsed_us()
        self._pieces += 1
        self._reasoning += bool(delta.reasoning)
        for segment in delta.segments:
            self._heard[segment.audio_index] = max(self._heard.get(segment.audio_index, 0.0), segment.end)

    async def settle(self, usage: Usage) -> None:
        self._settled = True  # also if the client goes while the row is written: the answer was complete
        try:
            await self._ledger.settle(self._row(ANSWERED, Reading.of(usage)))
        except StoreUnavailable:
            self._settled = False
            raise

    def close(self, status: int) -> None:
        if self._settled:
            return
        self._settled = True
        reading = self._partial() if status == CLIENT_GONE and self._pieces else Reading()
        self._ledger.settle_soon(self._row(status, reading))

    def _partial(self) -> Reading:
        """What a client that hung up has had: a piece counts as one token, which is never more than it was."""
        heard = Fraction(sum(self._heard.values())) * 1_000_000
        return Reading(self._prompt_tokens, 0, self._pieces, self._reasoning, half_up(heard))

    def _row(self, status: int, reading: Reading) -> Row:
        cost = self._reservation.cost(reading)
        return Row(self._reservation, reading, cost, status, now_us(), self._elapsed_us(), self._first_us)

    def _elapsed_us(self) -> int:
        return round((time.monotonic() - self._started) * 1_000_000)
