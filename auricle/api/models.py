"""`GET /v1/models` and `GET /v1/models/{id}`: what is served, and honestly what stands behind it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from auricle.api.auth import authenticate
from auricle.api.services import services_of
from auricle.errors import NotFound
from auricle.pipeline import ServedModel

router = APIRouter()

MODELS_CREATED = 1_766_000_000  # Unix seconds; OpenAI's clients want a number, it means nothing here


@router.get("/v1/models")
async def list_models(http: Request) -> dict[str, Any]:
    """Every model that may be asked for."""
    services = services_of(http)
    authenticate(http, services.keys)
    return {"object": "list", "data": [describe(model) for model in services.pipeline.models.values()]}


@router.get("/v1/models/{model_id:path}")
async def retrieve_model(http: Request, model_id: str) -> dict[str, Any]:
    """One model."""
    services = services_of(http)
    authenticate(http, services.keys)
    model = services.pipeline.models.get(model_id)
    if model is None:
        raise NotFound(f"there is no model {model_id}")
    return describe(model)


def describe(model: ServedModel) -> dict[str, Any]:
    capabilities = model.engine.capabilities(model.task)
    readiness = model.readiness()
    return {
        "id": model.name,
        "object": "model",
        "created": MODELS_CREATED,
        "owned_by": "auricle",
        "task": model.task.value,
        "context_length": model.context_length,
        "engine": model.engine.name,
        "weights": capabilities.weights,
        "languages": sorted(capabilities.languages) or None,
        "ready": readiness.ready,
        "detail": readiness.detail,
    }
