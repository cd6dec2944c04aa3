"""`auricle usage`: what was used and what it costs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from auricle.accounts.clock import day_of, now_us
from auricle.accounts.prices import money
from auricle.accounts.reports import Group, Reports, Span, group_columns, group_record, to_csv
from auricle.cli.books import opened, show


def usage(
    month: Annotated[str | None, typer.Option(help="`2026-11`. [default: this month]")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day (UTC), in place of a month.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day (UTC).")] = None,
    by: Annotated[
        str, typer.Option(help="Sum by: day, month, model, engine, key, project, account, status; comma-separated.")
    ] = "day,model",
    account: Annotated[str | None, typer.Option(help="Only this account: id or name.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Show usage and cost of a server with accounts, from its ledger."""
    with opened() as (directory, settings):
        owner = None if account is None else directory.account(account).id
        this_month = Span.month(month or day_of(now_us())[:7], owner)
        span = Span.of(first, last, owner) if first or last else this_month
        reports = Reports(directory.database)
        names = [name.strip() for name in by.split(",") if name.strip()]
        groups = reports.usage(span, names)
        if csv:
            sys.stdout.writelines(to_csv(group_columns(names), map(group_record, groups)))
            return
        total = Group(dict.fromkeys(names, ""), {}, reports.total(span))
        heads = [name.upper() for name in names]
        columns = (*heads, "REQUESTS", "ERRORS", "TOKENS IN", "TOKENS CACHED", "TOKENS OUT", "AUDIO", "COST", "")
        show(columns, [row_of(group, settings.currency) for group in (*groups, total)])


def row_of(group: Group, currency: str) -> tuple[object, ...]:
    sums = group.sums
    seconds = sums.audio_us // 1_000_000
    return (
        *(group.names.get(name) or value for name, value in group.by.items()),
        sums.requests,
        sums.errors,
        sums.prompt_tokens,
        sums.cached_tokens,
        sums.completion_tokens,
        f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}",
        money(sums.cost_micros),
        currency,
    )
