"""Grammars that hold the model to JSON, to a JSON Schema, or to a call of one of the client's functions.

They are written in llguidance's dialect of Lark, whose `%json` takes a JSON Schema as it is. Whitespace is fixed, so
that a small model cannot loop on newlines between two tokens of JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from auricle.errors import InvalidField
from auricle.types import Message, Options

MAX_SCHEMA_BYTES = 64 * 1024
MAX_TOOLS = 128
_HEAD = "%llguidance {}\n"
_SPACING: dict[str, Any] = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_STRICT = {**_SPACING, "coerce_one_of": True}
_LENIENT = {**_STRICT, "lenient": True}  # a function's parameters: what cannot be enforced is the function's to check
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the client offers."""

    name: str
    definition: Mapping[str, Any]

    @property
    def opening(self) -> str:
        """What a call of it begins with."""
        return f'{{"name": {json.dumps(self.name)}, "arguments": '

    def rule(self) -> str:
        """The body of a grammar rule for a call of it."""
        parameters = dict(self.definition.get("parameters") or {"type": "object"})
        return f"{json.dumps(self.opening)} {_json(parameters, _LENIENT)} {json.dumps('}')}"


@dataclass(frozen=True, slots=True)
class Tools:
    """The functions that may be called in this answer, and whether one must be."""

    functions: tuple[Function, ...] = ()
    required: bool = False
    used: frozenset[str] = frozenset()
    """Names of functions whose results are there already: small models call them again and again if they may."""

    @property
    def callable(self) -> tuple[Function, ...]:
        """The functions that may be called now."""
        if self.required:
            return self.functions
        return tuple(function for function in self.functions if function.name not in self.used)

    @classmethod
    def of(cls, options: Options, messages: Sequence[Message] = ()) -> Tools:
        """What `tools` and `tool_choice` ask for after `messages`. Raises InvalidField."""
        functions = tuple(_function(index, tool) for index, tool in enumerate(options.tools))
        if len(functions) > MAX_TOOLS:
            raise InvalidField("tools", f"at most {MAX_TOOLS} functions")
        if len({function.name for function in functions}) < len(functions):
            raise InvalidField("tools", "two functions have the same name")
        choice = options.tool_choice
        if choice is None or choice == "auto":
            return cls(functions, used=_used(messages))
        if choice == "none":
            return cls()
        if not functions:
            raise InvalidField("tool_choice", "there are no tools to choose from")
        if choice == "required":
            return cls(functions, required=True)
        name = _chosen_name(choice)
        chosen = tuple(function for function in functions if function.name == name)
        if not chosen:
            raise InvalidField("tool_choice", f"there is no function {name!r} in tools")
        return cls(chosen, required=True)


@dataclass(frozen=True, slots=True)
class Constraint:
    """The grammar of an answer, and which field of the request a fault in it comes from."""

    grammar: str
    field: str


def exactly(text: str) -> str:
    """The grammar of nothing but `text`."""
    return f"{_HEAD}start: {orjson.dumps(text).decode()}"


def beginning_with(word: str) -> str:
    """The grammar of any text that begins with `word`."""
    return f"{_HEAD}start: {orjson.dumps(word).decode()} /([^A-Za-zÀ-ɏ](.|\\n)*)?/"


def beginning_with_or(word: str, whole: str) -> str:
    """The grammar of any text that begins with `word`, and of `whole`."""
    return f"{beginning_with(word)} | {orjson.dumps(whole).decode()}"


def anything_but(beginning: str) -> str:
    """The grammar of any text that does not begin with `beginning`."""
    return f"{_HEAD}start: ANSWER\nANSWER: /(.|\\n)+/ & ~/{re.escape(beginning)}(.|\\n)*/"


def constraint_of(options: Options, tools: Tools) -> Constraint | None:
    """What holds the answer to the form that `options` ask for, if anything does. Raises InvalidField."""
    form = options.response_format
    schema = form.schema if form.type == "json_schema" else {"type": "object"}
    if not isinstance(schema, Mapping):
        raise InvalidField("response_format.json_schema.schema", "it must be a JSON object")
    answer = None if form.type == "text" else _json(schema, _STRICT)
    if not tools.functions:
        return Constraint(f"{_HEAD}start: {answer}", "response_format.json_schema.schema") if answer else None
    names = [f"call_{index}" for index in range(len(tools.callable))]
    rules = [f"{name}: {function.rule()}" for name, function in zip(names, tools.callable, strict=True)]
    if not tools.required:
        names.append("answer")
        rules.append(f"answer: {answer}" if answer else "answer: ANSWER\nANSWER: /[^{](.|\\n)*/")
    return Constraint("\n".join([f"{_HEAD}start: {' | '.join(names)}", *rules]), "tools")


class CallReader:
    """Tells a function call from an answer while it is being written."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = functions
        self._text = ""
        self._state: Literal["open", "answer", "call"] = "open" if functions else "answer"
        self.function: Function | None = None

    def feed(self, text: str) -> str:
        """The part of the answer that is certain now; empty while it may be, or is, a call."""
        if self._state == "answer":
            return text
        self._text += text
        if self._state == "open":
            for function in self._functions:
                if self._text.startswith(function.opening):
                    self.function, self._state = function, "call"
                    self._text = self._text[len(function.opening) :]
                    return ""
            if not any(function.opening.startswith(self._text) for function in self._functions):
                self._state = "answer"
                text, self._text = self._text, ""
                return text
        return ""

    def end(self) -> str:
        """The arguments of the call, or what was held back of an answer that is no call after all."""
        if self.function is None:
            return self._text
        return self._text.removesuffix("}") if _complete(self._text) else self._text


def _complete(text: str) -> bool:
    """Whether `text` is a JSON value and the brace that closes the call around it."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.endswith("}")
    return False  # cut between the value and the brace


def _used(messages: Sequence[Message]) -> frozenset[str]:
    """Names of the functions called since the last message of a user."""
    names: set[str] = set()
    for message in messages:
        names = set() if message.role == "user" else names | {call.name for call in message.tool_calls}
    return frozenset(names)


def _function(index: int, tool: Mapping[str, Any]) -> Function:
    definition = tool.get("function")
    if tool.get("type", "function") != "function" or not isinstance(definition, Mapping):
        raise InvalidField(f"tools[{index}]", "only functions are supported")
    name = definition.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidField(f"tools[{index}].function.name", "1 to 64 letters, digits, '_', '-' or '.'")
    if not isinstance(definition.get("parameters", {}), Mapping | None):
        raise InvalidField(f"tools[{index}].function.parameters", "it must be a JSON Schema")
    return Function(name, definition)


def _chosen_name(choice: object) -> str:
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise InvalidField("tool_choice", 'one of "none", "auto", "required" or a named function')
    return name


def _json(schema: Mapping[str, Any], guidance: Mapping[str, Any]) -> str:
    try:
        text = orjson.dumps({**schema, "x-guidance": guidance})
    except TypeError as error:
        raise InvalidField("response_format.json_schema.schema", "it is nested too deep") from error
    if len(text) > MAX_SCHEMA_BYTES:
        raise InvalidField("response_format.json_schema.schema", f"it is longer than {MAX_SCHEMA_BYTES} bytes")
    return f"%json {text.decode()}"
