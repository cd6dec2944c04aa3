"""`docs/reference/http.md`, from the app's OpenAPI document, the bodies' schema, the errors and the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from auricle import errors
from auricle.accounts.limits import REQUESTS_A_MINUTE, TOKENS_A_MINUTE
from auricle.admission import Admission
from auricle.api import docs as openapi
from auricle.api.chat import HEARTBEAT_SECONDS
from auricle.api.failures import error_body
from auricle.api.metrics import Metrics
from auricle.app import create_app
from auricle.config import DEFAULT_MODELS, MIB, Settings, load_settings
from auricle.engines.registry import ENGINES, build_engine
from auricle.errors import AuricleError, UnknownModel
from auricle.types import Task
from docs.generate.markdown import NOTICE, code, document, table

Schema = dict[str, Any]

REQUEST = "ChatRequest"
RESPONSE = "Completion"
CHUNK = "CompletionChunk"
ENGINE = "scripted"  # any: the document does not depend on it, and this one loads nothing


def openapi_document() -> Schema:
    """The document that `/openapi.json` serves."""
    models = {name: {"engine": ENGINE} for name in DEFAULT_MODELS}
    served: Schema = create_app(load_settings(models=models, engines={ENGINE: {"kind": ENGINE}})).openapi()
    return served


def kind(schema: Schema) -> str:
    """A JSON schema in words; names of objects in code."""
    if "$ref" in schema:
        return code(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " or ".join(code(json.dumps(value)) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind(item) for item in schema[several] if item.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}" if "items" in schema else "list"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    name = str(schema.get("type", "anything"))
    return words.get(name, name) + bounds(schema)


def bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or abs(low) > 2**30:
        return ""
    return f" from {low}" + (f" to {high}" if high is not None and high < 2**30 else "")


def fields(schema: Schema, *, asked: bool) -> Iterator[tuple[str, str, str]]:
    """Rows of an object's table; in what clients send, `asked`, with which fields are required."""
    required = schema.get("required", []) if asked else []
    for name, field in schema.get("properties", {}).items():
        text = kind(field) if field.get("type") != "null" else "null"
        words = [field.get("description", "Accepted; changes nothing." if text == "anything" else "")]
        if name in required:
            words.insert(0, "Required.")
        yield code(name), text, " ".join(filter(None, words))


def reachable(root: str, schemas: Mapping[str, Schema]) -> list[str]:
    """Names of the objects that `root` is made of, in the order in which they are met."""
    found: list[str] = []

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            name = value.get("$ref", "").rpartition("/")[2]
            if name in schemas and name not in found:
                found.append(name)
                visit(schemas[name])
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(schemas[root])
    return [name for name in found if name != root and schemas[name].get("properties")]


def bodies(schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Root -> the tables of the objects that it is made of, each object where it is met first."""
    shown: set[str] = set()
    texts = {}
    for root in (REQUEST, RESPONSE, CHUNK):
        names = [name for name in [root, *reachable(root, schemas)] if name not in shown]
        shown.update(names)
        blocks = []
        for name in names:
            blocks.append(f"#### `{name}`")
            blocks.append(" ".join(schemas[name].get("description", "").split()))
            blocks.append(table(("field", "type", "what"), fields(schemas[name], asked=root == REQUEST)))
        texts[root] = document(*blocks)
    return texts


def endpoints(served: Schema) -> str:
    rows = []
    for path, operations in served["paths"].items():
        for method, operation in operations.items():
            words = " ".join((operation.get("description") or operation.get("summary", "")).split())
            rows.append((code(f"{method.upper()} {path}"), "yes" if "security" in operation else "no", words))
    rows.append((code("GET /docs"), "no", "This API as a page to try it on."))
    rows.append((code(f"GET {openapi.OPENAPI_PATH}"), "no", "This API as an OpenAPI document."))
    return table(("endpoint", "key", "what"), rows)


def honoured() -> str:
    """Which fields each engine honours, for each task."""
    columns: dict[str, frozenset[str]] = {}
    for name in sorted(ENGINES):
        engine = build_engine(name, load_settings(engines={name: {"kind": name}}))
        for task in Task:
            columns[f"{name}, {task.value}"] = engine.capabilities(task).fields
    fields = sorted(frozenset().union(*columns.values()) - {"thinking"})  # which is never refused
    spelled = {"max_tokens": "max_completion_tokens"}
    rows = [
        (code(spelled.get(field, field)), *("yes" if field in known else "no" for known in columns.values()))
        for field in fields
    ]
    return table(("field", *columns), rows)


def limits() -> str:
    def default(name: str) -> Any:
        return Settings.model_fields[name].default

    def mib(name: str) -> str:
        return f"{default(name) // MIB} MiB"

    lengths = ", ".join(f"`{n}` {m['context_length']:,}" for n, m in DEFAULT_MODELS.items() if "context_length" in m)
    tokens = {task: f"{amount:,}" for task, amount in TOKENS_A_MINUTE.items()}
    return table(
        ("limit", "default", "setting"),
        [
            ("audio formats", "MP3, WAV, FLAC, M4A (AAC, ALAC), OGG (Vorbis, Opus)", "`extra_formats`"),
            ("one audio by URL", mib("max_url_bytes"), "`max_url_bytes`"),
            ("one audio by base64", f"{mib('max_base64_bytes')} of base64 text", "`max_base64_bytes`"),
            ("request body", mib("max_body_bytes"), "`max_body_bytes`"),
            ("length of one audio", f"{default('max_audio_seconds') / 3600:g} hours", "`max_audio_seconds`"),
            ("fetching one URL", f"{default('fetch_timeout_seconds'):g} seconds", "`fetch_timeout_seconds`"),
            (
                "all text and audio tokens of a request",
                f"under the context length: {lengths}, lowered to what the engine has",
                '`[models."NAME"] context_length`',
            ),
            ("requests a minute, by key and model", f"{REQUESTS_A_MINUTE} with keys, none without", "`rate_limits`"),
            (
                "tokens a minute, by key and model",
                f"{tokens[Task.UNDERSTAND]}, recognition {tokens[Task.RECOGNIZE]}; none without keys",
                "`rate_limits`",
            ),
        ],
    )


def failures() -> str:
    """Every error with a status of its own."""
    rows: dict[int, tuple[str, str, str]] = {}

    def visit(cls: type[AuricleError]) -> None:
        for inner in cls.__subclasses__():
            if inner.status not in rows:
                words = openapi.FAILURES.get(inner.status) or MEANINGS[inner.status]
                rows[inner.status] = (str(inner.status), inner.message, words)
            visit(inner)

    visit(errors.AuricleError)
    return table(("status", "message", "when"), [rows[status] for status in sorted(rows)])


MEANINGS = {
    402: "The account's balance is used up.",
    403: "The key is disabled or may not do this.",
    405: "The endpoint does not take this method.",
    408: "The body did not arrive in time (`body_timeout_seconds`).",
    421: "The engine's own content filter refused.",
}
"""Statuses that the OpenAPI document does not list for every endpoint."""


def metrics() -> str:
    rows = [
        (code(f"{family.name}_total" if family.type == "counter" else family.name), family.type, family.documentation)
        for family in Metrics(Admission()).registry.collect()
    ]
    return table(("metric", "type", "what"), rows)


def page() -> str:
    """The reference page."""
    served = openapi_document()
    tables = bodies(served["components"]["schemas"])
    error = json.dumps(error_body(UnknownModel("mimo-v9")), indent=2)
    return document(
        NOTICE,
        "# HTTP API",
        "The API of MiMo's two audio pages, behind any host. A running server shows the same at `/docs`.",
        "## Endpoints",
        endpoints(served),
        "## Keys",
        "`api-key: KEY` or `Authorization: Bearer KEY`; with both, one of them has to be right. A server without keys "
        "answers everybody who can reach it, whatever key is sent.",
        "## `POST /v1/chat/completions`",
        "### Request",
        "A field is honoured or refused by its name, never dropped. Fields of OpenAI's API that cannot change the "
        "answer are accepted. Fields that are not in this table are refused with status 400.",
        tables[REQUEST],
        "`data` and `url` are an http(s) URL, a data URL `data:audio/wav;base64,...`, or bare base64. The format is "
        "recognised by the bytes; the MIME type and `format` are not asked. A message may hold several audios and "
        "texts in any order. A speech recognition model takes one audio or more, and ignores text. An understanding "
        "model needs a text.",
        "What an engine cannot honour is refused with status 400 and the field's name:",
        honoured(),
        "The embedded engine's recognition always writes the likeliest words: it takes `temperature` 0 or 1, and "
        "`top_p` and `seed` change nothing. `thinking` is never refused; recognition does not think.",
        "### Answer",
        tables[RESPONSE],
        "### Stream",
        "With `stream: true` the answer is `text/event-stream`. Each event is one line `data: {json}` of "
        "`CompletionChunk`, followed by an empty line:",
        "1. a chunk with `delta.role`;\n"
        "2. chunks with `delta.reasoning_content`, then chunks with `delta.content` or `delta.tool_calls`;\n"
        "3. a chunk with `finish_reason`, and with `usage` unless a chunk of its own was asked for;\n"
        "4. with `stream_options.include_usage`, a chunk with `choices: []` and `usage`;\n"
        "5. `data: [DONE]`.",
        "The joined deltas are the answer that is not streamed. Speech recognition streams text as it is recognised. "
        f"While nothing happens, a chunk with an empty delta comes every {HEARTBEAT_SECONDS:g} seconds. What is wrong "
        'before the first event is a plain HTTP error; after it, one event `data: {"error": ...}` ends the stream. '
        "A client that hangs up stops the work.",
        tables[CHUNK],
        "## Limits",
        limits(),
        "## Errors",
        f"```json\n{error}\n```",
        "`code` is the HTTP status as text, `message` the class, `param` says exactly what. Wrong input is always 400: "
        "sending it again cannot help. 429 and 503 come with `Retry-After`.",
        failures(),
        "## Response headers",
        table(
            ("header", "what"),
            [
                ("`x-request-id`", "The id of this request in the server's log."),
                ("`x-auricle-engine`", "Which engine answered."),
                ("`x-auricle-weights`", "Which weights answered."),
                ("`retry-after`", "Seconds to wait, with 429 and 503."),
            ],
        ),
        "## Metrics",
        "`GET /metrics` is in Prometheus' text form.",
        metrics(),
    )
