"""`auricle prices`: what models cost."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from auricle.accounts.prices import Price, PriceVersion, Tier, micros, money
from auricle.cli.books import opened, show, time_us, when
from auricle.errors import InvalidField

app = typer.Typer(no_args_is_help=True, help="Show prices and set new ones; what was charged before stays.")


@app.command("list")
def list_prices(model: Annotated[str | None, typer.Argument(help="Only this model's.")] = None) -> None:
    """Show every version of every price. The last one of a model that has begun is in effect."""
    with opened() as (directory, settings):
        rows = [row for version in directory.prices(model) for row in rows_of(version)]
        show(
            ("VERSION", "MODEL", "FROM", "PROMPT TOKENS", "HIT", "MISS", "OUTPUT", "AN HOUR", ""),
            [(*row, settings.currency) for row in rows],
        )


@app.command("set")
def set_price(
    model: Annotated[str, typer.Argument(show_default=False)],
    tier: Annotated[
        list[str] | None,
        typer.Option(help="`HIT/MISS/OUTPUT` per million tokens; `UP_TO:HIT/MISS/OUTPUT` for prompts up to so many."),
    ] = None,
    hour: Annotated[str, typer.Option(help="Per hour of audio.")] = "0",
    begins: Annotated[datetime | None, typer.Option("--from", help="When it begins (UTC). [default: now]")] = None,
) -> None:
    """Set a model's price, from now on or from a later time. Running servers notice within a second.

    Two tiers: --tier 262144:0.56/2.8/14 --tier 1.12/5.6/28
    """
    with opened() as (directory, _):
        price = Price(tuple(parse_tier(text) for text in tier or ()), micros(hour))
        typer.echo(f"{model}: version {directory.set_price(model, price, time_us(begins)).version}")


def parse_tier(text: str) -> Tier:
    bound, _, amounts = text.rpartition(":")
    parts = amounts.split("/")
    if len(parts) != 3 or (bound and not bound.isdecimal()):
        raise InvalidField("tier", f"{text!r} is not HIT/MISS/OUTPUT or UP_TO:HIT/MISS/OUTPUT")
    hit, miss, output = (micros(part) for part in parts)
    return Tier(hit, miss, output, int(bound) if bound else None)


def rows_of(version: PriceVersion) -> list[tuple[object, ...]]:
    head = (version.version, version.model, when(version.from_us))
    if not version.price.tiers:
        return [(*head, "", "", "", "", money(version.price.hour))]
    return [
        (
            *head,
            "any" if tier.up_to_tokens is None else f"up to {tier.up_to_tokens}",
            money(tier.hit),
            money(tier.miss),
            money(tier.output),
            money(version.price.hour) if version.price.hour else "",
        )
        for tier in version.price.tiers
    ]
