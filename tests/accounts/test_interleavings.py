"""Whatever requests, cancellations, top-ups and price changes do to each other, the books add up, to the micro."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from auricle.accounts.directory import open_directory
from auricle.accounts.keys import Caller
from auricle.accounts.office import Office
from auricle.accounts.prices import Price, Tier
from auricle.accounts.reports import GROUPS, Span
from auricle.accounts.views import KeyTerms
from auricle.app import create_app
from auricle.engines.base import Capabilities
from auricle.errors import BalanceUsedUp, EngineFailed
from auricle.pipeline import Pipeline, ServedModel
from auricle.store import tables
from auricle.types import Audio, AudioClip, Delta, Message, Options, Readiness, Request, Segment, Task, Text, Usage
from auricle.waveform import Waveform
from tests.serving import scripted_settings

MODELS = {"talk": Task.UNDERSTAND, "hear": Task.RECOGNIZE, "free": Task.UNDERSTAND}
SETTINGS = scripted_settings(accounts=True, rate_limits="off")
PROMPT_TOKENS = 1000
CONTEXT = 50_000


class CountingEngine:
    """Says as many pieces as its request asks for, then reports the usage that it was given; or fails before."""

    name = "counting"

    def readiness(self, task: Task) -> Readiness:
        return Readiness(True)

    def capabilities(self, task: Task) -> Capabilities:
        return Capabilities(fields=frozenset({"max_tokens"}), weights="none")

    def context_length(self, task: Task) -> int | None:
        return CONTEXT

    async def count_prompt_tokens(self, request: Request) -> int:
        return PROMPT_TOKENS

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, request: Request) -> AsyncGenerator[Delta, None]:
        pieces, cached, fails = (int(word) for word in request.messages[0].text.split())
        for number in range(pieces):
            segment = Segment("word", number, number + 1.0, "en")
            yield Delta(content="word ", segments=(segment,) if request.task is Task.RECOGNIZE else ())
        if fails:
            raise EngineFailed("as it was told to")
        yield Delta(finish_reason="stop", usage=Usage(PROMPT_TOKENS, pieces, 0, cached))


@dataclass
class Running:
    """A request, as its client knows it."""

    request: Request
    deltas: AsyncGenerator[Delta, None]
    price: Price | None
    pieces: int = 0
    admitted: bool = False
    expected: int = 0  # micros


@dataclass
class World:
    """A server's accounts without the server, on one event loop."""

    folder: Path
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        """As `create_app` puts it together, with engines of our own."""
        services = create_app(SETTINGS.model_copy(update={"data_dir": self.folder})).state.services
        self.office: Office = services.office
        self.pipeline: Pipeline = services.pipeline
        self.pipeline.models = {name: ServedModel(name, task, CountingEngine(), None) for name, task in MODELS.items()}
        self.do(self.office.start())


def new_database() -> Path:
    """Migrating takes longer than an example: each begins with a copy of one database."""
    folder = Path(tempfile.mkdtemp(prefix="auricle-books-"))
    directory = open_directory(scripted_settings(accounts=True, data_dir=folder))
    directory.create_account("prepaid", prepaid=True)
    for model in ("talk", "hear"):
        directory.set_price(model, Price((Tier(3, 700_000, 1_900_001),), 7_777_777))
    directory.create_key("a", account="prepaid")
    directory.create_key("b", account="prepaid", terms=KeyTerms(daily_limit_micros=20_000))
    directory.create_key("c")
    directory.close()
    return folder


TEMPLATE = new_database()
AMOUNTS = st.integers(0, 10**9)
FOUR_SECONDS = Audio(AudioClip(b"", "wav"), Waveform(b"", 64_000, Fraction(40_001, 10_000), 26, "0"))


class Interleavings(RuleBasedStateMachine):
    running: Bundle[Running] = Bundle("running")

    @initialize()
    def begin(self) -> None:
        self.world = World(Path(tempfile.mkdtemp(prefix="auricle-books-")))
        for file in TEMPLATE.iterdir():
            shutil.copy(file, self.world.folder)
        self.world.open()
        self.keys = {key.name: key for key in self.world.office.directory.keys(None)}
        self.asked: list[Running] = []
        self.ended: dict[str, Running] = {}
        self.prices = {v.model: v.price for v in self.world.office.directory.prices()}
        self.credited = 0
        self.requests = 0

    @rule(
        target=running,
        key=st.sampled_from("abc"),
        model=st.sampled_from(list(MODELS)),
        pieces=st.integers(0, 5),
        cached=st.integers(0, PROMPT_TOKENS),
        fails=st.booleans(),
        max_tokens=st.sampled_from([None, 5, 400]),
    )
    def ask(self, key: str, model: str, pieces: int, cached: int, fails: bool, max_tokens: int | None) -> Running:
        self.requests += 1
        parts = (Text(f"{pieces} {cached} {int(fails)}"), FOUR_SECONDS)
        request = Request(
            f"{self.requests:032x}", model, MODELS[model], (Message("user", parts),), Options(max_tokens=max_tokens)
        )
        owner = self.keys[key]
        caller = Caller(owner.id, owner.account_id, owner.project_id)
        asked = Running(request, self.world.pipeline.run(request, caller), None)
        self.asked.append(asked)
        return asked

    @rule(asked=running)
    def read(self, asked: Running) -> None:
        """One piece of the answer."""
        if asked.request.id in self.ended:
            return
        price = asked.price if asked.admitted else self.prices.get(asked.request.model)
        try:
            delta = self.world.do(anext(asked.deltas))
        except BalanceUsedUp:
            assert not asked.admitted
            self.ended[asked.request.id] = asked
            return
        except (EngineFailed, StopAsyncIteration):
            asked.admitted = True
            self.ended[asked.request.id] = asked
            return
        asked.price, asked.admitted = price, True
        if delta.usage is None:
            asked.pieces += 1
            return
        asked.expected = self.cost(asked, delta.usage, delta.usage.audio_seconds)

    @rule(asked=consumes(running))
    def hang_up(self, asked: Running) -> None:
        self.cut_off(asked)

    def cut_off(self, asked: Running) -> None:
        self.world.do(asked.deltas.aclose())
        if asked.request.id in self.ended:
            return
        self.ended[asked.request.id] = asked
        if asked.pieces and not asked.expected:
            heard = asked.pieces if asked.request.task is Task.RECOGNIZE else 0
            asked.expected = self.cost(asked, Usage(PROMPT_TOKENS, asked.pieces), Fraction(heard))

    @rule(amount=st.integers(-10_000, 60_000).filter(bool))
    def top_up(self, amount: int) -> None:
        office = self.world.office
        self.world.do(office.change(office.directory.top_up, "prepaid", amount))
        self.credited += amount

    @rule(model=st.sampled_from(["talk", "hear"]), tier=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), hour=AMOUNTS)
    def change_price(self, model: str, tier: tuple[int, int, int], hour: int) -> None:
        office = self.world.office
        price = Price((Tier(*tier),), hour)
        self.world.do(office.change(office.directory.set_price, model, price))
        self.prices[model] = price

    @rule()
    def wait(self) -> None:
        """Long enough for reservations to be written."""
        self.world.do(asyncio.sleep(0.03))

    @rule()
    def restart(self) -> None:
        """All requests are cut off, as a server that is stopped does it."""
        self.stop()
        self.world.open()

    def cost(self, asked: Running, usage: Usage, seconds: Fraction) -> int:
        """Computed anew, in fractions."""
        if asked.price is None:
            return 0
        tier = asked.price.tiers[0]
        miss = usage.prompt_tokens - usage.cached_tokens
        tokens = miss * tier.miss + usage.cached_tokens * tier.hit + usage.completion_tokens * tier.output
        exact = Fraction(tokens, 10**6) + Fraction(asked.price.hour, 3600) * seconds
        return int(exact + Fraction(1, 2))

    @invariant()
    def the_books_add_up(self) -> None:
        if not hasattr(self, "world"):
            return
        office = self.world.office
        with office.database.reading() as connection:
            rows = connection.execute(sa.select(tables.ledger)).all()
            accounts = connection.execute(sa.select(tables.accounts)).all()
            days = connection.scalar(sa.select(sa.func.sum(tables.key_days.c.charged_micros)))
            paid = connection.scalar(sa.select(sa.func.sum(tables.top_ups.c.amount_micros)))
        total = sum(row.cost_micros for row in rows)
        assert total == sum(account.charged_micros for account in accounts) == (days or 0)
        assert self.credited == (paid or 0) == sum(account.credited_micros for account in accounts)
        for by in GROUPS:
            assert total == sum(group.sums.cost_micros for group in office.reports.usage(Span(), (by,)))
        register = office.books.register
        for account in accounts:
            assert register.accounts[account.id] == (account.credited_micros, account.charged_micros)

    def stop(self) -> None:
        for asked in self.asked:
            self.cut_off(asked)
        self.world.do(self.world.office.close())

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.stop()
            self.check_rows()
        finally:
            self.world.office.database.close()
            self.world.loop.close()
            shutil.rmtree(self.world.folder)

    def check_rows(self) -> None:
        """Every admitted request has left one row, at its price; no other one has."""
        world = self.world
        with world.office.database.reading() as connection:
            rows = {row.request_id: row for row in connection.execute(sa.select(tables.ledger))}
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.reservations)) == 0
        assert not world.office.books.register.reserved
        for request_id, asked in self.ended.items():
            assert (request_id in rows) == asked.admitted, "admitted requests leave a row, others do not"
            if asked.admitted:
                assert rows[request_id].cost_micros == asked.expected


Interleavings.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_interleaving = Interleavings.TestCase
