"""`auricle accounts`: who pays, and the administrator's password."""

from __future__ import annotations

from typing import Annotated

import typer

from auricle.accounts.admin import Admin
from auricle.accounts.prices import micros, money
from auricle.accounts.views import AccountView
from auricle.cli.books import opened, show, when

app = typer.Typer(no_args_is_help=True, help="Accounts, their projects and balances; the administrator's password.")

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Id or name.", show_default=False)]
Name = Annotated[str, typer.Argument(show_default=False)]


@app.command("list")
def list_accounts() -> None:
    """Show every account with its balance."""
    with opened() as (directory, settings):
        columns = ("ID", "NAME", "PAYS", "STATE", "CREATED", "CREDITED", "CHARGED", "BALANCE", "")
        show(
            columns,
            [
                (
                    account.id,
                    account.name,
                    "first" if account.prepaid else "later",
                    "disabled" if account.disabled else "enabled",
                    when(account.created_us),
                    money(account.credited_micros),
                    money(account.charged_micros),
                    money(account.balance_micros),
                    settings.currency,
                )
                for account in directory.accounts()
            ],
        )


@app.command()
def create(
    name: Name,
    prepaid: Annotated[
        bool, typer.Option("--prepaid", help="Refuse its requests (402) once the balance is used up.")
    ] = False,
) -> None:
    """Create an account, with a project `default`."""
    with opened() as (directory, _):
        typer.echo(f"{directory.create_account(name, prepaid=prepaid).id}: created")


@app.command()
def change(
    account: Account,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    prepaid: Annotated[bool | None, typer.Option("--prepaid/--postpaid", help="Whether it pays first.")] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Refuse its keys, or not.")] = None,
) -> None:
    """Rename an account, disable it, or change how it pays."""
    with opened() as (directory, _):
        changed = directory.change_account(account, new_name=name, prepaid=prepaid, disabled=disabled)
        typer.echo(f"{changed.id}: changed")


@app.command("top-up")
def top_up(
    account: Account,
    amount: Annotated[str, typer.Argument(help="In the currency; negative (after --): a correction.")],
    note: Annotated[str, typer.Option(help="For people.")] = "",
    reference: Annotated[str | None, typer.Option(help="The payment's; the same one again changes nothing.")] = None,
) -> None:
    """Add to an account's balance."""
    with opened() as (directory, settings):
        tell_balance(directory.top_up(account, micros(amount), note, reference), settings.currency)


@app.command("create-project")
def create_project(account: Account, name: Name) -> None:
    """Create a project, by which keys and bills can be told apart."""
    with opened() as (directory, _):
        typer.echo(f"{directory.create_project(account, name).id}: created")


@app.command()
def password() -> None:
    """Set the administrator's password, and end every session."""
    with opened() as (directory, _):
        chosen = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
        Admin(directory.database, None).put_password(chosen)
        typer.echo("The password is set.")


def tell_balance(account: AccountView, currency: str) -> None:
    typer.echo(f"{account.id}: the balance is {money(account.balance_micros)} {currency}")
