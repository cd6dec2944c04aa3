"""What a command says when it fails: one plain message on standard error and an exit code, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from auricle.config import SettingsError
from auricle.errors import AuricleError

FAILED = 1
USAGE = 2  # wrong arguments or wrong settings


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn our exceptions into a message and an exit code: 1 for what failed, 2 for wrong use or settings."""
    try:
        yield
    except SettingsError as error:
        typer.echo(f"auricle: {error}", err=True)
        raise typer.Exit(USAGE) from None
    except AuricleError as error:
        typer.echo(f"auricle: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        typer.echo("\nauricle: stopped", err=True)
        raise typer.Exit(FAILED) from None
