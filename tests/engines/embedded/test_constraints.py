from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher

from auricle.engines.embedded.constraints import (
    MAX_SCHEMA_BYTES,
    CallReader,
    Tools,
    beginning_with_or,
    constraint_of,
)
from auricle.engines.embedded.vocabularies import VOCABULARIES
from auricle.engines.embedded.vocabulary import Vocabulary
from auricle.errors import InvalidField
from auricle.types import Options, ResponseFormat

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "get-time"}}


def grammar(**options: Any) -> str:
    asked = Options(**options)
    constraint = constraint_of(asked, Tools.of(asked))
    assert constraint is not None
    return constraint.grammar


def test_plain_answers_are_free() -> None:
    assert constraint_of(Options(), Tools()) is None
    assert constraint_of(Options(tools=(WEATHER,), tool_choice="none"), Tools()) is None


@pytest.mark.parametrize(
    "options",
    [
        {"response_format": ResponseFormat("json_object")},
        {"response_format": ResponseFormat("json_schema", {"type": "object", "properties": {"a": {"enum": [1, "x"]}}})},
        {"response_format": ResponseFormat("json_schema", {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}})},
        {"tools": (WEATHER, CLOCK)},
        {"tools": (WEATHER, CLOCK), "tool_choice": "required"},
        {"tools": (WEATHER, CLOCK), "tool_choice": {"type": "function", "function": {"name": "get-time"}}},
        {"tools": (WEATHER,), "response_format": ResponseFormat("json_object")},
    ],
)
def test_grammars_compile(options: dict[str, Any]) -> None:
    assert LLMatcher.validate_grammar(grammar(**options)) == ""


@pytest.mark.parametrize("vocabulary", [each for each in VOCABULARIES.values() if each.because])
def test_reasons_have_a_grammar(vocabulary: Vocabulary) -> None:
    found = beginning_with_or(vocabulary.because, vocabulary.admission)
    assert LLMatcher.validate_grammar(found) == ""


def test_a_named_function_is_the_only_one() -> None:
    named = Options(tools=(WEATHER, CLOCK), tool_choice={"type": "function", "function": {"name": "get-time"}})
    tools = Tools.of(named)
    assert [function.name for function in tools.functions] == ["get-time"]
    assert tools.required


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"tools": ({"type": "retrieval"},)}, "tools[0]"),
        ({"tools": (WEATHER, {"type": "function", "function": {"name": "a b"}})}, "tools[1].function.name"),
        ({"tools": ({"type": "function", "function": {"name": 5}},)}, "tools[0].function.name"),
        ({"tools": (WEATHER, WEATHER)}, "tools"),
        (
            {"tools": ({"type": "function", "function": {"name": "a", "parameters": 5}},)},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": (WEATHER,), "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": (WEATHER,), "tool_choice": {"type": "function", "function": {"name": "fly"}}}, "tool_choice"),
        ({"response_format": ResponseFormat("json_schema")}, "response_format.json_schema.schema"),
        (
            {"response_format": ResponseFormat("json_schema", {"description": "x" * MAX_SCHEMA_BYTES})},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_nonsense_is_refused_by_name(options: dict[str, Any], field: str) -> None:
    asked = Options(**options)
    with pytest.raises(InvalidField) as refused:
        constraint_of(asked, Tools.of(asked))
    assert refused.value.field == field


def read(text: str, cuts: list[int]) -> tuple[str, str | None, str]:
    """What a reader makes of `text` when it comes in pieces: the answer, the function, what the end gives."""
    reader = CallReader(Tools.of(Options(tools=(WEATHER, CLOCK))).functions)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    answer = "".join(reader.feed(text[a:b]) for a, b in pairwise(places))
    return answer, reader.function.name if reader.function else None, reader.end()


CUTS = st.lists(st.integers(0, 1000), max_size=8)


@given(CUTS)
def test_a_call_is_read_however_it_is_cut(cuts: list[int]) -> None:
    text = '{"name": "get_weather", "arguments": {"city": "Köln {}"}}'
    assert read(text, cuts) == ("", "get_weather", '{"city": "Köln {}"}')


@pytest.mark.parametrize("end", [1, 2, 5])
def test_a_call_that_was_cut_off_keeps_what_there_is(end: int) -> None:
    text = '{"name": "get_weather", "arguments": {"city": "Rome"}}'
    assert read(text[:-end], []) == ("", "get_weather", '{"city": "Rome"}'[: 17 - end])


@given(st.sampled_from(["Hello.", '{"name": "fly"}', '{"name": "get_weather"', "{", "", '{"a": 1}']), CUTS)
def test_an_answer_is_read_however_it_is_cut(text: str, cuts: list[int]) -> None:
    answer, function, rest = read(text, cuts)
    assert function is None
    assert answer + rest == text
