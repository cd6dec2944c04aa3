"""`docs/reference/cli.md`, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from auricle.cli import app
from auricle.cli.failures import FAILED, USAGE
from docs.generate.markdown import NOTICE, code, document, table

NAME = "auricle"
COMPLETION = {"install_completion", "show_completion"}  # typer's own, in every program


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups before what they hold: `auricle models pull`."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for word, inner in getattr(command, "commands", {}).items():
            if not inner.hidden:
                yield from walk(f"{name} {word}", inner)

    yield from walk(NAME, typer.main.get_command(app))


def options(command: Any) -> dict[str, str]:
    """Every spelling of an option -> its help."""
    return {
        spelling: parameter.help or ""
        for parameter in command.params
        if parameter.param_type_name == "option"
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }


def arguments(command: Any) -> str:
    """The command's arguments as they stand in its usage line."""
    names = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            bare = re.sub(r"[^A-Z_]", "", parameter.metavar or parameter.name.upper())
            more = "..." if parameter.nargs == -1 else ""
            names.append(f"{bare}{more}" if parameter.required else f"[{bare}{more}]")
    return "".join(f" {name}" for name in names)


def section(name: str, command: Any) -> list[str]:
    """One command: usage, help, options."""
    inner = getattr(command, "commands", {})
    shown = [p for p in command.params if p.param_type_name == "option" and p.name not in COMPLETION and not p.hidden]
    usage = name + (" [OPTIONS]" if shown else "") + arguments(command) + (" COMMAND" if inner else "")
    blocks = [f"## `{name}`", f"```text\n{usage}\n```", re.sub(r"(?<!\n)\n(?!\n)", " ", command.help or "")]
    if shown:
        blocks.append(table(("option", "what"), [(spelled(option), option.help or "") for option in shown]))
    if inner:
        rows = [(code(f"{name} {word}"), first_sentence(sub.help)) for word, sub in inner.items() if not sub.hidden]
        blocks.append(table(("command", "what"), rows))
    return blocks


def spelled(option: Any) -> str:
    value = "" if option.is_flag else f" {option.name.upper()}"
    return ", ".join(code(spelling + value) for spelling in (*option.opts, *option.secondary_opts))


def first_sentence(text: str | None) -> str:
    return re.split(r"(?<=\.)\s", (text or "").strip(), maxsplit=1)[0].replace("\n", " ")


def page() -> str:
    """The reference page."""
    blocks = [block for name, command in commands() for block in section(name, command)]
    return document(
        NOTICE,
        "# Command line",
        "Every command takes `-h` or `--help`. Settings that have no option come from "
        "[the settings file or the environment](settings.md).",
        f"Exit codes: 0 when all went well, {FAILED} when something failed, {USAGE} for wrong arguments or settings.",
        *blocks,
    )
