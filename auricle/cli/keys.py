"""`auricle keys`: the API keys of a server with accounts."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from auricle.accounts.directory import DEFAULT_NAME
from auricle.accounts.views import KeyTerms, NewKey
from auricle.cli.books import amount, amount_text, opened, show, time_us, when
from auricle.errors import InvalidField

app = typer.Typer(no_args_is_help=True, help="Create, list, change, disable and rotate API keys.")

KeyName = Annotated[str, typer.Argument(metavar="KEY", help="Id or name.", show_default=False)]
Account = Annotated[str, typer.Option(help="Id or name of the account that pays.")]
DayLimit = Annotated[
    str | None, typer.Option(help="To spend on one day (UTC), in the currency; `none`: without limit.")
]
MonthLimit = Annotated[str | None, typer.Option(help="To spend in one month; `none`: without limit.")]
Models = Annotated[str | None, typer.Option(help="Models that it may ask for, comma-separated; `all`.")]
Expires = Annotated[datetime | None, typer.Option(help="When it ends (UTC): 2027-01-31 or 2027-01-31T12:00:00.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.", show_default=False)],
    account: Account = DEFAULT_NAME,
    project: Annotated[str, typer.Option(help="Id or name of the account's project.")] = DEFAULT_NAME,
    models: Models = None,
    daily_limit: DayLimit = None,
    monthly_limit: MonthLimit = None,
    expires: Expires = None,
    take_over: Annotated[
        bool, typer.Option("--import", help="Read from standard input a key that clients already use.")
    ] = False,
) -> None:
    """Create a key, and show it: now, and never again. Nothing but the key goes to standard output."""
    with opened() as (directory, _):
        terms = KeyTerms(time_us(expires), model_names(models), amount(daily_limit), amount(monthly_limit))
        secret = sys.stdin.readline().strip() if take_over else None
        made = directory.create_key(name, account=account, project=project, terms=terms, secret=secret)
        if take_over:
            typer.echo(f"{made.key.id}: {made.key.prefix}... is known now", err=True)
        else:
            tell(made, "created")


@app.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option(help="Only the keys of this account.")] = None,
) -> None:
    """Show every key: what it may do, and how it begins."""
    with opened() as (directory, _):
        accounts = {found.id: found.name for found in directory.accounts()}
        projects = {found.id: found.name for found in directory.projects()}
        columns = ("ID", "NAME", "BEGINS", "ACCOUNT", "PROJECT", "STATE", "EXPIRES", "MODELS", "A DAY", "A MONTH")
        show(
            columns,
            [
                (
                    key.id,
                    key.name,
                    key.prefix,
                    accounts[key.account_id],
                    projects[key.project_id],
                    "disabled" if key.disabled else "enabled",
                    when(key.expires_us),
                    "all" if key.models is None else ",".join(key.models),
                    amount_text(key.daily_limit_micros),
                    amount_text(key.monthly_limit_micros),
                )
                for key in directory.keys(account)
            ],
        )


@app.command()
def disable(key: KeyName) -> None:
    """Refuse a key from now on (403). Running servers notice within a second."""
    with opened() as (directory, _):
        typer.echo(f"{directory.change_key(key, disabled=True).id}: disabled")


@app.command()
def enable(key: KeyName) -> None:
    """Accept a disabled key again."""
    with opened() as (directory, _):
        typer.echo(f"{directory.change_key(key, disabled=False).id}: enabled")


@app.command()
def rotate(key: KeyName) -> None:
    """Give a key another secret, and show it; the old one is refused (401) within a second."""
    with opened() as (directory, _):
        tell(directory.rotate_key(key), "has another secret; the old one is refused")


@app.command()
def change(
    key: KeyName,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    models: Models = None,
    daily_limit: DayLimit = None,
    monthly_limit: MonthLimit = None,
    expires: Expires = None,
) -> None:
    """Change what a key may do; what is not named stays."""
    with opened() as (directory, _):
        found = directory.key(key)
        terms = KeyTerms(found.expires_us, found.models, found.daily_limit_micros, found.monthly_limit_micros)
        if models is not None:
            terms = replace(terms, models=model_names(models))
        if daily_limit is not None:
            terms = replace(terms, daily_limit_micros=amount(daily_limit))
        if monthly_limit is not None:
            terms = replace(terms, monthly_limit_micros=amount(monthly_limit))
        if expires is not None:
            terms = replace(terms, expires_us=time_us(expires))
        typer.echo(f"{directory.change_key(found.id, name=name, terms=terms).id}: changed")


def model_names(text: str | None) -> tuple[str, ...] | None:
    if text is None or text == "all":
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InvalidField("models", "name at least one, or `all`")
    return names


def tell(made: NewKey, what: str) -> None:
    typer.echo(f"{made.key.id} ({made.key.name}) {what}. Keep the key, it is shown only now:", err=True)
    typer.echo(made.secret)
