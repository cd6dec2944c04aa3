"""`docs/reference/settings.md` and `auricle.toml.example`, from the settings' own descriptions."""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from auricle.config import (
    DEFAULT_CONFIG_FILE,
    DEFAULT_ENGINES,
    DEFAULT_MODELS,
    EngineSettings,
    ModelSettings,
    Settings,
    default_cache_dir,
    default_data_dir,
)
from docs.generate.markdown import NOTICE, code, document, table

PREFIX = str(Settings.model_config["env_prefix"])
NESTED = str(Settings.model_config["env_nested_delimiter"])
TABLES: dict[str, type[BaseModel]] = {"models": ModelSettings, "engines": EngineSettings}
WORDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Path": "path",
    "SecretStr": "text, secret",
    "IPv4Network": "network",
    "IPv6Network": "network",
    "Task": "`understand` or `recognize`",
}
EXAMPLES = {
    "limits_url": "redis://127.0.0.1:6379/0",
    "heard_url": "redis://127.0.0.1:6379/1",
    "database_url": "postgresql://auricle:password@127.0.0.1/auricle",
    "admin_password": "a long one",
    "rate_limits": "mimo",
    "fetch_proxy": "http://proxy.example.com:3128",
    "spool_dir": "/srv/spool",
    "trace_url": "http://127.0.0.1:4318/v1/traces",
    "weights_dir": "/srv/weights",
}
"""What auricle.toml.example shows where a setting has no default."""
WRAP = 100  # characters of a comment line


def groups() -> dict[str, list[str]]:
    """Names of settings under the headings that the source gives them: `# the server`."""
    found: dict[str, list[str]] = {}
    for heading, name in re.findall(r"(?m)^    (?:# (.+)|([a-z0-9_]+): )", inspect.getsource(Settings)):
        if heading:
            found[heading] = []
        elif name in Settings.model_fields:
            list(found.values())[-1].append(name)
    return {heading: names for heading, names in found.items() if names}


def variable(name: str) -> str:
    return PREFIX + name.upper()


def default(field: FieldInfo) -> Any:
    """A setting's default as TOML would hold it; None where there is none."""
    if field.default_factory is default_cache_dir:
        return "~/.cache/auricle"
    if field.default_factory is default_data_dir:
        return "~/.local/share/auricle"
    value = field.get_default(call_default_factory=True, validated_data={})
    return list(value) if isinstance(value, tuple) else value


def kind(annotation: Any) -> str:
    """An annotation in words."""
    arguments = [item for item in get_args(annotation) if item not in (type(None), ...)]
    if get_origin(annotation) is Literal:
        return " or ".join(code(value) for value in arguments)
    if get_origin(annotation) is tuple:
        return f"list of {kind(arguments[0])}"
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(kind(item) for item in arguments))
    name = str(annotation.__name__)
    return WORDS.get(name, name)


def bounds(field: FieldInfo) -> str:
    """` (0 to 65535)`, or nothing."""
    limits = {
        sign: getattr(item, name)
        for item in field.metadata
        for name, sign in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below"))
        if hasattr(item, name)
    }
    return ", " + " ".join(f"{sign} {value}" for sign, value in limits.items()) if limits else ""


def text_of(value: Any) -> str:
    """A value in TOML."""
    return json.dumps(str(value) if isinstance(value, Path | SecretStr) else value, ensure_ascii=False)


def shown_default(field: FieldInfo) -> str:
    value = default(field)
    if value is None or value == []:
        return "none"
    return code(text_of(value))


def rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        needed = "required" if field.is_required() else shown_default(field)
        yield code(name), kind(field.annotation) + bounds(field), needed, field.description or ""


def page() -> str:
    """The reference page."""
    sections = []
    for heading, names in groups().items():
        plain = [name for name in names if name not in TABLES]
        listed = [
            (
                code(name),
                code(variable(name)),
                kind(field.annotation) + bounds(field),
                shown_default(field),
                field.description or "",
            )
            for name, field in Settings.model_fields.items()
            if name in plain
        ]
        sections.append(f"## {heading[0].upper()}{heading[1:]}")
        sections.append(table(("setting", "variable", "type", "default", "what"), listed))
    defaults = [
        (code(name), code(given["task"].value), f"{given['context_length']:,}" if "context_length" in given else "")
        for name, given in DEFAULT_MODELS.items()
    ]
    return document(
        NOTICE,
        "# Settings",
        f"Settings come from a TOML file and from environment variables; the variable wins. The file is "
        f"`{DEFAULT_CONFIG_FILE}` in the folder where the server starts, or the one that `{PREFIX}CONFIG` names. "
        "An unknown setting or a wrong value stops the server with a message that names it.\n\n"
        'In a variable, lists are parted by commas (`80,443`). In the file they are TOML lists (`["80", "443"]`) or '
        "the same text with commas. Sizes are in bytes, times in seconds.\n\n"
        "A file with every setting, all commented out: [auricle.toml.example](../../auricle.toml.example).",
        *sections,
        '### `[models."NAME"]`',
        (ModelSettings.__doc__ or "")
        + " These are there without any configuration; a table of the same name changes what it names:",
        table(("name", "task", "context length"), defaults),
        "A table holds:",
        table(("setting", "type", "default", "what"), rows(ModelSettings)),
        "### `[engines.NAME]`",
        EngineSettings.__doc__ or "",
        table(("setting", "type", "default", "what"), rows(EngineSettings)),
        "### Tables in variables",
        f"Two underscores stand for a dot: `{variable('engines')}{NESTED}EMBEDDED{NESTED}BEAM_SIZE=5`. Names with "
        f'dots or hyphens need JSON: `{variable("models")}=\'{{"whisper-1": {{"task": "recognize"}}}}\'`.',
        "## Other variables",
        table(
            ("variable", "what"),
            [
                (code(f"{PREFIX}CONFIG"), f"The settings file, in place of `{DEFAULT_CONFIG_FILE}`. It must exist."),
                (code("XDG_CACHE_HOME"), "Moves the default of `cache_dir` to `$XDG_CACHE_HOME/auricle`."),
                (code("HF_TOKEN"), "Sent to Hugging Face for gated repositories, never to a mirror in `hub_url`."),
            ],
        ),
    )


def comment(text: str) -> str:
    """`text` as comment lines."""
    lines, line = [], "#"
    for word in text.replace("`", "").split():
        if len(line) + 1 + len(word) > WRAP:
            lines.append(line)
            line = "#"
        line += " " + word
    return "\n".join([*lines, line])


def assignment(name: str, field: FieldInfo, given: Any = None) -> str:
    """The line that sets `name`, commented out."""
    value = default(field) if given is None else given
    return f"#{name} = " + text_of(EXAMPLES[name] if value is None else value)


def example() -> str:
    """A settings file with everything commented out."""
    blocks = [
        f"# Every setting of Auricle with its default. Copy this file to {DEFAULT_CONFIG_FILE} and take away the # of\n"
        f"# what you change. {PREFIX}NAME in the environment wins over the file. Written by `make docs`."
    ]
    for heading, names in groups().items():
        blocks.append(f"# --- {heading} ---")
        for name in names:
            field = Settings.model_fields[name]
            if name not in TABLES:
                empty = " Not set unless you set it." if default(field) is None else ""
                blocks.append(comment((field.description or "") + empty) + "\n" + assignment(name, field))
    for model_name, given in DEFAULT_MODELS.items():
        lines = [f'#[models."{model_name}"]']
        for name, field in ModelSettings.model_fields.items():
            if name in given or not field.is_required():
                value = given[name].value if name == "task" else given.get(name)
                if value is not None or default(field) is not None:
                    lines.append(assignment(name, field, value))
        blocks.append("\n".join(lines))
    for engine_name in DEFAULT_ENGINES:
        lines = [f"#[engines.{engine_name}]"]
        for name, field in EngineSettings.model_fields.items():
            lines += [comment(field.description or ""), assignment(name, field)]
        blocks.append("\n".join(lines))
    return document(*blocks)
