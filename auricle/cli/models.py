"""`auricle models`: the weights on this machine."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="List, download, check and remove model weights.")


@app.command("list")
def list_models() -> None:
    """Show the models that Auricle knows by name."""
    from auricle.weights.catalogue import MODELS

    for model in MODELS.values():
        typer.echo(f"{model.name}  {model.purpose}")


@app.callback()
def _group() -> None: ...
