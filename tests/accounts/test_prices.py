"""What requests cost: to the micro, and so that anybody can compute it again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.accounts.prices import (
    DEFAULT_PRICES,
    MAX_MICROS,
    TIER_TOKENS,
    Price,
    Reading,
    Tier,
    checked,
    from_json,
    half_up,
    micros,
    money,
    to_json,
)
from auricle.errors import InvalidField
from auricle.types import Usage

OLD_OFFICIAL = Price(
    (
        Tier(micros("0.56"), micros("2.80"), micros("14"), TIER_TOKENS),
        Tier(micros("1.12"), micros("5.60"), micros("28")),
    )
)
"""An earlier official price of mimo-v2.5: double above 256K."""


def test_the_official_understanding_sample() -> None:
    # prompt 86, of them 82 cached, completion 17: (4 * 1 + 82 * 0.02 + 17 * 2) / 1e6 CNY = 39.64 micros
    usage = Usage(prompt_tokens=86, completion_tokens=17, audio_tokens=25, cached_tokens=82, reasoning_tokens=15)
    assert DEFAULT_PRICES["mimo-v2.5"].cost(Reading.of(usage)) == 40
    # (4 * 2.80 + 82 * 0.56 + 17 * 14) = 11.2 + 45.92 + 238 = 295.12
    assert DEFAULT_PRICES["mimo-v2-omni"].cost(Reading.of(usage)) == 295


def test_the_official_recognition_sample() -> None:
    # 3.9 s (shown as 4) of 3600 at 0.5 CNY: 541.67 micros; its tokens cost nothing
    usage = Usage(46, 20, 25, 45, 0, Fraction(39, 10))
    assert DEFAULT_PRICES["mimo-v2.5-asr"].cost(Reading.of(usage)) == 542
    hour = Usage(audio_seconds=Fraction(3600))
    assert money(DEFAULT_PRICES["mimo-v2.5-asr"].cost(Reading.of(hour))) == "0.500000"


@pytest.mark.parametrize(
    ("prompt", "cost"),
    [(TIER_TOKENS, "0.734003"), (TIER_TOKENS + 1, "1.468012"), (1_000_000, "5.600000")],
)
def test_the_tier_is_chosen_by_the_whole_prompt(prompt: int, cost: str) -> None:
    assert money(OLD_OFFICIAL.cost(Reading(prompt_tokens=prompt))) == cost


def test_halves_are_rounded_up_once() -> None:
    half = Price((Tier(0, 500_000, 500_000),))  # half a micro a token
    assert half.cost(Reading(prompt_tokens=1)) == 1
    assert half.cost(Reading(prompt_tokens=1, completion_tokens=1)) == 1
    assert half.cost(Reading(prompt_tokens=2, completion_tokens=1)) == 2
    assert half_up(Fraction(1, 2)) == 1
    assert half_up(Fraction(499_999, 1_000_000)) == 0


amounts = st.integers(0, MAX_MICROS)
tokens = st.integers(0, 2_000_000)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    bounds = sorted(draw(st.sets(st.integers(1, 1_000_000), max_size=3)))
    tiers = tuple(Tier(draw(amounts), draw(amounts), draw(amounts), bound) for bound in [*bounds, None])
    return checked(Price(draw(st.sampled_from([(), tiers])), draw(amounts)))


@given(prices(), tokens, st.fractions(0, 1), tokens, st.integers(0, 10**12))
def test_the_cost_is_the_exact_sum_rounded(price: Price, prompt: int, share: Fraction, output: int, audio: int) -> None:
    hits = int(prompt * share)
    exact = Fraction(price.hour, 3600 * 10**6) * audio
    if price.tiers:
        tier = [tier for tier in price.tiers if tier.up_to_tokens is None or prompt <= tier.up_to_tokens][0]
        exact += Fraction((prompt - hits) * tier.miss + hits * tier.hit + output * tier.output, 10**6)
    cost = price.cost(Reading(prompt, hits, output, 0, audio))
    assert cost - Fraction(1, 2) <= exact < cost + Fraction(1, 2)


@given(prices())
def test_prices_survive_the_database(price: Price) -> None:
    assert from_json(to_json(price)) == price


@given(st.integers(-MAX_MICROS, MAX_MICROS))
def test_money_is_written_and_read_exactly(amount: int) -> None:
    assert micros(money(amount)) == amount


@pytest.mark.parametrize("text", ["", "x", "1e400", "nan", "0.0000001", "1,5", "10000000000"])
def test_what_is_no_amount_of_money(text: str) -> None:
    with pytest.raises(InvalidField):
        micros(text)


@pytest.mark.parametrize(
    "price",
    [
        Price((Tier(-1, 0, 0),)),
        Price(hour=MAX_MICROS + 1),
        Price((Tier(1, 1, 1), Tier(1, 1, 1))),
        Price((Tier(1, 1, 1, 5), Tier(1, 1, 1, 5))),
        Price((Tier(1, 1, 1, 9), Tier(1, 1, 1, 5))),
        Price((Tier(1, 1, 1, 0), Tier(1, 1, 1))),
    ],
)
def test_prices_that_make_no_sense(price: Price) -> None:
    with pytest.raises(InvalidField):
        checked(price)


def test_more_cached_than_prompt_tokens_cost_no_less_than_nothing() -> None:
    assert Reading.of(Usage(prompt_tokens=5, cached_tokens=9)).cached_tokens == 5
