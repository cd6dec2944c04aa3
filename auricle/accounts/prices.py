"""What a request costs: prices with tiers, by tokens or by the hour, in whole micros (millionths of the currency).

Rounding happens at two places, both half up, and nowhere else: audio is metered in whole microseconds, and the cost
of a request, an exact fraction of a micro, becomes a whole number of micros once, after everything is added up.
So every cost can be computed again, to the micro, from its ledger row and the price version that the row names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Any

from auricle.errors import InvalidField
from auricle.types import Task, Usage

MICROS = 1_000_000  # of one unit of the currency
PRICED_TOKENS = 1_000_000  # token prices are for a million of them
HOUR_US = 3600 * 1_000_000  # microseconds
MAX_MICROS = 10**15  # a thousand million of the currency: keeps every sum within 64 bits
TIER_TOKENS = 256 * 1024  # "256K" on the official price page


@dataclass(frozen=True, slots=True)
class Reading:
    """What was used, as the ledger keeps it."""

    prompt_tokens: int = 0
    cached_tokens: int = 0  # of prompt_tokens
    completion_tokens: int = 0
    reasoning_tokens: int = 0  # of completion_tokens
    audio_us: int = 0

    @classmethod
    def of(cls, usage: Usage) -> Reading:
        return cls(
            usage.prompt_tokens,
            min(usage.cached_tokens, usage.prompt_tokens),
            usage.completion_tokens,
            usage.reasoning_tokens,
            half_up(usage.audio_seconds * 1_000_000),
        )


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices in micros per million tokens, for requests with at most `up_to_tokens` in the prompt (None: any)."""

    hit: int
    miss: int
    output: int
    up_to_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model: by tokens in tiers, smallest first, or by the hour of audio, or both."""

    tiers: tuple[Tier, ...] = ()
    hour: int = 0  # micros per hour of audio

    def cost(self, reading: Reading) -> int:
        """Micros for `reading`. The tier is chosen by the prompt; a prompt beyond the last tier pays the last one's."""
        total = Fraction(self.hour * reading.audio_us, HOUR_US)
        if self.tiers:
            tier = next(
                (t for t in self.tiers if t.up_to_tokens is None or reading.prompt_tokens <= t.up_to_tokens),
                self.tiers[-1],
            )
            tokens = (
                (reading.prompt_tokens - reading.cached_tokens) * tier.miss
                + reading.cached_tokens * tier.hit
                + reading.completion_tokens * tier.output
            )
            total += Fraction(tokens, PRICED_TOKENS)
        return half_up(total)


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """A price as the ledger names it."""

    version: int
    model: str
    from_us: int  # microseconds since 1970; in effect until the model's next version
    price: Price


def half_up(value: Fraction) -> int:
    """`value` (not negative) as a whole number, a half rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def micros(amount: str | Decimal) -> int:
    """An amount of the currency, `12.5`, as micros. Raises InvalidField for what is not a whole number of micros."""
    try:
        exact = Decimal(amount) * MICROS
        whole = int(exact.to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, OverflowError, ValueError):
        raise InvalidField("", f"{amount!r} is not an amount of money") from None
    if whole != exact or abs(whole) > MAX_MICROS:
        raise InvalidField("", f"{amount!r} is too large, or finer than a millionth")
    return whole


def money(amount_micros: int) -> str:
    """Micros as an amount of the currency with all six places: `0.000040`."""
    sign = "-" if amount_micros < 0 else ""
    return f"{sign}{abs(amount_micros) // MICROS}.{abs(amount_micros) % MICROS:06d}"


def official(hit: str, miss: str, output: str) -> Price:
    return Price((Tier(micros(hit), micros(miss), micros(output)),))


DEFAULT_PRICES: Mapping[str, Price] = {
    "mimo-v2.5": official("0.02", "1", "2"),
    "mimo-v2-omni": official("0.56", "2.80", "14.00"),
    "mimo-v2.5-asr": Price(hour=micros("0.5")),
}
"""In CNY, from the price page of MiMo's platform (2026). Written to a new database; changed there."""


def to_json(price: Price) -> dict[str, Any]:
    """As the database and the wire hold it; amounts in micros."""
    body: dict[str, Any] = {}
    if price.tiers:
        body["tiers"] = [
            {
                "up_to_tokens": tier.up_to_tokens,
                "input_hit_micros": tier.hit,
                "input_miss_micros": tier.miss,
                "output_micros": tier.output,
            }
            for tier in price.tiers
        ]
    if price.hour:
        body["hour_micros"] = price.hour
    return body


def from_json(body: Mapping[str, Any]) -> Price:
    """The reverse of `to_json`."""
    tiers = tuple(
        Tier(tier["input_hit_micros"], tier["input_miss_micros"], tier["output_micros"], tier["up_to_tokens"])
        for tier in body.get("tiers", ())
    )
    return checked(Price(tiers, body.get("hour_micros", 0)))


def checked(price: Price) -> Price:
    """`price`, if it makes sense. Raises InvalidField."""
    amounts = [price.hour, *(amount for tier in price.tiers for amount in (tier.hit, tier.miss, tier.output))]
    if any(not 0 <= amount <= MAX_MICROS for amount in amounts):
        raise InvalidField("price", "every amount must be from 0 to a thousand million of the currency")
    bounds = [tier.up_to_tokens for tier in price.tiers]
    rising = [bound for bound in bounds[:-1] if bound is not None]
    if len(rising) != len(bounds[:-1]) or any(bound <= 0 for bound in rising):
        raise InvalidField("tiers", "each tier but the last needs up_to_tokens")
    if bounds and bounds[-1] is not None:
        rising.append(bounds[-1])
    if any(later <= earlier for earlier, later in pairwise(rising)):
        raise InvalidField("tiers", "up_to_tokens must rise from tier to tier")
    return price


def bound(price: Price, task: Task, prompt_tokens: int, output_tokens: int, audio_us: int) -> int:
    """Micros that a request costs at most: nothing comes from a cache, and the whole output is written."""
    output = output_tokens if task is Task.UNDERSTAND else 0
    return price.cost(Reading(prompt_tokens=prompt_tokens, completion_tokens=output, audio_us=audio_us))
