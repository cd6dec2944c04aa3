"""`/docs` and the OpenAPI document, without any outside host."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.staticfiles import StaticFiles

from auricle.api.schema import ChatRequest, Completion, CompletionChunk, ErrorBody

OPENAPI_PATH = "/openapi.json"
ASSETS_PATH = "/docs/assets"
REFERENCE = "#/components/schemas/{model}"
BODIES: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (ChatRequest, "validation"),
    (Completion, "serialization"),
    (CompletionChunk, "serialization"),
    (ErrorBody, "serialization"),
]
FAILURES = {
    400: "Something about the request is wrong and will be wrong again; `param` says what.",
    401: "No key, or one that is not known.",
    402: "The balance, or the spending limit of the key, is used up (servers with accounts).",
    403: "The key is disabled, or may not ask for this model (servers with accounts).",
    404: "No such thing.",
    413: "The body is larger than any legal request.",
    429: "Too many requests or tokens a minute; wait `Retry-After` seconds.",
    500: "Our fault; `param` holds the id to find it in the log.",
    503: "Overloaded or starting; wait `Retry-After` seconds.",
}

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def swagger() -> HTMLResponse:
    """Swagger UI, from files that ship with the package."""
    return get_swagger_ui_html(
        openapi_url=OPENAPI_PATH,
        title="Auricle: API",
        swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS_PATH}/favicon.png",
    )


def install(app: FastAPI) -> None:
    """Serve the assets and the document."""
    app.mount(ASSETS_PATH, StaticFiles(directory=Path(str(files("fastapi_offline"))) / "static"))

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with the bodies that are parsed by hand, both ways to send a key, and the failures."""
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    _, definitions = models_json_schema(BODIES, ref_template=REFERENCE)
    components = document.setdefault("components", {})
    components["schemas"] = definitions["$defs"]
    components["securitySchemes"] = {
        "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1/"):
                operation["security"] = [{"api-key": []}, {"bearer": []}]
                operation["responses"] = {"200": operation["responses"]["200"], **failure_responses()}
    chat = document["paths"]["/v1/chat/completions"]["post"]
    chat["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference("ChatRequest")}}}
    chat["responses"]["200"]["content"] = {
        "application/json": {"schema": reference("Completion")},
        "text/event-stream": {"schema": reference("CompletionChunk")},
    }
    return document


def reference(name: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=name)}


def failure_responses() -> dict[str, Any]:
    content = {"application/json": {"schema": reference("ErrorBody")}}
    return {str(status): {"description": text, "content": content} for status, text in FAILURES.items()}
