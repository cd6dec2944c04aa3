"""The command `auricle`: one file a command, put together here."""

from __future__ import annotations

from typing import Annotated

import typer

from auricle import __version__
from auricle.cli import accounts, keys, models, prices
from auricle.cli.serve import serve
from auricle.cli.usage import usage

app = typer.Typer(
    name="auricle",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings come from auricle.toml (or the file that AURICLE_CONFIG names) and from AURICLE_* variables.",
)
app.command()(serve)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(accounts.app, name="accounts")
app.add_typer(prices.app, name="prices")
app.command()(usage)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auricle {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Understand and transcribe audio on your own machine, behind an OpenAI-compatible API."""
